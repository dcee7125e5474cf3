import type { JobRecord, JobStore } from '../store/index.ts'

/** The job once its output is no longer on its way, or as it is when the signal aborts. */
export async function outputArrived(
  store: Pick<JobStore, 'get' | 'onChange'>,
  first: JobRecord,
  signal: AbortSignal,
): Promise<JobRecord> {
  for (let job = first; ; ) {
    if (job.output?.state !== 'waiting' || signal.aborted) return job
    const changed = Promise.withResolvers<void>()
    const stop = store.onChange(job.id, changed.resolve)
    signal.addEventListener('abort', () => changed.resolve(), { once: true })
    job = (await store.get(job.id)) ?? job
    if (job.output?.state === 'waiting') await changed.promise
    stop()
    job = (await store.get(job.id)) ?? job
  }
}
