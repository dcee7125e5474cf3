import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { FileError } from '../file-access.ts'
import { EngineError } from '../index.ts'
import type { RunCommand } from '../running-exec.ts'

/** Exit codes of a program that there is not, as engines tell it where they do not refuse it. */
const NOT_EXECUTED = 126
const NOT_FOUND = 127

/** Removes a path by a program of the image, where nothing outside can do that. */
export async function removeByCommand(
  exec: RunCommand,
  name: string,
  path: string,
  { recursive }: { recursive: boolean },
  signal?: AbortSignal,
): Promise<void> {
  if (path === '/') throw new FileError('BAD_PATH', 'The root of the container stays')
  const options = signal === undefined ? {} : { signal }
  const run = async (command: string[]): Promise<number> => {
    const request = { command, terminal: false, columns: 0, rows: 0, input: false }
    const running = await exec(name, request, options)
    const end = (): void => void running.stream.destroy()
    signal?.addEventListener('abort', end, { once: true })
    try {
      for await (const _chunk of running.stream as Readable);
      return await running.exitCode()
    } finally {
      signal?.removeEventListener('abort', end)
      running.stream.destroy()
    }
  }
  try {
    const found = await run(['ls', '-d', '--', path])
    if (found === NOT_EXECUTED || found === NOT_FOUND) throw noProgram()
    if (found !== 0) throw new FileError('NO_FILE', `There is nothing at ${posix.basename(path)}`)
    if ((await run(recursive ? ['rm', '-rf', '--', path] : ['rm', '--', path])) === 0) return
    if (!recursive && (await run(['rmdir', '--', path])) === 0) return
  } catch (cause) {
    if (!(cause instanceof EngineError) || cause.code !== 'INVALID_COMMAND') throw cause
    throw noProgram({ cause })
  }
  throw new FileError('BAD_PATH', 'It could not be removed: it is a folder that is not empty, or read-only')
}

function noProgram(options?: ErrorOptions): FileError {
  return new FileError(
    'BAD_PATH',
    'The image has no `ls` and `rm`, and this provider has no other way to remove files',
    options,
  )
}
