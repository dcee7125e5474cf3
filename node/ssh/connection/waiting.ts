import { MAX_WAITING_BYTES } from '../index.ts'

/** What waits in one connection, of the room that all have. */
export interface WaitingShare {
  /** Tells how many bytes wait in it now. @returns whether no more is to be read of it */
  isFull(bytes: number): boolean
  /** From now on it is one of this guest's. */
  belongTo(guest: string): void
  /** It is over, and nothing waits in it. */
  leave(): void
}

/** The room for bytes that wait beyond what is free, of one guest in all connections, and of all guests. */
export interface WaitingRoom {
  /** @param look called when there is room again for what was too much */
  open(look: () => void): WaitingShare
}

/** Nothing waits in it. @param limits @default {@link MAX_WAITING_BYTES} */
export function createWaitingRoom(
  limits: Record<keyof typeof MAX_WAITING_BYTES, number> = MAX_WAITING_BYTES,
): WaitingRoom {
  const guests = new Map<string, number>()
  const heldUp = new Set<() => void>()
  let all = 0

  /** What is free is no one else's to feel: it is not counted. */
  const beyond = (bytes: number): number => Math.max(0, bytes - limits.free)

  /** How many of the bounds that are shared with others are met. */
  const met = (guest: string): number => Number(all > limits.all) + Number((guests.get(guest) ?? 0) > limits.guest)

  function wake(): void {
    for (const look of [...heldUp]) look()
  }

  function open(look: () => void): WaitingShare {
    let held = 0
    let own = ''
    let isOver = false

    function note(bytes: number): void {
      const by = beyond(bytes) - beyond(held)
      held = bytes
      if (by === 0 || isOver) return
      const before = met(own)
      all += by
      if (own !== '') {
        const after = (guests.get(own) ?? 0) + by
        if (after > 0) guests.set(own, after)
        else guests.delete(own)
      }
      if (met(own) < before) queueMicrotask(wake)
    }

    return {
      isFull(bytes) {
        note(bytes)
        if (isOver) return true
        const isFull = bytes > limits.connection || (bytes > limits.free && met(own) > 0)
        if (isFull) heldUp.add(look)
        else heldUp.delete(look)
        return isFull
      },
      belongTo(guest) {
        const bytes = held
        note(0)
        own = guest
        note(bytes)
      },
      leave() {
        note(0)
        isOver = true
        heldUp.delete(look)
      },
    }
  }

  return { open }
}
