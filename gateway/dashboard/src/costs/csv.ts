import type { Costs } from '../../../client/index.ts'
import { decimal } from '../../../contract/plain-words.ts'
import { csvText } from '../format/csv.ts'

const AMOUNTS = ['spent', 'final', 'volumes', 'running', 'projected', 'actual', 'estimated'] as const

/**
 * Costs as a file for a spreadsheet.
 * @param nameOf a group that is an id, for a last column; without it there is none
 */
export function csvOf({ rows, currency, groupBy }: Costs, nameOf?: (group: string) => string): string {
  const names = AMOUNTS.map((name) => `${name} ${currency}`)
  const head = [groupBy, 'jobs', ...names, ...(nameOf ? ['name'] : [])]
  const lines = rows.map((row) => {
    return [row.group, row.jobs, ...AMOUNTS.map((name) => decimal(row[name])), ...(nameOf ? [nameOf(row.group)] : [])]
  })
  return csvText([head, ...lines])
}
