import type { z } from 'zod'
import type { forecastSchema } from './cost-answers.ts'
import { aboutDollars } from './plain-words.ts'

/** What a month is expected to come to, and what that rests on. */
export function forecastWords({ basis, month, timezone }: z.output<typeof forecastSchema>): string {
  const soFar = `This month ${aboutDollars(month.spent)} was spent so far`
  if (month.expected === null || basis.perDay === null) {
    return `${soFar}. What it comes to is not foreseen before one whole day is over.`
  }
  const last = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: timezone }).format(
    Date.parse(month.to) - 1,
  )
  const days = basis.days === 1 ? 'yesterday' : `the last ${basis.days} whole days`
  return `${soFar}; ${aboutDollars(month.expected)} is expected by ${last}, if it goes on as on ${days}, at ${aboutDollars(basis.perDay)} a day.`
}

/** How the last week stands to the one before it: `14 % more than in the week before`; null where there is nothing to hold it against. */
export function trendWords({ basis: { perDay, perDayBefore } }: z.output<typeof forecastSchema>): string | null {
  if (perDay === null || !perDayBefore) return null
  const percent = Math.round((100 * (perDay - perDayBefore)) / perDayBefore)
  if (percent === 0) return 'As much as in the week before'
  return `${Math.abs(percent)} % ${percent > 0 ? 'more' : 'less'} than in the week before`
}
