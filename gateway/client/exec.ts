import { ConnectionError, errorOfStatus } from './errors.ts'
import { connection, type StreamInit } from './event-stream.ts'
import { type CallOptions, jobPath } from './resource.ts'
import type { Transport } from './transport.ts'
import type { ErrorCode } from './types.ts'

/** What a command writes, as text, and its end. */
export type ExecOutput = { type: 'stdout' | 'stderr'; text: string } | { type: 'exit'; exitCode: number }

/** How a command is run, besides its words. */
export interface SandboxCommand {
  /** The folder in which it runs. @default the image's */
  cwd?: string | undefined
  /** Variables besides those of the job. */
  env?: Readonly<Record<string, string>> | undefined
}

/** A command as words: text is run by `sh -c`, and where it runs is said to a shell, too. */
export function execWords(command: string | readonly string[], { cwd, env = {} }: SandboxCommand = {}): string[] {
  const words = typeof command === 'string' ? ['sh', '-c', command] : [...command]
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  if (cwd === undefined && variables.length === 0) return words
  return ['sh', '-c', 'cd -- "$1" && shift && exec env "$@"', 'sh', cwd ?? '.', ...variables, ...words]
}

/** Runs a command, and tells what it writes as it comes. */
export async function* execStream(
  transport: Transport,
  id: string,
  command: readonly string[],
  { signal }: CallOptions,
  streams: Pick<StreamInit, 'silenceMs'>,
): AsyncGenerator<ExecOutput, void, undefined> {
  const request = { method: 'POST', path: jobPath(id, '/exec'), json: { command }, signal } as const
  for await (const item of connection<
    { text: string; exitCode: number } & { status?: number; code: ErrorCode; message: string }
  >(transport, request, streams.silenceMs)) {
    if (typeof item === 'string' || !('event' in item)) continue
    const { event, data } = item
    if (event === 'stdout' || event === 'stderr') yield { type: event, text: data.text }
    else if (event === 'exit') return yield { type: 'exit', exitCode: data.exitCode }
    else if (event === 'error') throw errorOfStatus(data)
  }
  throw new ConnectionError({ code: 'STREAM_LOST', message: 'The command’s output broke off' })
}
