/** Rows as a file for a spreadsheet. What somebody else wrote is quoted, and never the beginning of a formula. */
export function csvText(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('')
}

/** Where a formula begins: also behind what a spreadsheet of another language or a broken line begins a cell with. */
const FORMULA = /(?:^|[;\t\n\r])[^\S\t\n\r]*(?=[=+\-@])/g

function cell(value: string | number): string {
  const text = String(value)
  const isNumber = typeof value === 'number' || /^-?\d+(\.\d+)?$/.test(text)
  const harmless = isNumber ? text : text.replace(FORMULA, "$&'").replace(/^[\t\r]/, "'$&")
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
