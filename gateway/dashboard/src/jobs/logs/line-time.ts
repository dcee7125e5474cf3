import { exactMs } from '../../format/time.ts'
import type { LogRow } from './protocol.ts'

/** How a line tells its time; `since`: from the first line of its attempt. */
export const LINE_TIMES = ['none', 'local', 'utc', 'since'] as const
/** One of {@link LINE_TIMES}. */
export type LineTime = (typeof LINE_TIMES)[number]

/** What people call it. */
export const TIME_WORDS: Record<LineTime, string> = {
  none: 'No times',
  local: 'Local time',
  utc: 'UTC',
  since: 'Since the first line',
}

/** The time of a line: `28 Nov 2026, 22:15:03.120`, `2026-11-28T22:15:03.120Z` or `+00:02:03.120`. */
export function timeOf({ timestampMs, sinceMs }: Pick<LogRow, 'timestampMs' | 'sinceMs'>, how: LineTime): string {
  if (how === 'local') return exactMs(timestampMs)
  if (how === 'utc') return new Date(timestampMs).toISOString()
  const ms = Math.abs(sinceMs)
  const hours = String(Math.floor(ms / 3_600_000)).padStart(2, '0')
  return `${sinceMs < 0 ? '-' : '+'}${hours}:${new Date(ms).toISOString().slice(14, 23)}`
}
