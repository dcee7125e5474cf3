import PQueue from 'p-queue'
import type { Clock } from '../../node/clock.ts'
import type { JobStore } from '../../node/store/index.ts'
import { newJobId } from '../../protocol/ids.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import type { Buyer } from './buyer.ts'

/** A job that asks for little and does nothing. */
const SPEC = jobSubmissionSchema.parse({ image: 'none', cpu: 100, memory: '16Mi', storage: '16Mi', duration: 60 })

export interface JobFigures {
  jobs: number
  ended: number
  /** Ms from the submission to a provider that accepted, of every job that came so far. */
  scheduledMs: number[]
  /** Ms from the submission to the end. */
  endedMs: number[]
  tookMs: number
}

/** Submits jobs, `concurrency` at a time, and follows each to its end, or all of them to the signal. */
export async function runJobs(
  { requester, store, clock }: Pick<Buyer, 'requester' | 'store'> & { clock: Clock },
  { jobs, concurrency, signal }: { jobs: number; concurrency: number; signal: AbortSignal },
): Promise<JobFigures> {
  const steps = watchSteps(store)
  const queue = new PQueue({ concurrency })
  const figures: JobFigures = { jobs, ended: 0, scheduledMs: [], endedMs: [], tookMs: 0 }
  const beganMs = clock.monotonicMs()
  const one = async (): Promise<void> => {
    if (signal.aborted) return
    const id = newJobId(clock.nowMs())
    const submittedMs = clock.monotonicMs()
    const { scheduled, ended } = steps.of(id)
    await requester.submit({ id, owner: 'sim', spec: SPEC })
    await Promise.race([scheduled, aborted(signal)])
    if (signal.aborted) return
    figures.scheduledMs.push(clock.monotonicMs() - submittedMs)
    await Promise.race([ended, aborted(signal)])
    if (signal.aborted) return
    figures.endedMs.push(clock.monotonicMs() - submittedMs)
    figures.ended += 1
  }
  try {
    await queue.addAll(Array.from({ length: jobs }, () => one))
  } finally {
    await steps.stop()
  }
  figures.tookMs = clock.monotonicMs() - beganMs
  return figures
}

/** Resolves when the jobs of a store are scheduled, and when they have ended. */
function watchSteps(store: JobStore) {
  const waiting = new Map<string, { scheduled: PromiseWithResolvers<void>; ended: PromiseWithResolvers<void> }>()
  let position = store.feedEnd()
  let reading = Promise.resolve()
  const read = async (): Promise<void> => {
    for (let more = true; more; ) {
      const entries = await store.feed(position, 500)
      for (const { jobId, event } of entries) {
        const steps = waiting.get(jobId)
        if (event.type === 'scheduled') steps?.scheduled.resolve()
        if (!['completed', 'failed', 'cancelled'].includes(event.type)) continue
        steps?.scheduled.resolve()
        steps?.ended.resolve()
        waiting.delete(jobId)
      }
      position = entries.at(-1)?.position ?? position
      more = entries.length > 0
    }
  }
  const stop = store.onFeed(() => {
    reading = reading.then(read)
  })
  return {
    of(id: string) {
      const steps = { scheduled: Promise.withResolvers<void>(), ended: Promise.withResolvers<void>() }
      waiting.set(id, steps)
      return { scheduled: steps.scheduled.promise, ended: steps.ended.promise }
    },
    async stop() {
      stop()
      await reading
    },
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** The value that a share of the sorted ones do not exceed; null of none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null
}
