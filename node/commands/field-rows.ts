/** A line of what is shown of one thing. */
export type FieldRow = [name: string, value: string]

/**
 * What people read of a thing: some of its fields in words of their own, and every other one by its name, so that a field
 * that nobody thought of here is shown as well.
 * @param shown rows by the field that they show, in this order; none for what is not to be shown
 */
export function allRows<T extends object>(item: T, shown: { readonly [K in keyof T]?: FieldRow[] }): FieldRow[] {
  const others = Object.entries(item).filter(([name]) => !Object.hasOwn(shown, name))
  return [...Object.values<FieldRow[] | undefined>(shown).flatMap((rows) => rows ?? []), ...othersOf(others)]
}

/**
 * Every value within an object, a row each: `constraints.minIops  5000`. What is empty is left out.
 * @param name of what it is in. @default the object is shown by itself
 */
export function fieldRows(value: unknown, name = ''): FieldRow[] {
  if (value === null || value === undefined || value === '') return []
  if (Array.isArray(value)) {
    if (value.some((one) => typeof one === 'object')) return value.map((one) => [name, JSON.stringify(one)])
    return value.length === 0 ? [] : [[name, value.join(' ')]]
  }
  if (typeof value !== 'object') return [[name, String(value)]]
  return othersOf(Object.entries(value).map(([key, one]) => [name === '' ? key : `${name}.${key}`, one]))
}

function othersOf(entries: [name: string, value: unknown][]): FieldRow[] {
  return entries.flatMap(([name, value]) => fieldRows(value, name))
}
