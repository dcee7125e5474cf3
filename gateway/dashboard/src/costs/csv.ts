import type { Costs } from '../../../client/index.ts'

/** Costs as a file for a spreadsheet. */
export function csvOf({ rows, currency, groupBy }: Costs): string {
  const lines = rows.map(({ group, jobs, estimated, actual }) =>
    [group, jobs, amount(estimated), amount(actual)].map(cell).join(','),
  )
  return `${[cell(groupBy), 'jobs', `estimated ${currency}`, `actual ${currency}`].join(',')}\n${lines.join('\n')}\n`
}

/** Without an exponent, which spreadsheets of some languages take for text. */
function amount(usd: number): string {
  return usd.toFixed(9).replace(/\.?0+$/, '')
}

/** A label may hold anything: quoted, and never the beginning of a formula. */
function cell(value: string | number): string {
  const text = String(value)
  const harmless =
    typeof value === 'string' && /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
