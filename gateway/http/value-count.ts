/** Whether a value from JSON holds more than `max` values, those inside of others and itself included; looks at no more. */
export function holdsMoreThan(value: unknown, max: number): boolean {
  const open: unknown[] = [value]
  let seen = 0
  while (open.length > 0) {
    const next = open.pop()
    seen += 1
    if (seen > max) return true
    if (typeof next !== 'object' || next === null) continue
    if (Array.isArray(next) && seen + open.length + next.length > max) return true
    for (const key in next) {
      open.push((next as Record<string, unknown>)[key])
      if (seen + open.length > max) return true
    }
  }
  return false
}
