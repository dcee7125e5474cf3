import type { Readable } from 'node:stream'
import { FileError } from '../file-access.ts'
import { EngineError } from '../index.ts'
import type { RunCommand } from '../running-exec.ts'

/** Exit codes of a program that there is not, as engines tell it where they do not refuse it. */
const NOT_EXECUTED = 126
const NOT_FOUND = 127

/**
 * Runs programs of an image, where nothing outside can do what they do.
 * @param exec runs a command in a container @param name of the container
 * @returns runs one, and answers its exit code; throws {@link FileError} where the image does not have it
 */
export function programsOf(exec: RunCommand, name: string, signal?: AbortSignal) {
  const options = signal === undefined ? {} : { signal }

  async function exitCodeOf(command: string[]): Promise<number> {
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

  return async (program: string, ...words: string[]): Promise<number> => {
    const exitCode = await exitCodeOf([program, ...words]).catch((cause: unknown) => {
      if (!(cause instanceof EngineError) || cause.code !== 'INVALID_COMMAND') throw cause
      throw noProgram(program, { cause })
    })
    if (exitCode === NOT_EXECUTED || exitCode === NOT_FOUND) throw noProgram(program)
    return exitCode
  }
}

function noProgram(program: string, options?: ErrorOptions): FileError {
  const message = `The image has no \`${program}\`, and this provider has no other way to do that`
  return new FileError('BAD_PATH', message, options)
}
