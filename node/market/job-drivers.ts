import { isTerminal } from '../../protocol/lifecycle.ts'
import { whenAborted } from '../abort.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import type { JobRecord, JobStore } from '../store/index.ts'

/** How long a job waits that could not be looked after because of a fault of this program or its disk, in ms. */
const FAULT_PAUSE_MS = 5_000

/** How long the last words to providers of ended jobs may take when the node stops, in ms. */
const GOODBYE_MS = 2_000

/** What {@link createJobDrivers} works with. */
export interface JobDriversComponents {
  store: Pick<JobStore, 'get'>
  clock: Clock
  logger: Logger
  /** Finds a provider for a pending job. */
  place: (job: JobRecord, signal: AbortSignal) => Promise<void>
  /** Resolves with true when the provider that was lost has come back with the job before there is another. */
  regain: (job: JobRecord, signal: AbortSignal) => Promise<boolean>
  /** Follows the lease of a job that has a provider. */
  keep: (job: JobRecord) => Promise<void>
}

/** Looks after jobs, one driver each, from one stage of their life to the next until they are over. */
export interface JobDrivers {
  /** Looks after a job from now on; nothing where that is so already. */
  drive(jobId: string): void
  /** Stops the placement of a job at once: its driver looks again. */
  interrupt(jobId: string): void
  /** Jobs that are looked after. */
  count(): number
  /** A job that is over still has its last acknowledgement under way: without it its provider would wait for this peer. */
  lastWords(): Promise<void>
  /** Resolves when all have let go, after `stopping` has aborted. */
  done(): Promise<void>
}

/** @param stopping aborts when the node stops: every driver lets go of its job, and none begins */
export function createJobDrivers(components: JobDriversComponents, stopping: AbortSignal): JobDrivers {
  const { store, clock, logger } = components
  const drivers = new Map<string, { done: Promise<void>; interrupt: () => void }>()

  /** One stage of a job's life; false when there is nothing left to do. */
  async function step(jobId: string, interruption: AbortSignal): Promise<boolean> {
    stopping.throwIfAborted()
    const job = await store.get(jobId)
    if (job === undefined || isTerminal(job.state.status)) return false
    if (job.state.status === 'pending') await placeOrRegain(job, interruption)
    else await components.keep(job)
    return true
  }

  /** Looks for a provider, unless the one that was lost comes back before there is one. */
  async function placeOrRegain(job: JobRecord, interruption: AbortSignal): Promise<void> {
    const over = new AbortController()
    const signal = AbortSignal.any([stopping, interruption, over.signal])
    const waiting = components.regain(job, signal).then(
      (isBack) => {
        if (isBack) over.abort(new Error('The lost provider is back'))
      },
      (error) => {
        if (!signal.aborted) logger.error({ jobId: job.id, error }, 'a lost provider was not waited for')
      },
    )
    try {
      await components.place(job, signal).catch((error) => {
        if (stopping.aborted || !signal.aborted) throw error
      })
    } finally {
      over.abort(new Error('The job has found its place'))
      await waiting
    }
  }

  return {
    drive(jobId) {
      if (drivers.has(jobId) || stopping.aborted) return
      let interruption = new AbortController()
      const done = (async () => {
        for (let more = true; more && !stopping.aborted; ) {
          interruption = new AbortController()
          more = await step(jobId, interruption.signal).catch(async (error) => {
            if (stopping.aborted) return false
            // Nobody else looks after it: it is tried again rather than left as it is for ever.
            logger.error({ jobId, error }, 'looking after a job failed')
            await clock.sleep(FAULT_PAUSE_MS, stopping).catch(() => undefined)
            return true
          })
        }
      })().finally(() => drivers.delete(jobId))
      drivers.set(jobId, { done, interrupt: () => interruption.abort() })
    },

    interrupt: (jobId) => drivers.get(jobId)?.interrupt(),
    count: () => drivers.size,

    async lastWords() {
      const jobs = await Promise.all([...drivers].map(async ([id, { done }]) => ({ job: await store.get(id), done })))
      const ending = jobs.filter(({ job }) => job !== undefined && isTerminal(job.state.status)).map(({ done }) => done)
      if (ending.length === 0) return
      const limit = deadline(clock, GOODBYE_MS)
      await Promise.race([Promise.all(ending), whenAborted(limit.signal)])
      limit.clear()
    },

    async done() {
      await Promise.all([...drivers.values()].map(({ done }) => done))
    },
  }
}
