import type { ContainerExit, MetLimit } from '../engine/index.ts'
import type { Exceeded, StopReason } from '../journal/records.ts'
import type { FollowComponents } from './follow.ts'
import { beyond } from './watch-storage.ts'

/** What a program ends with for a bus error: 128 and SIGBUS. */
const BUS_ERROR = 135
/** How long before its end a limit may have refused a program something and still be why it ended, in ms. */
const SHORTLY_MS = 20_000

/** Which limit a container went beyond, as far as this side knows. */
export interface ExceededLimits {
  /** A limit was seen to refuse something. */
  note(limit: MetLimit): void
  /** The one that tells why it ended; null where it ended well, or by a stop. */
  behind(exit: ContainerExit, stopping: StopReason | null): Promise<Exceeded | null>
}

/** For one container. What refused it something counts for {@link SHORTLY_MS}. */
export function createExceededLimits(
  { engine, clock, logger, lease, name }: FollowComponents,
  signal: AbortSignal,
): ExceededLimits {
  /** When last; monotonic, ms. */
  const met = new Map<MetLimit['what'], { limit: MetLimit; atMs: number }>()

  /** What most likely ended the program: what refused it something shortly before; a bus error is for want of shared memory. */
  function refusedBy(exitCode: number): Exceeded | null {
    const kinds = exitCode === BUS_ERROR ? (['shm'] as const) : (['pids', 'files', 'shm'] as const)
    const found = kinds.map((kind) => met.get(kind))
    return found.find((one) => one !== undefined && clock.monotonicMs() - one.atMs <= SHORTLY_MS)?.limit ?? null
  }

  return {
    note(limit) {
      met.set(limit.what, { limit, atMs: clock.monotonicMs() })
    },
    async behind({ exitCode }, stopping) {
      const { exceeded = null } = lease.progress
      if (exceeded !== null || exitCode === 0 || stopping !== null) return exceeded
      try {
        const use = await engine.storage(name, { signal, all: true })
        return beyond(lease.record, use, true) ?? refusedBy(exitCode)
      } catch (error) {
        signal.throwIfAborted()
        logger.warn({ lease: lease.id, error: String(error) }, 'use of the disk was not measured')
        return refusedBy(exitCode)
      }
    },
  }
}
