import type { Clock } from '../../node/clock.ts'
import type { JobStore } from '../../node/store/index.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { breathe } from '../../node/turns.ts'
import { newJobId } from '../../protocol/ids.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import { GatewayError } from '../http/errors.ts'
import { resolveProvider, type SubmitComponents } from '../jobs/index.ts'
import { newId } from '../records/ids.ts'
import type { BatchRecord } from './batch-records.ts'
import type { BatchRunner } from './batch-runner.ts'
import type { BatchStore } from './batch-store.ts'
import { checkRows } from './check-rows.ts'
import { failedRows } from './failed-rows.ts'
import { digestOf } from './read-upload.ts'
import { createRowProblems } from './row-problem.ts'
import type { RowSource } from './rows.ts'

/** How long an Idempotency-Key is remembered, in ms: 24 hours. */
const KEY_MS = 24 * 3600 * 1000
/** Jobs that are stored at a time: what comes together is written together. */
const AT_A_TIME = 64
/** How long registries are asked what the images of a batch are, in ms; those of the rest are asked for each job. */
const RESOLVING_MS = 10_000
/** Characters of them, at least, that are stored at a time. */
const LENGTH_AT_A_TIME = 1024 * 1024

/** What {@link createBatchDesk} works with. */
export interface BatchComponents extends Omit<SubmitComponents, 'store'> {
  store: Pick<JobStore, 'get' | 'look' | 'secrets'>
  batches: BatchStore
  batchRunner: BatchRunner
  clock: Clock
}

/** Rows that are to become one batch. */
export interface BatchSubmission {
  owner: string
  rows: RowSource
  /** How many of its jobs are with the market or at providers at a time. */
  concurrency: number
  requestId: string
  /** `digest` is of the body that came with the key. */
  idempotency: { key: string; digest: string } | null
  /** Where it runs again what has failed of another: that one, and which rows of it. */
  retry?: { of: string; rows: number[] }
}

/** A batch that was taken, or the first one with the same Idempotency-Key. */
export interface SubmittedBatch {
  record: BatchRecord
  /** In the order of the rows. */
  jobIds: string[]
  /** Whether it was there before: its key and its body are those of an earlier request. */
  repeated: boolean
}

/** Takes whole batches or nothing of them. */
export interface BatchDesk {
  /** @throws {GatewayError} VALIDATION_ERROR with the bad rows, IDEMPOTENCY_CONFLICT */
  submit(submission: BatchSubmission): Promise<SubmittedBatch>
  /**
   * Runs again, as a batch of their own, the jobs of one that have failed; asked again it answers the same.
   * @throws {GatewayError} JOB_STATE_CONFLICT where it goes on, or none has failed; VALIDATION_ERROR with the rows that cannot run again
   */
  retry(record: BatchRecord, requestId: string): Promise<SubmittedBatch>
  /** How many jobs the rows make; nothing is stored. @throws {GatewayError} VALIDATION_ERROR with the bad rows */
  check(rows: RowSource, owner: string): Promise<number>
}

/** Submissions with one Idempotency-Key wait for each other, so that they make one batch. */
export function createBatchDesk(components: BatchComponents): BatchDesk {
  const { batches, clock } = components
  const queue = createKeyedQueue()

  async function known(at: string, digest: string): Promise<SubmittedBatch | null> {
    const key = await batches.key(at)
    if (key === undefined || key.expiresAtMs <= clock.nowMs()) return null
    if (key.digest !== digest) {
      const message = 'This Idempotency-Key was used with another body: use a new key, or send the same body'
      throw new GatewayError('IDEMPOTENCY_CONFLICT', message)
    }
    const record = await batches.get(key.batchId)
    if (record === undefined) return null
    return { record, jobIds: await batches.members(record.id), repeated: true }
  }

  async function runAgain({ id }: BatchRecord, requestId: string): Promise<SubmittedBatch> {
    const first = await batches.get(id)
    if (first === undefined || first.endedAtMs === null) {
      throw new GatewayError('JOB_STATE_CONFLICT', `The batch ${id} goes on: wait for its end, or cancel it`)
    }
    const again = first.retriedAs === undefined ? undefined : await batches.get(first.retriedAs)
    if (again !== undefined) return { record: again, jobIds: await batches.members(again.id), repeated: true }
    const { source, rows } = await failedRows(components, first)
    const { owner, concurrency } = first
    const submission = {
      ...{ owner, concurrency, requestId },
      rows: source,
      idempotency: null,
      retry: { of: id, rows },
    }
    return await make(components, submission, null)
  }

  return {
    retry: async (record, requestId) => await queue.run(record.id, async () => await runAgain(record, requestId)),
    check: async (rows, owner) => await checkRows(rows, createRowProblems(components, owner)),
    async submit(submission) {
      const { idempotency, owner } = submission
      if (idempotency === null) return await make(components, submission, null)
      const at = digestOf(`${owner}\0${idempotency.key}`)
      return await queue.run(at, async () => {
        return (await known(at, idempotency.digest)) ?? (await make(components, submission, at))
      })
    },
  }
}

/**
 * Checks every row, writes down which jobs there will be, and stores them, each held. Only then is the batch there: a
 * crash before that is undone at the next start.
 */
async function make(
  components: BatchComponents,
  submission: BatchSubmission,
  keyAt: string | null,
): Promise<SubmittedBatch> {
  const { batches, batchRunner, clock } = components
  const { owner, rows, concurrency, idempotency, retry } = submission
  const total = await checkRows(rows, createRowProblems(components, owner))
  const nowMs = clock.nowMs()
  const jobIds = Array.from({ length: total }, () => newJobId(nowMs))
  const id = newId('batch', nowMs)
  const preparing: BatchRecord = {
    id,
    owner,
    status: 'preparing',
    total,
    concurrency,
    createdAtMs: nowMs,
    endedAtMs: null,
    counts: null,
    keyAt,
    ...(retry !== undefined && { retryOf: retry.of }),
  }
  const key = idempotency === null ? null : { batchId: id, digest: idempotency.digest, expiresAtMs: nowMs + KEY_MS }
  await batches.add(preparing, jobIds, key, retry?.rows)
  try {
    await storeJobs(components, submission, id, jobIds)
  } catch (error) {
    await batchRunner.undo(preparing, jobIds)
    throw error
  }
  const record: BatchRecord = { ...preparing, status: 'submitted' }
  await batches.put(record)
  await batchRunner.add(record, jobIds)
  return { record, jobIds, repeated: false }
}

async function storeJobs(
  components: BatchComponents,
  { owner, rows, requestId }: BatchSubmission,
  batch: string,
  jobIds: string[],
): Promise<void> {
  const underway: Promise<unknown>[] = []
  const imageOf = createBatchImages(components)
  let length = 0
  for await (const { row, spec, length: more, origin: from = { row: String(row) } } of rows()) {
    const id = jobIds[row - 1]
    if (spec === null || id === undefined) throw new Error(`Row ${row} of ${batch} is not what was checked`)
    const origin = { batch, ...from, requestId }
    const job = { id, owner, origin, spec: resolveProvider(spec, owner, components), hold: true }
    const stored = imageOf(spec).then((image) => components.requester.submit(image === null ? job : { ...job, image }))
    stored.catch(() => undefined) // awaited below, and it may fail before
    underway.push(stored)
    length += more
    if (underway.length >= AT_A_TIME || length >= LENGTH_AT_A_TIME) {
      await allOf(underway.splice(0))
      length = 0
    }
    await breathe()
  }
  await allOf(underway)
}

/** What the image of each job is, found out once for all jobs of a batch: they run the same bytes, whatever a tag means later. */
function createBatchImages({ requester, clock }: BatchComponents) {
  const endMs = clock.monotonicMs() + RESOLVING_MS
  const known = new Map<string, ReturnType<typeof requester.resolveImage>>()
  return async ({ image, imageFrom, registryCredentials }: JobSpec) => {
    if (imageFrom !== undefined) return null
    const key = JSON.stringify([image, registryCredentials])
    const before = known.get(key)
    if (before !== undefined) return await before
    if (clock.monotonicMs() >= endMs) return null
    const resolved = requester.resolveImage({ image, registryCredentials })
    known.set(key, resolved)
    return await resolved
  }
}

/** Waits for all, also where one fails: what is to be undone must not be written after that. */
async function allOf(tasks: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
