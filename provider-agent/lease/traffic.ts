/** What a job sends and receives: counted where its award says how much that may be, and ended beyond it. */

import { isGone } from '../engine/errors.ts'
import type { ReadTraffic } from '../engine/index.ts'
import type { FollowComponents } from './follow.ts'
import type { Lease } from './lease.ts'

/** Between two looks, in ms: each reads two small files of the kernel's. */
const EVERY_MS = 1_000

/** Whether what this job sends and receives is counted. */
export function isCounted({ record }: Pick<Lease, 'record'>): boolean {
  return record.job.maxNetworkBytes !== undefined && record.job.network !== 'none'
}

/** The traffic of one container. */
export interface Traffic {
  /** Looks, until the signal aborts; ends the container where it goes beyond what it may. Never rejects. */
  watch(signal: AbortSignal): Promise<void>
  /** Looks once more, when it has ended. Never rejects. */
  last(signal: AbortSignal): Promise<void>
}

/** Does nothing for a job whose traffic is not counted. */
export function createTraffic({ engine, clock, logger, lease, name }: FollowComponents): Traffic {
  let read: ReadTraffic | null = null

  async function look(signal: AbortSignal): Promise<void> {
    if (!isCounted(lease)) return
    try {
      read ??= await engine.traffic(name, { signal })
      const total = await read()
      if (total !== null) lease.traffic.saw(total)
    } catch (error) {
      if (!signal.aborted && !isGone(error)) {
        logger.warn({ lease: lease.id, error: String(error) }, 'traffic was not counted')
      }
    }
  }

  return {
    async watch(signal) {
      const limit = lease.record.job.maxNetworkBytes
      while (isCounted(lease) && !signal.aborted && !lease.stopSignal.aborted) {
        await look(signal)
        const used = lease.traffic.bytes
        if (limit !== undefined && used > limit) return await lease.exceed({ what: 'network', limit, used })
        await clock.sleep(EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends
      }
    },
    last: look,
  }
}
