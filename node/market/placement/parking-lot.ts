import { fits, type Resources, subtractResources } from '../../../protocol/units.ts'
import { type Clock, sleepUntilWoken } from '../../clock.ts'
import type { Directory, ProviderView } from '../../directory/index.ts'

/** What a job waits for. */
export interface Wanted {
  /** Orders the jobs of one owner: ids rise with their creation. */
  jobId: string
  /** Owners have their turns one after the other. */
  owner: string
  /** Jobs of one kind need the very same, so that what one of them gets any other could have had. */
  kind: string
  resources: Resources
  /** Peer id of the only provider wanted; empty is any. */
  provider: string
}

/**
 * Where jobs wait that nobody has room for. A provider's change wakes only as many as its free capacity could hold, so
 * that a long queue costs no storm of requests: of each owner the oldest first, and owners in turn.
 */
export interface ParkingLot {
  /** Resolves when there may be room, after `ms` at the latest; rejects when aborted. */
  wait(wanted: Wanted, ms: number, signal: AbortSignal): Promise<void>
  /**
   * Whether an older job of the same owner and kind waits: then that one is woken, and has this one's turn. Jobs that need
   * something else hold up nobody.
   */
  yields(wanted: Wanted): boolean
  stop(): void
}

interface Parked extends Wanted {
  wake: () => void
}

/** Watches the directory until it is stopped; a paused or offline provider wakes nobody. */
export function createParkingLot({ directory, clock }: { directory: Directory; clock: Clock }): ParkingLot {
  /** By owner and kind, the oldest first; those that were woken are gone from here. */
  const owners = new Map<string, Map<string, Parked[]>>()

  function park(entry: Parked): void {
    const kinds = owners.get(entry.owner) ?? new Map<string, Parked[]>()
    owners.set(entry.owner, kinds)
    const queue = kinds.get(entry.kind) ?? []
    kinds.set(entry.kind, queue)
    queue.splice(placeOf(queue, entry.jobId), 0, entry)
  }

  function unpark(entry: Parked): void {
    const kinds = owners.get(entry.owner)
    const queue = kinds?.get(entry.kind)
    if (kinds === undefined || queue === undefined) return
    const at = placeOf(queue, entry.jobId)
    if (queue[at] === entry) queue.splice(at, 1)
    if (queue.length === 0) kinds.delete(entry.kind)
    if (kinds.size === 0) owners.delete(entry.owner)
  }

  function wake(entry: Parked): void {
    unpark(entry)
    entry.wake()
  }

  const stop = directory.onChange((view: ProviderView) => {
    if (view.status !== 'online' || view.pausedReason !== '') return
    let free = view.free
    const suits = ({ provider, resources }: Parked): boolean =>
      (provider === '' || provider === view.provider) && fits(resources, free)
    for (let anyone = true; anyone; ) {
      anyone = false
      for (const kinds of [...owners.values()]) {
        const oldest = [...kinds.values()].flatMap(([first]) => (first !== undefined && suits(first) ? [first] : []))
        const [next] = oldest.sort((a, b) => (a.jobId < b.jobId ? -1 : 1))
        if (next === undefined) continue
        free = subtractResources(free, next.resources)
        wake(next)
        anyone = true
      }
    }
  })

  return {
    async wait(wanted, ms, signal) {
      const woken = new AbortController()
      const entry: Parked = { ...wanted, wake: () => woken.abort() }
      park(entry)
      try {
        await sleepUntilWoken(clock, ms, woken.signal, signal)
      } finally {
        unpark(entry)
      }
    },
    yields({ jobId, owner, kind }) {
      const [oldest] = owners.get(owner)?.get(kind) ?? []
      if (oldest === undefined || oldest.jobId >= jobId) return false
      wake(oldest)
      return true
    },
    stop,
  }
}

/** Where a job stands, or would stand, in a queue that is in order. */
function placeOf(queue: readonly Parked[], jobId: string): number {
  let low = 0
  let high = queue.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((queue[middle]?.jobId ?? '') < jobId) low = middle + 1
    else high = middle
  }
  return low
}
