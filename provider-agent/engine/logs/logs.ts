import type Docker from 'dockerode'
import { toEngineError } from '../errors.ts'
import { EngineError, type LogLine, type LogsOptions } from '../index.ts'
import { readLogEnds } from './log-ends.ts'
import { createFrameReader, type FrameReader, type LogRecord } from './log-frames.ts'
import { createLineAssembler, logTruncated } from './log-lines.ts'
import { createRawReader } from './log-raw.ts'
import { createLogTail, findAfter } from './log-tail.ts'

/** Where and how the engine keeps the output of containers. */
export interface LogPolicy {
  /** Log driver of new containers. */
  driver: 'local' | 'json-file'
  /** Most output of one container that is read, in bytes; each record counts {@link recordOverhead} more. */
  maxBytes: number
  /** The engine's own folder, where its files can be read from here. */
  dataRoot: string
}

/** What a record takes in the engine's file besides its text, at most, in bytes. Drivers need 30 to 60. */
const recordOverhead = 64

/** Records that are replayed rather than searched for when the log has to be read again. */
const cheapReplay = 1_000

/** Records in which the end of what was read is searched for. Of at most 16 KiB each. */
const windowRecords = 1_000

/** How long to look away when a stream of the log ended before its container did, in ms. */
const pauseMs = 200

/**
 * The engine's side of the log policy, see docs/decisions/0007-container-logs.md. The file may grow to `maxBytes` before it is
 * rotated, and a reader stops at `maxBytes` with the overhead counted generously. So no reader ever crosses a rotation,
 * where Docker 20.10 loses records, and the first line of the log is there for whoever has to count from it. Two files,
 * because with one a rotation empties the file under its readers.
 */
export function toLogConfig(
  { driver: usual, maxBytes }: Pick<LogPolicy, 'driver' | 'maxBytes'>,
  { tty = false }: { tty?: boolean } = {},
): {
  Type: string
  Config: Record<string, string>
} {
  // Without frames, only a newline tells where a line ends.
  const driver = tty ? 'json-file' : usual
  const config = { 'max-size': String(maxBytes), 'max-file': '2' }
  return { Type: driver, Config: driver === 'local' ? { ...config, compress: 'false' } : config }
}

/**
 * Reads a container's log as `ContainerEngine.logs` says.
 *
 * Following a log is not enough to have all of it: when the container ends, Docker 20.10 ends the stream at once, with
 * whatever its reader had not reached yet (seen: 1 of 3 lines, 6,000 of 20,000). So the stream is only trusted up to
 * where it got; once the container has ended, the log is read again and what was missing is added.
 */
export async function* readLog(
  docker: Docker,
  policy: LogPolicy,
  name: string,
  fromLine: number,
  { signal, lastSeen }: LogsOptions = {},
): AsyncGenerator<LogLine[]> {
  const abort = signal === undefined ? {} : { abortSignal: signal }
  const container = docker.getContainer(name)
  const tail = createLogTail()
  let consumed = 0
  let cost = 0

  try {
    signal?.throwIfAborted()
    let { Id: id, State: state, HostConfig: hostConfig, Config: config } = await container.inspect(abort)
    const lineEnd = hostConfig.LogConfig?.Type === 'local' ? 'timestamp' : 'newline'
    const assembler = createLineAssembler({ fromLine, lineEnd, ...(lastSeen && { lastSeen }) })

    for (;;) {
      const ended = !state.Running
      const missing = ended && consumed > cheapReplay ? await readMissing(container, tail.bytes(), signal) : null
      let skip = missing === null ? consumed : 0
      const frames = readerOf(config)((record) => {
        if (skip > 0) {
          skip -= 1
          return
        }
        cost += record.end - record.start + recordOverhead
        if (cost > policy.maxBytes) return
        consumed += 1
        assembler.push(record)
      }, tail.add)
      for await (const chunk of missing === null ? await openLog(container, {}, signal) : [missing]) {
        frames.push(chunk)
        const lines = assembler.take()
        if (lines.length > 0) yield lines
        if (cost > policy.maxBytes) throw logTooLong(policy)
      }
      if (ended) {
        frames.finish()
        if (skip > 0) throw logTruncated()
        break
      }
      state = await stateAfterStream(container, signal)
    }
    const isUnknown = assembler.isEndUnknown('stdout') || assembler.isEndUnknown('stderr')
    assembler.finish(isUnknown ? await readLogEnds(policy.dataRoot, id) : {})
    const lines = assembler.take()
    if (lines.length > 0) yield lines
  } catch (error) {
    signal?.throwIfAborted()
    throw toEngineError(error, `reading the log of ${name}`)
  }
}

type MakeReader = (
  onRecord: (record: LogRecord) => void,
  onConsumed?: (bytes: Buffer, end: number) => void,
) => FrameReader

/** What takes the log of a container apart that was made so. */
export function readerOf({ Tty: hasTerminal }: { Tty?: boolean }): MakeReader {
  return hasTerminal === true ? createRawReader : createFrameReader
}

/** The log from its beginning or, with `tail`, its last records; while the container runs, then live. */
async function openLog(
  container: Docker.Container,
  selection: { tail?: number },
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Buffer>> {
  const options = { ...selection, follow: true, stdout: true, stderr: true, timestamps: true } as const
  const stream = await container.logs(signal === undefined ? options : { ...options, abortSignal: signal })
  return stream as unknown as AsyncIterable<Buffer>
}

/** What an ended container's log has behind `tail`; null where only reading all of it can tell. */
async function readMissing(container: Docker.Container, tail: Buffer, signal: AbortSignal | undefined) {
  const window: Buffer[] = []
  for await (const chunk of await openLog(container, { tail: windowRecords }, signal)) window.push(chunk)
  return findAfter(tail, Buffer.concat(window))
}

/**
 * The container's state once its log's stream ended: that is some milliseconds before the engine says that it ended. If
 * it does not end, the stream was cut off, and is to be opened again.
 */
async function stateAfterStream(container: Docker.Container, signal: AbortSignal | undefined) {
  const soon = AbortSignal.timeout(pauseMs)
  try {
    await container.wait({ abortSignal: signal === undefined ? soon : AbortSignal.any([soon, signal]) })
  } catch (error) {
    if (!soon.aborted) throw error
  }
  signal?.throwIfAborted()
  const { State: state } = await container.inspect(signal === undefined ? {} : { abortSignal: signal })
  return state
}

function logTooLong({ maxBytes }: LogPolicy): EngineError {
  const text = `the container wrote more than the ${Math.floor(maxBytes / 1024 / 1024)} MiB of log that are kept`
  return new EngineError('RESOURCE_LIMIT_EXCEEDED', text, { resource: 'logs', limitBytes: maxBytes })
}
