/** From one moment to another, in ms since the epoch. */
export interface TimeRange {
  from: number
  to: number
}

/** The part of the whole that is looked at, as a page’s address says it. */
export type Zoom = { [N in keyof TimeRange]?: number | undefined }

/** The shortest time that is looked at: less has no two samples. */
const SHORTEST_MS = 10_000
/** Of the year 9999. */
const LAST_MS = 253_402_300_799_999

/** The same of an address; what makes no sense is left out. */
export function zoomOf({ from, to }: Record<string, unknown>): Zoom {
  const isTime = (value: unknown): value is number =>
    Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= LAST_MS
  return isTime(from) && isTime(to) && from < to ? { from, to } : {}
}

/** What is looked at; null where it is the whole. */
export function rangeOf({ from, to }: Zoom): TimeRange | null {
  return from === undefined || to === undefined ? null : { from, to }
}

/** A drag over a chart, in whole ms and not shorter than a chart can show. */
export function dragged(one: number, other: number): TimeRange {
  const [from, to] = [Math.round(Math.min(one, other)), Math.round(Math.max(one, other))]
  const lacking = Math.max(0, SHORTEST_MS - (to - from))
  return { from: from - Math.floor(lacking / 2), to: to + Math.ceil(lacking / 2) }
}

/** The middle half of a range. */
export function closer({ from, to }: TimeRange): TimeRange {
  const quarter = Math.round((to - from) / 4)
  return dragged(from + quarter, to - quarter)
}

/** Twice as much, within the whole; null where that is all of it. */
export function wider({ from, to }: TimeRange, whole: TimeRange): TimeRange | null {
  const half = Math.round((to - from) / 2)
  const next = { from: Math.max(whole.from, from - half), to: Math.min(whole.to, to + half) }
  return next.from === whole.from && next.to === whole.to ? null : next
}

/** As long a time, half of it earlier or later, within the whole. @param by -1 or 1 */
export function moved({ from, to }: TimeRange, by: -1 | 1, whole: TimeRange): TimeRange {
  const half = Math.round((to - from) / 2)
  const shift = by < 0 ? Math.max(-half, Math.min(0, whole.from - from)) : Math.min(half, Math.max(0, whole.to - to))
  return { from: from + shift, to: to + shift }
}
