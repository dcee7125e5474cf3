import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { encode } from '../../protocol/codec.ts'
import { ExecOutputSchema, type ReachHello_Exec } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_CHUNK_BYTES } from '../../protocol/limits.ts'
import { encodeExecOutput, readExecInput } from '../../protocol/reach-messages.ts'
import type { ContainerAccess } from '../engine/access.ts'
import { EngineError } from '../engine/index.ts'
import type { RunningExec } from '../engine/running-exec.ts'
import { createOutputFrames, type OutputPiece } from './output-frames.ts'
import type { Reached } from './reached.ts'
import { ReachRefusedError, WELCOME } from './refusal.ts'

/**
 * Runs a command in the container for as long as the stream lasts: input in, output out, the exit code at the end. What
 * the requester lets go of is ended, where this machine's kernel is the container's.
 */
export async function serveExec(
  { access }: { access: ContainerAccess },
  { channel, name, signal }: Reached,
  { command, terminal, columns, rows, input }: ReachHello_Exec,
): Promise<void> {
  const running = await start(access, name, { command, terminal, columns, rows, input }, signal)
  const { stream } = running
  const stop = (): void => {
    stream.destroy()
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  stream.on('error', () => undefined) // whoever reads it hears of it
  const over = new AbortController()
  let hasEnded = false
  try {
    await channel.send(WELCOME)
    const reading = readInput(channel, running, input, AbortSignal.any([signal, over.signal])).catch(stop)
    try {
      for await (const { stream: from, parts } of outputOf(running)) await channel.send(encodeExecOutput(from, parts))
    } catch (error) {
      // The engine hangs up on input that the command did not wait for; it still says how that ended.
      if (error !== stream.errored) throw error
    }
    const exitCode = await running.exitCode()
    hasEnded = true
    await channel.send(encode(ExecOutputSchema, { content: { case: 'exited', value: { exitCode } } }))
    // What it did not read of its input, nobody will.
    over.abort(new Error('The command has ended'))
    await reading
    await channel.close()
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
    // A container that is gone has taken it along.
    if (!hasEnded) await running.end().catch(() => undefined)
  }
}

async function start(
  access: ContainerAccess,
  name: string,
  request: Parameters<ContainerAccess['exec']>[1],
  signal: AbortSignal,
): Promise<RunningExec> {
  try {
    return await access.exec(name, request, { signal })
  } catch (cause) {
    signal.throwIfAborted()
    if (!(cause instanceof EngineError)) throw cause
    const code = cause.code === 'INVALID_COMMAND' ? 'BAD_COMMAND' : 'FAILED'
    const message =
      code === 'BAD_COMMAND' ? 'The container has no such program' : 'The engine could not run the command'
    throw new ReachRefusedError(code, message, { cause })
  }
}

/** What goes as one message. */
interface Output {
  stream: OutputPiece['stream']
  parts: Buffer[]
}

async function* outputOf({ stream, framed }: RunningExec): AsyncGenerator<Output> {
  const frames = framed ? createOutputFrames() : null
  for await (const chunk of stream as Readable as AsyncIterable<Buffer>) {
    yield* gathered(frames === null ? [{ stream: 'stdout', bytes: chunk }] : frames.push(chunk))
  }
}

/** What came together and is of one stream goes together, as far as a message has room; the engine's frames are small. */
function* gathered(pieces: OutputPiece[]): Generator<Output> {
  let next: Output = { stream: 'stdout', parts: [] }
  let room = MAX_REACH_CHUNK_BYTES
  for (const { stream, bytes } of pieces) {
    if (stream !== next.stream && next.parts.length > 0) yield next
    if (stream !== next.stream) [next, room] = [{ stream, parts: [] }, MAX_REACH_CHUNK_BYTES]
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + room)
      next.parts.push(part)
      at += part.length
      room -= part.length
      if (room > 0) continue
      yield next
      ;[next, room] = [{ stream, parts: [] }, MAX_REACH_CHUNK_BYTES]
    }
  }
  if (next.parts.length > 0) yield next
}

async function readInput(
  channel: Reached['channel'],
  { stream, resize }: RunningExec,
  takesInput: boolean,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const bytes = await channel.receive({ signal })
    if (bytes === null) {
      if (takesInput) stream.end()
      return
    }
    const { content } = readExecInput(bytes)
    if (content.case === 'resize') {
      // It may have ended in this very moment: then there is nothing to size.
      await resize(content.value.columns, content.value.rows).catch(() => undefined)
    } else if (!takesInput || stream.writableEnded) {
    } else if (content.case === 'end') {
      stream.end()
    } else if (content.case === 'data' && !stream.write(content.value)) {
      await once(stream, 'drain', { signal })
    }
  }
}
