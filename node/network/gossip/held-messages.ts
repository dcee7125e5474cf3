import type { Topic } from '../../../protocol/topics.ts'
import type { Clock } from '../../clock.ts'

/** How long a message is held, in ms, and how many are. */
const HELD_MS = 5_000
const MAX_HELD = 256

interface Held {
  topic: Topic
  data: Uint8Array
  atMs: number
}

/** What is said while nobody listens yet. */
export interface HeldMessages {
  /** The oldest goes where there are too many. */
  add(topic: Topic, data: Uint8Array): void
  /** Takes those that may go now, in order; what was held for too long is forgotten. */
  take(mayGo: (topic: Topic) => boolean): Held[]
  clear(): void
}

/** At most 256, each for 5 s. */
export function createHeldMessages({ clock }: { clock: Clock }): HeldMessages {
  let held: Held[] = []
  return {
    add(topic, data) {
      held.push({ topic, data, atMs: clock.monotonicMs() })
      if (held.length > MAX_HELD) held.shift()
    },
    take(mayGo) {
      const dueAfterMs = clock.monotonicMs() - HELD_MS
      const { true: going = [], false: staying = [] } = Object.groupBy(
        held.filter(({ atMs }) => atMs >= dueAfterMs),
        ({ topic }) => `${mayGo(topic)}`,
      )
      held = staying
      return going
    },
    clear() {
      held = []
    },
  }
}
