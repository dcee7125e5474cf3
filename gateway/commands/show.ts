import { allRows } from '../../node/commands/field-rows.ts'
import { ago, fieldTable, table } from '../../node/commands/output.ts'
import { print, printJson, say } from '../../node/commands/print.ts'

export { fieldRows } from '../../node/commands/field-rows.ts'
export { dollars } from '../contract/plain-words.ts'

/** How people read a list, and programs the same. */
export function showList<T>(items: T[], options: { json?: true }, head: string[], row: (item: T) => string[]): void {
  if (options.json === true) printJson(items)
  else if (items.length === 0) say('none')
  else print(...table(head, items.map(row)))
}

/** How people read one object, see {@link allRows}, and programs the same. */
export function showOne<T extends object>(
  item: T,
  options: { json?: true },
  rows: (item: T) => Parameters<typeof allRows<T>>[1],
): void {
  if (options.json === true) printJson(item)
  else print(...fieldTable(allRows(item, rows(item))))
}

/** `5 min ago`, or `in 3 h`; a dash where it has not come. */
export function when(time: string | null | undefined): string {
  if (time === null || time === undefined) return '-'
  const ms = Date.now() - Date.parse(time)
  return ms >= 0 ? `${ago(ms)} ago` : `in ${ago(-ms)}`
}

/** `a=1 b=2` */
export function pairs(map: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(map ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

/** The last characters of a peer id, which tell peers apart. */
export function shortId(id: string | null | undefined): string {
  return id === null || id === undefined ? '-' : id.length > 16 ? `…${id.slice(-8)}` : id
}
