import { fits, type Resources, subtractResources } from '../../protocol/units.ts'
import type { Clock } from '../clock.ts'
import type { Directory, ProviderView } from '../directory/index.ts'

/**
 * Where jobs wait that nobody has room for. A provider's change wakes only as many as its free capacity could hold,
 * first come first, so that a long queue costs no storm of requests.
 */
export interface ParkingLot {
  /** Resolves when there may be room, after `ms` at the latest; rejects when aborted. */
  wait(wanted: { resources: Resources; provider: string }, ms: number, signal: AbortSignal): Promise<void>
  stop(): void
}

interface Parked {
  resources: Resources
  provider: string
  wake: () => void
}

export function createParkingLot({ directory, clock }: { directory: Directory; clock: Clock }): ParkingLot {
  const parked = new Set<Parked>()

  const stop = directory.onChange((view: ProviderView) => {
    if (view.status !== 'online' || view.pausedReason !== '') return
    let free = view.free
    for (const entry of parked) {
      const suits = entry.provider === '' || entry.provider === view.provider
      if (!suits || !fits(entry.resources, free)) continue
      free = subtractResources(free, entry.resources)
      entry.wake()
    }
  })

  return {
    async wait({ resources, provider }, ms, signal) {
      const woken = new AbortController()
      const entry: Parked = { resources, provider, wake: () => woken.abort() }
      parked.add(entry)
      try {
        await clock.sleep(ms, AbortSignal.any([signal, woken.signal]))
      } catch (error) {
        signal.throwIfAborted()
        if (!woken.signal.aborted) throw error
      } finally {
        parked.delete(entry)
      }
    },
    stop,
  }
}
