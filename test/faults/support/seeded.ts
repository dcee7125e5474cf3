/** Choices that are the same for the same seed. */
export interface Seeded {
  /** A whole number from 0 up to but not including `bound`. */
  below(bound: number): number
  pick<T>(values: readonly T[]): T
}

/** The mulberry32 generator: small, and good enough to choose faults. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    below,
    pick(values) {
      const value = values[below(values.length)]
      if (value === undefined) throw new RangeError('Nothing to pick from')
      return value
    },
  }
}
