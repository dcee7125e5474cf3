/** The engine's word which containers run, asked once for all who want to know at about the same time. */

import { whenAborted } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { ContainerEngine } from '../engine/index.ts'
import { containerName } from './container.ts'
import type { Lease } from './lease.ts'

/** How old an answer may be that is given again, in ms: a machine may run hundreds of jobs. */
const SHARED_MS = 1_000
/** How long an answer is waited for, in ms; it counts when it comes. */
const PATIENCE_MS = 1_000

/** Looks whether containers run. */
export interface Sightings {
  /** Tells a lease's meter where the engine says that its container runs. Resolves soon, and never rejects. */
  look(lease: Pick<Lease, 'record' | 'meter'>, signal: AbortSignal): Promise<void>
}

/** @param init.owner peer id of this provider */
export function createSightings(
  { engine, clock }: { engine: Pick<ContainerEngine, 'list'>; clock: Clock },
  { owner }: { owner: string },
): Sightings {
  let last: { askedMs: number; isAsked: boolean; running: Promise<Set<string>> } | null = null

  async function ask(): Promise<Set<string>> {
    try {
      const containers = await engine.list(owner)
      return new Set(containers.filter(({ state }) => state === 'running').map(({ name }) => name))
    } catch {
      return new Set() // it is away: others say so
    }
  }

  /** One question at a time, however slow the engine is. */
  function newest() {
    const nowMs = clock.monotonicMs()
    if (last !== null && (last.isAsked || nowMs - last.askedMs < SHARED_MS)) return last
    const asked = { askedMs: nowMs, isAsked: true, running: ask() }
    void asked.running.then(() => {
      asked.isAsked = false
    })
    last = asked
    return asked
  }

  return {
    async look({ record, meter }, signal) {
      const { askedMs, running } = newest()
      const noted = running.then((names) => {
        // It was so when the engine answered, and so before that.
        if (names.has(containerName(record))) meter.vouch(askedMs)
      })
      const limit = deadline(clock, PATIENCE_MS, signal)
      await Promise.race([noted, whenAborted(limit.signal)])
      limit.clear()
    },
  }
}
