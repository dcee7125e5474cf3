import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { CliError } from '../../node/commands/cli-error.ts'
import { socketPath } from './socket.ts'

/** How long the agent may take to answer, in ms. */
const TIMEOUT_MS = 30_000

/**
 * Asks the agent that runs on this data folder.
 *
 * @param call e.g. `"GET /jobs"`
 * @throws {CliError} of one line where none runs there, or it is another user's
 */
export async function askAgent<T>(dataFolder: string, call: string): Promise<T> {
  const [method, path] = call.split(' ')
  try {
    const socket = await socketPath(dataFolder)
    try {
      const options = { socketPath: socket.path, method, path, signal: AbortSignal.timeout(TIMEOUT_MS) }
      const [response] = (await once(request(options).end(), 'response')) as [IncomingMessage]
      const value = (await json(response)) as T & { error?: string }
      if (response.statusCode !== 200) throw new CliError(value.error ?? `The agent answered ${response.statusCode}`)
      return value
    } finally {
      await socket.release()
    }
  } catch (error) {
    throw explained(error, dataFolder)
  }
}

function explained(error: unknown, dataFolder: string): unknown {
  const { code, name } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') {
    return new CliError(`No agent runs on ${dataFolder}: start 'cortex agent', or give the --data that it was given`)
  }
  if (code === 'EACCES')
    return new CliError(`The agent on ${dataFolder} is another user’s: ask as the user that runs it`)
  if (name === 'TimeoutError' || name === 'AbortError') {
    return new CliError(`The agent on ${dataFolder} does not answer: its log may say why`)
  }
  return error
}
