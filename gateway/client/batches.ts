import { type CallOptions, everyItem, newIdempotencyKey, part, type SubmitOptions } from './resource.ts'
import type { Page, Transport } from './transport.ts'
import type { Batch, BatchRows, CheckedBatch, JobSubmission, NewBatch, Paging, SubmittedBatch } from './types.ts'

/** How long the gateway may take to check and store ten thousand rows, in ms. */
const SUBMIT_TIMEOUT_MS = 300_000
const BASE = '/plugin-core/jobs'

/** Rows of a CSV file over a job that they share. */
export interface CsvBatch {
  /** A job; a column's name in `$` and braces is replaced in any of its texts. It need not be valid by itself. */
  base?: Partial<JobSubmission>
  /** UTF-8; the first row names the columns. */
  csv: string | Blob
  /** How many run at a time. */
  concurrency?: number | undefined
}

/** `client.batches` */
export function batchCalls(transport: Transport) {
  const list = async (paging: Paging = {}, options: CallOptions = {}): Promise<Page<Batch>> =>
    await transport.page({ method: 'GET', path: `${BASE}/batches`, query: { ...paging }, ...options })
  const send = async (
    body: { json: unknown } | { form: FormData },
    { idempotencyKey = newIdempotencyKey(), signal }: SubmitOptions,
  ): Promise<SubmittedBatch> =>
    await transport.data({
      method: 'POST',
      path: `${BASE}/batch`,
      ...body,
      idempotencyKey,
      signal,
      timeoutMs: SUBMIT_TIMEOUT_MS,
    })

  return {
    list,
    all: (paging: Paging = {}, options: CallOptions = {}): AsyncGenerator<Batch> =>
      everyItem((next) => list(next, options), paging),
    /** All jobs or, where one is wrong, none. */
    submit: async (batch: NewBatch, options: SubmitOptions = {}): Promise<SubmittedBatch> =>
      await send({ json: batch }, options),
    /** One job for each row or, where one is wrong, none. */
    submitCsv: async (batch: CsvBatch, options: SubmitOptions = {}): Promise<SubmittedBatch> =>
      await send({ form: formOf(batch) }, options),
    /** Checks every row and submits nothing. @throws {ValidationError} whose `details.rows` are the bad ones */
    checkCsv: async (batch: CsvBatch, options: CallOptions = {}): Promise<CheckedBatch> =>
      await transport.data({
        method: 'POST',
        path: `${BASE}/batch`,
        query: { dryRun: true },
        form: formOf(batch),
        timeoutMs: SUBMIT_TIMEOUT_MS,
        ...options,
      }),
    get: async (id: string, options: CallOptions = {}): Promise<Batch> =>
      await transport.data({ method: 'GET', path: `${BASE}/batches/${part(id)}`, ...options }),
    /** What became of each of its rows. */
    rows: async (id: string, options: CallOptions = {}): Promise<BatchRows> =>
      await transport.data({ method: 'GET', path: `${BASE}/batches/${part(id)}/rows`, ...options }),
    /** Runs its failed jobs again, as a batch of their own; asked again it answers the same. */
    retry: async (id: string, options: CallOptions = {}): Promise<SubmittedBatch> =>
      await transport.data({
        ...{ method: 'POST', path: `${BASE}/batches/${part(id)}/retry`, isRepeatable: true },
        ...{ timeoutMs: SUBMIT_TIMEOUT_MS, ...options },
      }),
    /** Cancels what has not ended of it. */
    cancel: async (id: string, options: CallOptions = {}): Promise<Batch> =>
      await transport.data({ method: 'POST', path: `${BASE}/batches/${part(id)}/cancel`, ...options }),
  }
}

function formOf({ base, csv, concurrency }: CsvBatch): FormData {
  const form = new FormData()
  if (base !== undefined) form.set('base', JSON.stringify(base))
  if (concurrency !== undefined) form.set('concurrency', String(concurrency))
  form.set('file', new Blob([csv], { type: 'text/csv' }), 'rows.csv')
  return form
}
