/**
 * Looks at the machine's GPUs, and keeps from sale each that is not well, that one alone: for a minute at first, and for
 * twice as long each time that it falls ill again. One that its driver does not list any more is remembered, so that its
 * owner hears of it.
 */

import type { Clock } from '../../node/clock.ts'
import type { FoundGpus, Gpu } from './gpu.ts'
import { LOST } from './gpu.ts'

/** Through which a provider looks at its GPUs. */
export interface GpuWatch {
  /** Every GPU that there is or was, `problem` set for those that are not sold. */
  look(): Promise<FoundGpus>
}

interface Illness {
  problem: string
  /** Monotonic, in ms: not before this is it sold again, nor does another look count. */
  untilMs: number
  /** How long it is kept from sale if it falls ill again, in ms. */
  nextMs: number
}

const FIRST_PAUSE_MS = 60_000
const MAX_PAUSE_MS = 3_600_000
/** One that was well for this long has its illness forgotten, in ms. */
const FORGOTTEN_MS = 24 * 3_600_000

/** Remembers in memory alone: after a restart each GPU is taken as it is found. */
export function createGpuWatch({ clock, find }: { clock: Clock; find: () => Promise<FoundGpus> }): GpuWatch {
  const ill = new Map<string, Illness>()
  /** As seen last. */
  const known = new Map<string, Gpu>()

  function judge(gpu: Gpu): Gpu {
    const nowMs = clock.monotonicMs()
    const illness = ill.get(gpu.uuid)
    if (illness !== undefined && nowMs < illness.untilMs) return { ...gpu, problem: gpu.problem ?? illness.problem }
    if (gpu.problem !== null) {
      const pauseMs = illness?.nextMs ?? FIRST_PAUSE_MS
      const nextMs = Math.min(MAX_PAUSE_MS, 2 * pauseMs)
      ill.set(gpu.uuid, { problem: gpu.problem, untilMs: nowMs + pauseMs, nextMs })
    } else if (illness !== undefined && nowMs >= illness.untilMs + FORGOTTEN_MS) ill.delete(gpu.uuid)
    return gpu
  }

  return {
    async look() {
      const { gpus, unsold } = await find()
      // Its parts stand for a card that was divided, and the card for parts that were joined.
      const cards = new Set(gpus.flatMap(({ uuid, part }) => [uuid, part?.card ?? uuid]))
      for (const [uuid, { part }] of known) {
        const isDivided = cards.has(uuid) || (part !== null && cards.has(part.card))
        if (isDivided) known.delete(uuid)
      }
      const lost = [...known.values()].map((gpu) => ({ ...gpu, problem: LOST }))
      for (const gpu of gpus) known.set(gpu.uuid, gpu)
      return { gpus: [...gpus, ...lost].map(judge), unsold }
    },
  }
}
