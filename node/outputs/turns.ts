/** Turns at something that takes long, shared out so that nobody who holds his own for long keeps the others waiting. */
export interface Turns {
  /**
   * Runs a task when it is its turn: first come, first served, passing over those whose share is taken.
   * @param holders who each have a share of their own, such as an owner and a provider
   * @throws what the signal aborts with while it waits
   */
  take<T>(holders: string[], task: () => Promise<T>, signal: AbortSignal): Promise<T>
}

interface Waiting {
  holders: string[]
  begin(): void
}

/**
 * @param all turns at a time
 * @param each how many of those one holder may have
 */
export function createTurns({ all, each }: { all: number; each: number }): Turns {
  const waiting = new Set<Waiting>()
  const held = new Map<string, number>()
  let taken = 0
  const heldBy = (holder: string): number => held.get(holder) ?? 0

  function count(holders: string[], change: 1 | -1): void {
    taken += change
    for (const holder of holders) {
      const left = heldBy(holder) + change
      if (left > 0) held.set(holder, left)
      else held.delete(holder)
    }
  }

  function next(): void {
    for (const one of waiting) {
      if (taken >= all) return
      if (one.holders.some((holder) => heldBy(holder) >= each)) continue
      waiting.delete(one)
      count(one.holders, 1)
      one.begin()
    }
  }

  return {
    async take(holders, task, signal) {
      signal.throwIfAborted()
      const turn = Promise.withResolvers<void>()
      const one: Waiting = { holders, begin: turn.resolve }
      const leave = (): void => {
        if (waiting.delete(one)) turn.reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.add(one)
      next()
      try {
        await turn.promise
      } finally {
        signal.removeEventListener('abort', leave)
      }
      try {
        return await task()
      } finally {
        count(holders, -1)
        next()
      }
    },
  }
}
