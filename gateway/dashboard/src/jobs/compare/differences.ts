/** One setting of two jobs. */
export interface Difference {
  /** As the JSON of a job has it: `memory`, `env.DAY`. */
  field: string
  /** As it is written there; null where the job does not say. */
  values: [string | null, string | null]
  differs: boolean
}

/** Every field that one of two has, in the order of the first; maps by their names. */
export function differencesOf(first: object, second: object): Difference[] {
  const [a, b] = [flat(first), flat(second)]
  return [...new Set([...a.keys(), ...b.keys()])].map((field) => {
    const values: Difference['values'] = [a.get(field) ?? null, b.get(field) ?? null]
    return { field, values, differs: values[0] !== values[1] }
  })
}

function flat(fields: object, before = ''): Map<string, string> {
  const parts = Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (isMap(value)) return [...flat(value, `${before}${name}.`)]
    return value === null || value === undefined ? [] : [[`${before}${name}`, textOf(value)]]
  })
  return new Map(parts)
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
