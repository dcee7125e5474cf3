import { formatUsd, parseUsd } from '../../../protocol/money.ts'
import type { CortexClient, Job, JobListItem } from '../../client/index.ts'
import { isTerminal } from '../../contract/job-status.ts'
import { shown } from '../text.ts'
import type { Answer } from './tool.ts'

/** US dollars as exact decimal text, which no reader rounds. */
export function usd(amount: number | null | undefined): string | null {
  if (amount === null || amount === undefined) return null
  const exact = parseUsd(amount)
  return exact === null ? String(amount) : formatUsd(exact)
}

/** What a model is told of a job, in few words. */
export function jobView(job: JobListItem): Answer {
  const { id, name, status, image, cost, results, error, waiting, endpoints = [] } = job
  const nearest = status === 'pending' ? waiting?.nearest : undefined
  const ended = status !== undefined && isTerminal(status)
  return {
    job: id,
    ...(name ? { name } : {}),
    status,
    ended,
    image,
    ...(ended ? { exitCode: results?.exitCode ?? null } : {}),
    costUsd: usd(cost?.final ?? cost?.current),
    ...(ended ? {} : { mostCostUsd: usd(cost?.projected) }),
    provider: job.assignedProvider,
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
    ...(endpoints.length === 0 ? {} : { ports: endpoints.map(({ port, protocol, url }) => ({ port, protocol, url })) }),
    ...(!error ? {} : { failure: error.code, fault: error.fault, remedy: error.remedy }),
    ...(error?.change ? { change: error.change.changes } : {}),
    ...(status === 'pending' && waiting ? { givesUpAt: waiting.givesUpAt } : {}),
    // A provider may have chosen its words.
    ...(!error ? {} : { untrusted: { failureMessage: shown(error.message).slice(0, 2_000) } }),
    ...(!nearest ? {} : { untrusted: { waitsBecause: shown(nearest.message).slice(0, 2_000) } }),
  }
}

/**
 * The job once it is as asked for, or as it is when the time is over.
 * @param seconds how long to wait at most
 */
export async function waitUntil(
  client: CortexClient,
  id: string,
  is: (job: Job) => boolean,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<Job> {
  let job = await client.jobs.get(id, { signal })
  if (is(job) || seconds === 0) return job
  const after = job.events?.at(-1)?.seq
  const limit = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)])
  try {
    for await (const _event of client.jobs.events(id, { follow: true, after, signal: limit })) {
      job = await client.jobs.get(id, { signal: limit })
      if (is(job)) return job
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!limit.aborted) throw error
  }
  return await client.jobs.get(id, { signal })
}
