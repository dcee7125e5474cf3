import type { Costs } from '../../../client/index.ts'
import { csvText } from '../format/csv.ts'

/**
 * Costs as a file for a spreadsheet.
 * @param nameOf a group that is an id, for a last column; without it there is none
 */
export function csvOf({ rows, currency, groupBy }: Costs, nameOf?: (group: string) => string): string {
  const head = [
    groupBy,
    'jobs',
    `estimated ${currency}`,
    `actual ${currency}`,
    `volumes ${currency}`,
    ...(nameOf ? ['name'] : []),
  ]
  const lines = rows.map(({ group, jobs, estimated, actual, volumes }) => {
    return [group, jobs, amount(estimated), amount(actual), amount(volumes), ...(nameOf ? [nameOf(group)] : [])]
  })
  return csvText([head, ...lines])
}

/** Without an exponent, which spreadsheets of some languages take for text. */
function amount(usd: number): string {
  return usd.toFixed(9).replace(/\.?0+$/, '')
}
