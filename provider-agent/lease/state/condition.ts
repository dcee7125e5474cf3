import { isDeepStrictEqual } from 'node:util'
import type { ContainerHealth, EndpointState } from '../../../protocol/endpoints.ts'

/** How a container does. */
export interface Condition {
  /** Of the exposed ports; empty before they were looked at. */
  readonly endpoints: readonly EndpointState[]
  /** What the image's own check says; null where it has none. */
  readonly health: ContainerHealth | null
}

/** How a lease's container does, and who is told when that changes. */
export interface ToldCondition {
  readonly now: Condition
  tell(condition: Condition): void
  /** Calls back when it has changed, until the answer is called. */
  on(callback: () => void): () => void
}

/** Nothing is known at first. What is told again unchanged is no change. */
export function createToldCondition(): ToldCondition {
  const listeners = new Set<() => void>()
  let now: Condition = { endpoints: [], health: null }
  return {
    get now() {
      return now
    },
    tell(condition) {
      if (isDeepStrictEqual(condition, now)) return
      now = condition
      for (const listener of listeners) listener()
    },
    on(callback) {
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
  }
}
