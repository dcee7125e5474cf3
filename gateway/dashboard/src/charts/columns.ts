/** A value at a moment, in ms since the epoch. */
export interface Point {
  at: number
  value: number
}

/** One measure over time, oldest first. */
export interface Line {
  name: string
  points: readonly Point[]
}

/** Times that any line has, and for each line its values then: undefined where it has none of its own, null where it is broken off. */
export type Columns = [times: number[], ...lines: (number | null | undefined)[][]]

/** Steps without a point after which a line is broken off: one or two are late at times. */
const GAP_STEPS = 3

/** Lines as a chart draws them. @param stepMs how far apart points are meant to be */
export function columnsOf(lines: readonly Line[], stepMs: number): Columns {
  const values = lines.map(({ points }) => withGaps(points, stepMs))
  const times = [...new Set(values.flatMap((line) => [...line.keys()]))].sort((a, b) => a - b)
  return [times, ...values.map((line) => times.map((at) => line.get(at)))]
}

function withGaps(points: readonly Point[], stepMs: number): Map<number, number | null> {
  const usualMs = Math.max(stepMs, medianOf(points.slice(1).map(({ at }, i) => at - (points[i]?.at ?? at))))
  const values = new Map<number, number | null>()
  let last: number | null = null
  for (const { at, value } of points) {
    if (last !== null && at - last > GAP_STEPS * usualMs) values.set(last + usualMs, null)
    values.set(at, value)
    last = at
  }
  return values
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
}

/** Which of so many moments, earliest first, is nearest to one; -1 where there is none. */
export function nearest(count: number, timeOf: (index: number) => number, at: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (timeOf(middle) < at) low = middle + 1
    else high = middle
  }
  if (low === count) return count - 1
  return low > 0 && at - timeOf(low - 1) < timeOf(low) - at ? low - 1 : low
}

/** What of a line is nearest to a moment; null where nothing is nearer than `withinMs`. */
export function pointAt(points: readonly Point[], at: number, withinMs: number): Point | null {
  const point = points[nearest(points.length, (index) => points[index]?.at ?? 0, at)]
  return point === undefined || Math.abs(point.at - at) > withinMs ? null : point
}

/** The marks of an axis from 0, four or so at amounts that people count in: of bytes powers of two. */
export function amountMarks(top: number, isBytes: boolean): number[] {
  if (!(top > 0)) return [0]
  const rough = top / 4
  const step = isBytes ? Math.max(1, 2 ** Math.ceil(Math.log2(rough))) : roundUp(rough)
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step)
}

function roundUp(amount: number): number {
  const power = 10 ** Math.floor(Math.log10(amount))
  return ([1, 2, 2.5, 5].find((digit) => digit * power >= amount * (1 - 1e-9)) ?? 10) * power
}
