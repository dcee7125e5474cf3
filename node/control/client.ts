import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { CliError } from '../commands/cli-error.ts'
import { type ControlPart, socketPath } from './socket.ts'

/** How long an answer may take to begin, in ms. */
const TIMEOUT_MS = 30_000

/** Who is asked: the part that runs on this data folder. */
export interface Asked {
  part: ControlPart
  dataFolder: string
}

/** Nobody answers: nothing runs on the data folder. */
export class NotRunningError extends CliError {}

/**
 * Asks what runs on a data folder.
 *
 * @param call e.g. `"GET /jobs"`
 * @throws {NotRunningError} of one line where nothing runs there
 * @throws {CliError} where it is another user's, or says no
 */
export async function askPart<T>(asked: Asked, call: string): Promise<T> {
  return await answered(asked, call, async (response) => (await json(response)) as T)
}

/** The same for an answer that is no JSON: its bytes, as they come. */
export async function streamOf(asked: Asked, call: string): Promise<Readable> {
  return await answered(asked, call, async (response) => response)
}

async function answered<T>(asked: Asked, call: string, read: (response: IncomingMessage) => Promise<T>): Promise<T> {
  const [method, path] = call.split(' ')
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(new DOMException('It took too long', 'TimeoutError')), TIMEOUT_MS)
  try {
    const socket = await socketPath(asked.dataFolder, asked.part)
    try {
      const options = { socketPath: socket.path, method, path, signal: over.signal }
      const [response] = (await once(request(options).end(), 'response')) as [IncomingMessage]
      if (response.statusCode === 200) return await read(response)
      const { error } = (await json(response)) as { error?: string }
      throw new CliError(error ?? `The ${asked.part} answered ${response.statusCode}`)
    } finally {
      await socket.release()
    }
  } catch (error) {
    throw explained(error, asked)
  } finally {
    clearTimeout(timer)
  }
}

function explained(error: unknown, { part, dataFolder }: Asked): unknown {
  const { code, name } = error as NodeJS.ErrnoException
  const at = `${part} on ${dataFolder}`
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') {
    const remedy = `start 'cortex ${part}', or give the --data that it was given`
    return new NotRunningError(`No ${part} runs on ${dataFolder}: ${remedy}`)
  }
  if (code === 'EACCES') return new CliError(`The ${at} is another user’s: ask as the user that runs it`)
  if (name === 'TimeoutError' || name === 'AbortError') {
    return new CliError(`The ${at} does not answer: its log may say why`)
  }
  return error
}
