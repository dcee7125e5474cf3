import type { Clock } from '../../node/clock.ts'
import { REQUEST_ID_MEMORY_MS } from '../../protocol/limits.ts'

/**
 * Which requests were seen, so that a recorded one played again is dropped. Ids are kept per author: nobody can spoil
 * another's request by sending its id first, and a flood forgets the flooder's own ids before those of others.
 */
export interface ReplayMemory {
  /** True the first time. */
  first(author: string, id: Uint8Array): boolean
}

/** Ids kept over all authors: about 20 MB. */
const MAX_IDS = 200_000

/** In memory, nothing at first. `memoryMs` is by default as long as a message with the id could be let through. */
export function createReplayMemory(
  { clock }: { clock: Clock },
  init: { maxIds?: number; memoryMs?: number } = {},
): ReplayMemory {
  const { maxIds = MAX_IDS, memoryMs = REQUEST_ID_MEMORY_MS } = init
  /** Author → id → when it may be forgotten; both in the order of arrival. */
  const seen = new Map<string, Map<string, number>>()
  let size = 0

  function forgetOldest(author: string, ids: Map<string, number>): void {
    const [oldest] = ids.keys()
    if (oldest === undefined || !ids.delete(oldest)) return
    size -= 1
    if (ids.size === 0) seen.delete(author)
  }

  function forgetExpired(author: string, ids: Map<string, number>, nowMs: number): void {
    for (const expiresAtMs of ids.values()) {
      if (expiresAtMs > nowMs) return
      forgetOldest(author, ids)
    }
  }

  function makeRoom(nowMs: number): void {
    for (const [author, ids] of seen) forgetExpired(author, ids, nowMs)
    while (size >= maxIds) {
      const [author, ids] = [...seen].reduce((most, next) => (next[1].size > most[1].size ? next : most))
      // Many at once, so that a flood does not walk all authors for each of its messages.
      for (let i = 0; i < 1 + ids.size / 16; i += 1) forgetOldest(author, ids)
    }
  }

  return {
    first(author, id) {
      const nowMs = clock.monotonicMs()
      const text = Buffer.from(id).toString('latin1')
      const expiresAtMs = seen.get(author)?.get(text)
      if (expiresAtMs !== undefined && expiresAtMs > nowMs) return false
      if (size >= maxIds) makeRoom(nowMs)
      const ids = seen.get(author) ?? new Map<string, number>()
      forgetExpired(author, ids, nowMs)
      seen.set(author, ids)
      ids.set(text, nowMs + memoryMs)
      size += 1
      return true
    },
  }
}
