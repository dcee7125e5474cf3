import { type Clock, sleepUntilWoken } from '../clock.ts'

/** One reader waits for values that others put. */
export function createMailbox<T>() {
  const values: T[] = []
  let arrived: (() => void) | null = null
  return {
    put(value: T): void {
      values.push(value)
      arrived?.()
    },
    take: (): T | null => values.shift() ?? null,
    /** Resolves when there is a value, or after `ms`. */
    async arrival(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
      if (values.length > 0) return
      const woken = new AbortController()
      arrived = () => woken.abort()
      try {
        await sleepUntilWoken(clock, ms, woken.signal, signal)
      } finally {
        arrived = null
      }
    },
  }
}
