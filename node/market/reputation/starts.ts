import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { JobStore, StartRecord } from '../../store/index.ts'
import type { Waiting } from '../bids/waiting.ts'
import { ownerKey } from './owner-key.ts'
import { createRemembered } from './remembered.ts'

/** How soon this peer's jobs began, beside how soon their providers said that the data would be there. */
export interface Starts {
  /**
   * How long to expect a job to wait, in ms: what its provider says, times what this owner's jobs found that to be worth.
   * @param owner nobody's jobs count where it is left out
   */
  believedMs(provider: string, saidMs: number, owner?: string): number
  /** A provider has taken a job, by a bid that said so. Those that bring next to nothing show nothing. */
  placed(job: { id: string; owner: string }, offer: { provider: string; waiting: Waiting }): void
  /** Sees when the job begins, until the returned function is called. */
  follow(jobId: string): () => void
  /** Takes over what the store kept; before the first question. */
  recall(): Promise<void>
}

/** What a start takes beside the data, whatever is said: the engine unpacks, and makes a container. */
const BESIDE_MS = 5_000
/** So short a wait is told by nobody from none. */
const SHORT_MS = 2_000
/** A provider's word stands while what was seen is within a third of it. */
const MOST_OFF = 4 / 3
/** However late one was: it may have been the network. */
const MOST_TIMES = 1_000
/** The newest start counts so much: rates change, and what was there may have gone. */
const WEIGHT = 0.5

/** What {@link createStarts} works with. */
export interface StartsComponents {
  store: Pick<JobStore, 'starts' | 'keepStart' | 'get' | 'onChange'>
  clock: Pick<Clock, 'monotonicMs' | 'nowMs'>
  logger: Logger
}

/** Believes everybody until it has seen otherwise. Jobs that were placed before this process began show it nothing. */
export function createStarts({ store, clock, logger }: StartsComponents): Starts {
  // What is lost in a crash is one late start more to find out.
  const known = createRemembered<StartRecord>({
    load: async () => await store.starts(),
    keep: async (at, record) => await store.keepStart(at, record),
    onFailed: (at, error) => logger.warn({ at, error }, 'how late a job began could not be kept'),
  })
  const expected = new Map<string, { at: string; saidMs: number; placedMs: number }>()

  function began(jobId: string): void {
    const job = expected.get(jobId)
    if (job === undefined) return
    expected.delete(jobId)
    const { at, saidMs, placedMs } = job
    const seenMs = clock.monotonicMs() - placedMs - BESIDE_MS
    const times = Math.min(MOST_TIMES, Math.max(1, (seenMs + SHORT_MS) / (saidMs + SHORT_MS)))
    const before = known.get(at)?.times ?? 1
    known.set(at, { times: before + WEIGHT * (times - before), atMs: clock.nowMs() })
  }

  return {
    recall: known.recall,
    believedMs(provider, saidMs, owner) {
      const times = (owner === undefined ? undefined : known.get(ownerKey(provider, owner))?.times) ?? 1
      return times <= MOST_OFF ? saidMs : (saidMs + SHORT_MS) * times - SHORT_MS
    },
    placed({ id, owner }, { provider, waiting: { saidMs, mostMs } }) {
      if (mostMs < SHORT_MS) return
      expected.set(id, { at: ownerKey(provider, owner), saidMs, placedMs: clock.monotonicMs() })
    },
    follow(jobId) {
      if (!expected.has(jobId)) return () => undefined
      const look = async (): Promise<void> => {
        const state = (await store.get(jobId))?.state
        if (state === undefined || !expected.has(jobId)) return
        if ('startedAtMs' in state && state.startedAtMs !== null) began(jobId)
      }
      const unwatch = store.onChange(jobId, () => {
        look().catch((error) => logger.warn({ jobId, error }, 'when a job began could not be seen'))
      })
      return () => {
        unwatch()
        expected.delete(jobId)
      }
    },
  }
}
