/** The middle value; the mean of the two middle ones where their number is even. */
export function median(values: number[]): number {
  return quantile(values, 0.5)
}

/** @param q 0..1; between two values it is interpolated. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (low === undefined || high === undefined) throw new RangeError('No values')
  return low + (high - low) * (at - Math.floor(at))
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}
