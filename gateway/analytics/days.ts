/** Whole days as people have them: of 23 to 25 hours, where clocks are changed. */

import { DAY_MS } from '../contract/costs.ts'

const QUARTER_MS = 900_000
/** Clocks are at most this far from UTC. */
const FARTHEST_MS = 60 * QUARTER_MS

/** The days of a time zone, each as `2026-01-31`. */
export interface Days {
  /** On which day a moment is. */
  of(ms: number): string
  /** When a day begins. */
  startOf(day: string): number
}

/** @param timezone IANA name of one that there is */
export function daysIn(timezone: string): Days {
  // Swedish writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv', {
    timeZone: timezone,
    ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
  })
  // Every zone is whole quarters of an hour from UTC, and one is written in a tenth of the time of a date.
  const known = new Map<number, string>()
  const of = (ms: number): string => {
    const quarter = Math.floor(ms / QUARTER_MS)
    const before = known.get(quarter)
    if (before !== undefined) return before
    const day = format.format(quarter * QUARTER_MS)
    known.set(quarter, day)
    return day
  }
  return {
    of,
    startOf(day) {
      let ms = Date.parse(day) - FARTHEST_MS
      while (of(ms) < day) ms += QUARTER_MS
      return ms
    },
  }
}

/** So many days after a day, or before it. */
export function daysAfter(day: string, count: number): string {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length)
}
