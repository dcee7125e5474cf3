import { MAX_LOG_BATCH_BYTES } from '../../../protocol/limits.ts'
import type { LogRecord } from '../index.ts'
import { loggedSize, withText } from '../stored-lines.ts'
import { key, type Tables, within } from '../tables.ts'
import { del, put } from '../writer.ts'
import type { Gathered } from './job-draft.ts'

/** What a line takes besides its text: its time and its stream, in characters. */
const LINE_OVERHEAD = 64

/** See `JobStore.logs`. */
export async function readLogs(tables: Tables, id: string, from: number, limit: number): Promise<LogRecord[]> {
  const lines: LogRecord[] = []
  const [before] = await tables.logs.keys({ ...within(id), lt: key(id, from + 1), reverse: true, limit: 1 }).all()
  const start = before === undefined ? within(id) : { gte: before, lt: within(id).lt }
  let length = 0
  for await (const [at, chunk] of tables.logs.iterator(start)) {
    const first = firstLineOf(id, at)
    chunk.lines.forEach((line, i) => {
      if (first + i < from) return
      lines.push({ ...withText(line), number: first + i, attempt: chunk.attempt })
      length += loggedSize(line)
    })
    if (lines.length >= limit || length >= MAX_LOG_BATCH_BYTES) break
  }
  return lines
}

/** See `JobStore.logStart`. */
export async function findLogStart(tables: Tables, id: string, most: { lines: number; bytes: number }) {
  let start = ((await tables.jobs.get(id))?.logs.lines ?? 0) + 1
  let left = most.lines
  let bytes = most.bytes
  for await (const [at, chunk] of tables.logs.iterator({ ...within(id), reverse: true })) {
    const first = firstLineOf(id, at)
    for (let i = Math.min(chunk.lines.length, start - first) - 1; i >= 0; i -= 1) {
      const line = chunk.lines[i]
      left -= 1
      bytes -= (line === undefined ? 0 : loggedSize(line)) + LINE_OVERHEAD
      if (left < 0 || bytes < 0) return start
      start = first + i
    }
  }
  return start
}

/** The change without the oldest batch of lines. */
export async function withoutOldestLogs(tables: Tables, gathered: Gathered): Promise<Gathered> {
  const { job } = gathered
  const [oldest] = await tables.logs.iterator({ ...within(job.id), limit: 1 }).all()
  if (oldest === undefined) return gathered
  const [at, chunk] = oldest
  const bytes = chunk.lines.reduce((sum, line) => sum + loggedSize(line), 0)
  const first = firstLineOf(job.id, at) + chunk.lines.length
  const smaller = { ...job, logs: { ...job.logs, first, bytes: job.logs.bytes - bytes } }
  const writes = [...gathered.operations, del(tables.logs, at), put(tables.jobs, job.id, smaller)]
  return { ...gathered, job: smaller, operations: writes }
}

/** Number of the first line of a batch, of which its key tells. */
function firstLineOf(id: string, at: string): number {
  return Number(at.slice(id.length + 1))
}
