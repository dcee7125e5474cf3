/** What has most, first; see {@link createSizeOrder}. */
export interface SizeOrder<T> {
  /** Says how large one is now, a whole number; 0 takes it out. Costs as much as the size has changed. */
  set(item: T, size: number): void
  /** From the largest down, so many at most; those of one size by when they came to it. */
  largest(most: number): T[]
}

/** An order of things whose sizes change by one or a few at a time: nothing is ever sorted. */
export function createSizeOrder<T>(): SizeOrder<T> {
  const sizes = new Map<T, number>()
  /** Those of each size. */
  const bySize: Set<T>[] = []

  return {
    set(item, size) {
      const before = sizes.get(item) ?? 0
      if (size === before) return
      bySize[before]?.delete(item)
      while (bySize.length <= size) bySize.push(new Set())
      if (size === 0) sizes.delete(item)
      else {
        sizes.set(item, size)
        bySize[size]?.add(item)
      }
      while (bySize.at(-1)?.size === 0) bySize.pop()
    },
    largest(most) {
      const found: T[] = []
      for (let size = bySize.length - 1; size > 0; size -= 1) {
        for (const item of bySize[size] ?? []) {
          if (found.length >= most) return found
          found.push(item)
        }
      }
      return found
    },
  }
}
