import { onAbort } from '../../node/abort.ts'
import type { ClientNode } from '../../node/index.ts'
import type { ExecEvent, ExecSession } from '../../node/reach/index.ts'
import { ERROR_STATUS } from '../contract/errors.ts'
import type { ServerEvent } from '../events/index.ts'
import { told } from './exec-socket.ts'

/** Output of one command that is answered, in bytes, of each stream. */
const MAX_OUTPUT_BYTES = 1024 * 1024

/** The output of a command and how it ended; no exit code where `late` aborts first. */
export async function execToEnd(
  reach: Pick<ClientNode['reach'], 'exec'>,
  { jobId, command, signal, late }: { jobId: string; command: string[]; signal: AbortSignal; late: AbortSignal },
): Promise<{ exitCode: number | null; stdout: string; stderr: string; truncated: boolean }> {
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const room = { stdout: MAX_OUTPUT_BYTES, stderr: MAX_OUTPUT_BYTES }
  let truncated = false
  const take = (event: Extract<ExecEvent, { data: Uint8Array }>): void => {
    const kept = event.data.subarray(0, room[event.type])
    truncated ||= kept.length < event.data.length
    room[event.type] -= kept.length
    chunks[event.type].push(kept)
  }
  const answer = (exitCode: number | null) => ({
    ...{ exitCode, truncated },
    stdout: Buffer.concat(chunks.stdout).toString('utf8'),
    stderr: Buffer.concat(chunks.stderr).toString('utf8'),
  })
  try {
    const session = await reach.exec(jobId, { command }, signal)
    for await (const event of session.output()) {
      if (event.type === 'exited') return answer(event.exitCode)
      take(event)
    }
  } catch (error) {
    if (!late.aborted) throw error
  }
  return answer(null)
}

/**
 * What a command writes as it comes, as text, and its end; the signal lets go of it, also where nobody asks for anything.
 * @param late aborts when it has taken too long: then it has no exit code
 */
export function execEvents(
  session: ExecSession,
  signal: AbortSignal,
  late: AbortSignal = new AbortController().signal,
): AsyncGenerator<ServerEvent[]> {
  for (const one of [signal, late]) onAbort(one, () => session.close())
  return written(session, signal, late)
}

async function* written(session: ExecSession, signal: AbortSignal, late: AbortSignal): AsyncGenerator<ServerEvent[]> {
  // Bytes that a character lacks may come with the next piece.
  const whole = { ignoreBOM: true }
  const decoders = { stdout: new TextDecoder('utf-8', whole), stderr: new TextDecoder('utf-8', whole) }
  const piece = (event: 'stdout' | 'stderr', text: string): ServerEvent[] =>
    text === '' ? [] : [{ event, data: { text } }]
  try {
    for await (const event of session.output()) {
      if (event.type === 'exited') {
        const rest = (['stdout', 'stderr'] as const).flatMap((name) => piece(name, decoders[name].decode()))
        yield [...rest, { event: 'exit', data: { exitCode: event.exitCode } }]
        return
      }
      const events = piece(event.type, decoders[event.type].decode(event.data, { stream: true }))
      if (events.length > 0) yield events
    }
  } catch (error) {
    if (signal.aborted) return
    const { code, message } = told(error)
    const problem = { code, message, status: ERROR_STATUS[code] }
    yield [late.aborted ? { event: 'exit', data: { exitCode: null } } : { event: 'error', data: problem }]
  } finally {
    session.close()
  }
}
