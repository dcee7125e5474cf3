import type { StreamInit } from './event-stream.ts'
import { jobHistoryCalls } from './job-history.ts'
import { jobReachCalls } from './job-reach.ts'
import { type CallOptions, everyItem, JOBS, jobPath, newIdempotencyKey, part, type SubmitOptions } from './resource.ts'
import type { Page, QueryValue, Transport } from './transport.ts'
import type {
  AttemptCost,
  Bid,
  DryRun,
  Extension,
  Job,
  JobChanges,
  JobListItem,
  JobOverrides,
  JobQuery,
  JobSubmission,
  Receipt,
} from './types.ts'

/** `client.jobs` */
export function jobCalls(transport: Transport, streams: StreamInit) {
  const get = async <T>(path: string, query: Record<string, QueryValue>, { signal }: CallOptions): Promise<T> =>
    await transport.data({ method: 'GET', path, query, signal })
  const submitTo = async <T>(path: string, json: unknown, options: SubmitOptions): Promise<T> => {
    const { idempotencyKey = newIdempotencyKey(), signal } = options
    return await transport.data({ method: 'POST', path, json, idempotencyKey, signal })
  }
  const list = async (query: JobQuery = {}, options: CallOptions = {}): Promise<Page<JobListItem>> =>
    await transport.page({ method: 'GET', path: JOBS, query: listQuery(query), ...options })

  return {
    ...jobHistoryCalls(transport, streams),
    ...jobReachCalls(transport, streams),
    /** One page; newest first unless `sort` says otherwise. */
    list,
    /** Every job that matches, page after page. */
    all: ({ page, limit, cursor, ...query }: JobQuery = {}, options: CallOptions = {}): AsyncGenerator<JobListItem> =>
      everyItem((paging) => list({ ...query, ...paging }, options), {
        ...(page === undefined ? {} : { page }),
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
      }),
    /** With its events; `debug` adds attempt and lease. */
    get: async (id: string, { debug, ...options }: CallOptions & { debug?: boolean } = {}): Promise<Job> =>
      await get(jobPath(id), { debug }, options),
    /** Repeated under one idempotency key where the connection fails, so it makes one job. */
    submit: async (job: JobSubmission, options: SubmitOptions = {}): Promise<Job> => await submitTo(JOBS, job, options),
    /** Checks a job and asks who would take it, and at what price; nothing is submitted. */
    dryRun: async (job: JobSubmission, options: CallOptions = {}): Promise<DryRun> =>
      await transport.data({ method: 'POST', path: JOBS, query: { dryRun: true }, json: job, ...options }),
    /** What providers say to a job that was submitted, asked anew, and what would help where nobody takes it. */
    why: async (id: string, options: CallOptions = {}): Promise<DryRun> => await get(jobPath(id, '/why'), {}, options),
    /** Changes a job that has no provider yet. */
    update: async (id: string, changes: JobChanges, options: CallOptions = {}): Promise<Job> =>
      await transport.data({ method: 'PUT', path: jobPath(id), json: changes, ...options }),
    /** Answers at once; the job is `cancelled` when its provider has stopped it. */
    cancel: async (id: string, options: CallOptions = {}): Promise<{ id: string; status: 'cancelling' }> =>
      await transport.data({ method: 'POST', path: jobPath(id, '/cancel'), ...options }),
    /** What more time would cost, and when the job would end; nobody is asked for it. @param additional seconds */
    extension: async (id: string, additional: number, options: CallOptions = {}): Promise<Extension> =>
      await transport.data({
        method: 'POST',
        path: jobPath(id, '/extend'),
        query: { dryRun: true },
        json: { additional },
        isRepeatable: true,
        ...options,
      }),
    /** @param additional seconds on top of the duration */
    extend: async (id: string, additional: number, options: CallOptions = {}): Promise<Job> =>
      await transport.data({ method: 'POST', path: jobPath(id, '/extend'), json: { additional }, ...options }),
    /** A new job from this one. */
    resubmit: async (id: string, overrides: JobOverrides = {}, options: SubmitOptions = {}): Promise<Job> =>
      await submitTo(jobPath(id, '/resubmit'), { overrides }, options),
    fromTemplate: async (templateId: string, overrides: JobOverrides = {}, options: SubmitOptions = {}): Promise<Job> =>
      await submitTo(`${JOBS}/from-template/${part(templateId)}`, { overrides }, options),
    bids: async (id: string, options: CallOptions = {}): Promise<Bid[]> =>
      (await get<{ bids: Bid[] }>(jobPath(id, '/bids'), {}, options)).bids,
    /** What each attempt costs, the first one first, with what both sides signed of it. */
    receipts: async (id: string, options: CallOptions = {}): Promise<AttemptCost[]> =>
      (await get<{ receipts: AttemptCost[] }>(jobPath(id, '/receipts'), {}, options)).receipts,
    /** The statement of use that both sides signed for the last attempt. */
    receipt: async (id: string, options: CallOptions = {}): Promise<Receipt> =>
      await get(jobPath(id, '/receipt'), {}, options),
  }
}

/** The query as the gateway reads it. */
function listQuery({ labels = {}, ...query }: JobQuery): Record<string, QueryValue> {
  return { ...query, ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label.${key}`, value])) }
}
