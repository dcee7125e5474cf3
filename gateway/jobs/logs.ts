import type { JobRecord, JobStore, LogRecord } from '../../node/store/index.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { ServerEvent } from '../events/index.ts'
import { followSource } from '../events/index.ts'
import { MAX_ANSWER_BYTES } from '../http/limits.ts'
import { logView } from './view.ts'

/** Lines in one JSON answer; a stream has no such bound. */
export const MAX_JSON_LINES = 10_000
/** Lines read at a time for a stream. */
const BATCH_LINES = 500

/** Which lines of a log; all of them without it. */
export interface LogRange {
  /** The newest lines only. */
  tail?: number | undefined
  /** Not before, ms. */
  sinceMs?: number | undefined
  /** Number of the last line that the client has. */
  after?: number | undefined
}

type Reader = Pick<JobStore, 'get' | 'logs' | 'logStart' | 'onChange'>

/** Number of the first line of a range. A line that the client says it has outweighs the other two. */
export async function firstLine(store: Reader, job: JobRecord, range: LogRange): Promise<number> {
  const { first, lines } = job.logs
  if (range.after !== undefined) return Math.max(first, range.after + 1)
  const since = range.sinceMs === undefined ? first : await firstSince(store, job, range.sinceMs)
  return range.tail === undefined ? since : Math.max(since, lines - range.tail + 1)
}

/** The first line at or after a time: lines come nearly in order of time, so halving finds it. */
async function firstSince(store: Reader, job: JobRecord, sinceMs: number): Promise<number> {
  let low = job.logs.first
  let high = job.logs.lines + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [line] = await store.logs(job.id, middle, 1)
    if (line === undefined || line.timestampMs >= sinceMs) high = middle
    else low = middle + 1
  }
  return low
}

/** The newest lines of a range, at most {@link MAX_JSON_LINES} and {@link MAX_ANSWER_BYTES}. */
export async function newestLines(
  store: Reader,
  job: JobRecord,
  range: LogRange,
): Promise<{ lines: AsyncIterable<LogRecord>; truncated: boolean }> {
  const wanted = await firstLine(store, job, range)
  const start = await store.logStart(job.id, { lines: MAX_JSON_LINES, bytes: MAX_ANSWER_BYTES })
  return { lines: linesFrom(store, job, Math.max(wanted, start)), truncated: wanted < start }
}

async function* linesFrom(store: Reader, { id, logs }: JobRecord, from: number): AsyncGenerator<LogRecord> {
  for (let next = from; next <= logs.lines; ) {
    const batch = await store.logs(id, next, BATCH_LINES)
    const last = batch.at(-1)
    if (last === undefined) return
    yield* batch
    next = last.number + 1
  }
}

/** Lines from one on, history first and then live, each once; `end` when the job has ended and all is told. */
export async function* followLogs(
  store: Reader,
  id: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent[]> {
  let next = from
  const source = {
    async read() {
      const lines = await store.logs(id, next, BATCH_LINES)
      next = (lines.at(-1)?.number ?? next - 1) + 1
      return lines
    },
    async ended() {
      const job = await store.get(id)
      return job === undefined || isTerminal(job.state.status)
    },
    onChange: (callback: () => void) => store.onChange(id, callback),
  }
  for await (const lines of followSource(source, signal)) {
    yield lines.map((line) => ({ id: line.number, data: logView(line) }))
  }
  if (!signal.aborted) yield [await endEvent(store, id, next - 1)]
}

/**
 * Closes a finished job's stream. It bears the id after the last one: a client that comes back with that is known to have
 * everything, and one that lacks only the end is told it.
 */
export async function endEvent(store: Pick<JobStore, 'get'>, id: string, last: number): Promise<ServerEvent> {
  const job = await store.get(id)
  return { id: last + 1, event: 'end', data: { id, status: job?.state.status ?? null } }
}
