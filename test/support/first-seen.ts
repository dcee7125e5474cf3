import type { JobStore } from '../../node/store/index.ts'

/** Since when providers are known, kept in memory in the store's place. */
export function memoryFirstSeen(): Pick<JobStore, 'firstSeen' | 'keepFirstSeen'> {
  const times = new Map<string, number>()
  return {
    firstSeen: async () => new Map(times),
    async keepFirstSeen(provider, atMs) {
      if (atMs === null) times.delete(provider)
      else times.set(provider, atMs)
    },
  }
}
