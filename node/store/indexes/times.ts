import { decodeTime, encodeTime } from 'ulid'

/** Letters of a ULID that say when it was made; each is five bits of the time in ms. */
const TIME_LETTERS = 10
const PREFIX = 'job_'

/**
 * Jobs are also counted by when they were made, in spans of these many ms: 12 days, 9 hours and 17 minutes. So jobs of
 * any time are a few hundred counters, and entries of 17 minutes at either end.
 */
const SPANS = [30, 25, 20].map((bits) => ({ letters: TIME_LETTERS - bits / 5, ms: 2 ** bits }))

const END_OF_TIME = decodeTime('7ZZZZZZZZZ0000000000000000')

/** Sorts before every job id made at that time, and after every earlier one. */
export function idAt(ms: number): string {
  return `${PREFIX}${timeLetters(ms)}`
}

/** When a job id was made, as text that may be cut to count by longer spans. */
function timeOf(id: string): string {
  return id.slice(PREFIX.length, PREFIX.length + TIME_LETTERS)
}

function timeLetters(ms: number): string {
  return encodeTime(Math.min(Math.max(0, Math.floor(ms)), END_OF_TIME), TIME_LETTERS).toLowerCase()
}

/** The spans that count a job. */
export function spansOf(id: string): string[] {
  return SPANS.map(({ letters }) => `${letters}${timeOf(id).slice(0, letters)}`)
}

/** Counters between two keys, the second excluded, or entries from one time until before another. */
export type Part = { gte: string; lt: string } | { fromMs: number; beforeMs: number }

/** A time as the least counters that fit, and what they leave over. */
export function partsOf(fromMs: number, beforeMs: number, level = 0): Part[] {
  const from = Math.max(0, fromMs)
  const before = Math.min(beforeMs, END_OF_TIME + 1)
  if (from >= before) return []
  const span = SPANS[level]
  if (span === undefined) return [{ fromMs: from, beforeMs: before }]
  const first = Math.ceil(from / span.ms) * span.ms
  const last = Math.floor(before / span.ms) * span.ms
  if (first >= last) return partsOf(from, before, level + 1)
  const at = (ms: number) => `${span.letters}${timeLetters(ms).slice(0, span.letters)}`
  return [...partsOf(from, first, level + 1), { gte: at(first), lt: at(last) }, ...partsOf(last, before, level + 1)]
}
