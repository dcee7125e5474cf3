/** When containers ran, from what their engine said. An engine that was away does not know to the second. */

import type { Befallen, Disturbance } from './befallen.ts'
import type { EngineEvent } from './engine-events.ts'

/** One container from its start to its end. */
export interface Run {
  containerId: string
  fence: number
  provider: string
  startMs: number
  /** It ended no earlier than this. */
  leastEndMs: number
  /** It ended no later than this; now where it may still run. */
  mostEndMs: number
  /** Whether its engine ended with it, or its owner ended it: it was not its program or its agent. */
  isFromOutside: boolean
}

/** How long after its start an engine may take to end and to tell of what its predecessor left, in ms. */
const RESTORE_MS = 30_000

/** @param engine the events of one job, in their order */
export function runsOf(engine: EngineEvent[], befallen: Befallen[]): Run[] {
  const acts = befallen.filter((each) => each.what === 'owner')
  return engine
    .filter(({ action }) => action === 'start')
    .map((start): Run => {
      const { containerId, fence, owner: provider, jobId, atMs: startMs } = start
      const later = engine.filter((event) => event.containerId === containerId && event.atMs >= startMs)
      const died = later.find(({ action }) => action === 'die') ?? later.find(({ action }) => action === 'destroy')
      const away = befallen.find(
        (each): each is Disturbance =>
          each.what === 'engine' &&
          each.provider === provider &&
          each.toMs > startMs &&
          each.fromMs < (died?.atMs ?? Number.POSITIVE_INFINITY),
      )
      const isActedOn = acts.some((act) => act.jobId === jobId && act.fence === fence)
      return {
        ...{ containerId, fence, provider, startMs },
        leastEndMs: Math.max(startMs, Math.min(away?.fromMs ?? Number.POSITIVE_INFINITY, died?.atMs ?? Date.now())),
        mostEndMs: died?.atMs ?? (away === undefined ? Date.now() : away.toMs + RESTORE_MS),
        isFromOutside: away !== undefined || isActedOn,
      }
    })
}
