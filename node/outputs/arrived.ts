import { looks } from '../looks.ts'
import type { JobRecord, JobStore } from '../store/index.ts'

/** The job once its output is no longer on its way, or as it is when the signal aborts. */
export async function outputArrived(
  store: Pick<JobStore, 'get' | 'onChange'>,
  first: JobRecord,
  signal: AbortSignal,
): Promise<JobRecord> {
  let job = first
  if (job.output?.state !== 'waiting') return job
  for await (const _ of looks((changed) => store.onChange(job.id, changed), signal)) {
    job = (await store.get(job.id)) ?? job
    if (job.output?.state !== 'waiting') break
  }
  return job
}
