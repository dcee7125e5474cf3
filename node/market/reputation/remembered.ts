/** What is remembered under names, in memory and in the store: those of longest ago are forgotten first. */
export interface Remembered<R> {
  get(key: string): R | undefined
  set(key: string, record: R): void
  /** Takes over what the store kept; before the first question. What was learned meanwhile stays. */
  recall(): Promise<void>
}

/** How the store has it. */
export interface Kept<R> {
  load(): Promise<ReadonlyMap<string, R>>
  /** Null forgets it. */
  keep(key: string, record: R | null): Promise<void>
  /** Told where one could not be kept: nobody waits for that. */
  onFailed(key: string, error: unknown): void
}

/** More are not remembered. */
const MAX_RECORDS = 10_000

/** Remembers nothing before {@link Remembered.recall}. */
export function createRemembered<R extends { atMs: number }>({ load, keep, onFailed }: Kept<R>): Remembered<R> {
  const known = new Map<string, R>()
  const write = (key: string, record: R | null): void => {
    keep(key, record).catch((error: unknown) => onFailed(key, error))
  }
  return {
    get: (key) => known.get(key),
    set(key, record) {
      known.delete(key)
      known.set(key, record)
      write(key, record)
      const [oldest] = known.keys()
      if (known.size <= MAX_RECORDS || oldest === undefined) return
      known.delete(oldest)
      write(oldest, null)
    },
    async recall() {
      const kept = [...(await load())].toSorted(([, one], [, other]) => one.atMs - other.atMs)
      for (const [key, record] of kept) if (!known.has(key)) known.set(key, record)
    },
  }
}
