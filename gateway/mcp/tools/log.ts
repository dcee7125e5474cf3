import { z } from 'zod'
import type { CortexClient } from '../../client/index.ts'
import { isTerminal } from '../../contract/job-status.ts'
import { shownEnds } from '../text.ts'
import { jobField, MAX_WAIT_SECONDS } from './fields.ts'
import { tool } from './tool.ts'

/** Lines of one answer unless said otherwise, and at most. */
const LINES = 200
const MAX_LINES = 1_000
/** Characters of one answer, and of one line of it. */
const MAX_CHARACTERS = 32_768
const MAX_LINE_CHARACTERS = 2_000

interface Read {
  text: string
  /** Number of the first line that is in it; one more than `last` where none is. */
  shownFrom: number
  /** Number of the last line that was read. */
  last: number
  /** Lines that the log has. */
  total: number
  ended: boolean
}

/** What part of a log is read: lines behind one, or the newest. */
interface Part {
  /** Number of the line behind which it begins. @default the newest lines */
  after?: number | undefined
  lines?: number
  characters?: number
  /** How long lines are waited for where there is none yet. @default 0 */
  waitSeconds?: number
  signal: AbortSignal
}

/** Lines of a log by their numbers, bounded in lines, characters and time. */
export async function readLog(client: CortexClient, id: string, part: Part): Promise<Read> {
  const { lines = LINES, characters = MAX_CHARACTERS, waitSeconds = 0, signal } = part
  const { debug, status } = await client.jobs.get(id, { debug: true, signal })
  const [total, ended] = [debug?.logs.lines ?? 0, isTerminal(status)]
  const begin = Math.max(part.after ?? total - lines, (debug?.logs.first ?? 1) - 1, 0)
  const read: Read = { text: '', shownFrom: begin + 1, last: begin, total, ended }
  if (begin >= total && (ended || waitSeconds === 0)) return read
  const stop = Math.max(total, begin + 1)
  const limit =
    waitSeconds === 0 || begin < total ? signal : AbortSignal.any([signal, AbortSignal.timeout(waitSeconds * 1000)])
  const texts: { number: number; text: string }[] = []
  try {
    for await (const { number, line, stream } of client.jobs.logs(id, { follow: true, after: begin, signal: limit })) {
      const { text } = shownEnds(line, MAX_LINE_CHARACTERS)
      texts.push({ number, text: stream === 'stderr' ? `[stderr] ${text}` : text })
      read.last = number
      if (number >= stop || texts.length >= lines) break
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!limit.aborted) throw error
  }
  read.total = Math.max(total, read.last)
  // Of the newest lines the last ones matter, and of those behind a cursor the next ones.
  const newest = part.after === undefined
  const kept = within(newest ? texts.toReversed() : texts, characters)
  if (newest) kept.reverse()
  else read.last = kept.at(-1)?.number ?? read.last
  return { ...read, shownFrom: kept[0]?.number ?? read.last + 1, text: kept.map(({ text }) => text).join('\n') }
}

/** As many as there is room for, at least one. */
function within<T extends { text: string }>(lines: T[], characters: number): T[] {
  let room = characters
  const cut = lines.findIndex(({ text }, at) => {
    room -= text.length + 1
    return room < 0 && at > 0
  })
  return cut === -1 ? [...lines] : lines.slice(0, cut)
}

/** `logs` */
export const logTools = [
  tool({
    name: 'logs',
    title: 'Read what a job wrote',
    description:
      'Answers lines of a job’s standard output and error, while it runs or afterwards. Without after, the newest ones; then give nextAfter of the answer as after to read on, with waitSeconds to wait for new lines. atEnd says that the job has ended and there is no more.',
    needs: ['jobs:read'],
    input: z.strictObject({
      job: jobField,
      after: z
        .int()
        .min(0)
        .optional()
        .describe('Lines behind this number: nextAfter of the answer before, 0 for the beginning. Absent: the newest.'),
      lines: z.int().min(1).max(MAX_LINES).default(LINES).describe('Lines at most.'),
      waitSeconds: z
        .int()
        .min(0)
        .max(MAX_WAIT_SECONDS)
        .default(0)
        .describe('Seconds to wait for a line where there is none yet.'),
    }),
    reads: true,
    async call({ job, ...part }, { client, signal }) {
      const { text, shownFrom, last, total, ended } = await readLog(client, job, { ...part, signal })
      return { job, shownFrom, nextAfter: last, total, atEnd: ended && last >= total, untrusted: { log: text } }
    },
  }),
]
