import type { NanoUsd } from '../../protocol/money.ts'
import { type Days, daysAfter } from './days.ts'

/** Whole days that a forecast rests on, at most: a week, because people work by the week. */
const BASIS_DAYS = 7

/** What is expected of a month, in nano-dollars; moments in ms since the epoch. */
export interface Forecast {
  /** The whole days that it rests on, and what was spent on them. */
  basis: { fromMs: number; toMs: number; days: number; spent: NanoUsd; perDay: NanoUsd | null }
  /** What a day cost in the week before those; null where that is not known, or nothing. */
  perDayBefore: NanoUsd | null
  /** From its first moment to its last: spent until now, and expected in all. */
  month: { fromMs: number; toMs: number; spent: NanoUsd; expected: NanoUsd | null }
}

/** The first day whose costs {@link forecastOf} reads. */
export function firstDayRead(today: string): string {
  const [first = today] = [daysAfter(today, -2 * BASIS_DAYS), monthOf(today)].sort()
  return first
}

/**
 * What this month comes to if it goes on as on the last whole days, at most seven of them, and as many as there are
 * since the first cost. Today is none of them: it is not over.
 *
 * @param spent nano-dollars by day; days without any may be absent
 * @param isOlder whether there was a job before {@link firstDayRead}
 */
export function forecastOf(spent: ReadonlyMap<string, NanoUsd>, days: Days, nowMs: number, isOlder: boolean): Forecast {
  const today = days.of(nowMs)
  const read = firstDayRead(today)
  const known = [...spent.keys()].filter((day) => day >= read && day < today).sort()
  const first = isOlder ? read : (known[0] ?? today)
  const earliest = daysAfter(today, -BASIS_DAYS)
  const from = [first, earliest].sort()[1] ?? today
  const basis = sumOf(spent, from, today)
  const before = sumOf(spent, daysAfter(from, -BASIS_DAYS), from)
  const isKnownBefore = basis.days === BASIS_DAYS && before.spent > 0n
  const month = monthOf(today)
  const next = monthOf(daysAfter(month, 31))
  const [fromMs, toMs] = [days.startOf(from), days.startOf(today)]
  const endMs = days.startOf(next)
  const soFar = sumOf(spent, month, daysAfter(today, 1)).spent
  const rest = basis.days === 0 ? null : (basis.spent * BigInt(endMs - nowMs)) / BigInt(toMs - fromMs)
  return {
    basis: { fromMs, toMs, ...basis, perDay: basis.days === 0 ? null : basis.spent / BigInt(basis.days) },
    perDayBefore: isKnownBefore ? before.spent / BigInt(BASIS_DAYS) : null,
    month: { fromMs: days.startOf(month), toMs: endMs, spent: soFar, expected: rest === null ? null : soFar + rest },
  }
}

/** From a day to before another. */
function sumOf(spent: ReadonlyMap<string, NanoUsd>, from: string, to: string): { days: number; spent: NanoUsd } {
  let days = 0
  let sum = 0n
  for (let day = from; day < to; day = daysAfter(day, 1)) {
    days += 1
    sum += spent.get(day) ?? 0n
  }
  return { days, spent: sum }
}

/** The first day of a day's month. */
function monthOf(day: string): string {
  return `${day.slice(0, 'YYYY-MM'.length)}-01`
}
