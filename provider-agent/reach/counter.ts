import { ReachRefusedError } from './refusal.ts'

/** How many of something each of several has at the moment. */
export interface Counter {
  /** @throws {ReachRefusedError} `TOO_MANY` */
  within(id: string, most: number, task: () => Promise<void>): Promise<void>
}

/** @param whose what has them, for people, e.g. "The container" */
export function createCounter(whose: string): Counter {
  const counts = new Map<string, number>()
  return {
    async within(id, most, task) {
      const count = counts.get(id) ?? 0
      if (count >= most) {
        throw new ReachRefusedError('TOO_MANY', `${whose} has ${most} of these open already: close some first`)
      }
      counts.set(id, count + 1)
      try {
        await task()
      } finally {
        const left = (counts.get(id) ?? 1) - 1
        if (left > 0) counts.set(id, left)
        else counts.delete(id)
      }
    },
  }
}
