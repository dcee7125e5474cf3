import { newJobId } from '../../../protocol/ids.ts'
import { hasSecrets, type JobSecrets } from '../../../protocol/job-spec.ts'
import type { Clock } from '../../clock.ts'
import { momentNow } from '../../moment.ts'
import { StoreUnavailableError } from '../errors.ts'
import type { JobRecord, JobStore, NewJob } from '../index.ts'
import type { KeyedQueue } from '../keyed-queue.ts'
import type { SecretBox } from '../secret-box.ts'
import type { Tables } from '../tables.ts'
import { type Operation, put } from '../writer.ts'
import type { Commits } from './commits.ts'
import { type Idempotency, idempotencyName, jobOfKey, rememberKey } from './idempotency.ts'
import { createDraft } from './job-draft.ts'

/** What {@link createNewJobs} works with. */
export interface NewJobsComponents {
  tables: Tables
  clock: Clock
  queue: KeyedQueue
  secretBox: SecretBox
  commit: Commits['commit']
  /** Why no new jobs are taken; null while they are. */
  refusal: () => Promise<string | null>
}

/** The part of a store that takes new jobs, each key of a requester's once. */
export function createNewJobs(components: NewJobsComponents): Pick<JobStore, 'create' | 'firstWith'> {
  const { tables, clock, queue, secretBox, commit } = components

  async function insert(job: NewJob, extra: Operation[]): Promise<JobRecord> {
    const reason = await components.refusal()
    if (reason !== null) throw new StoreUnavailableError(`No new jobs are taken at the moment: ${reason}`)
    const nowMs = clock.nowMs()
    const record = newRecord(job, clock, nowMs)
    const { draft, gathered } = createDraft(record, tables, nowMs)
    draft.event('created')
    draft.durable()
    const changes = gathered()
    await commit(undefined, changes, [...extra, ...sealed(record.id, job.secrets)])
    return changes.job
  }

  function sealed(id: string, secrets: JobSecrets): Operation[] {
    return hasSecrets(secrets) ? [put(tables.secrets, id, secretBox.seal(id, JSON.stringify(secrets)))] : []
  }

  async function firstWith(owner: string, idempotency: Idempotency): Promise<JobRecord | undefined> {
    const id = await jobOfKey(components, idempotencyName(owner, idempotency), idempotency)
    return id === undefined ? undefined : await tables.jobs.get(id)
  }

  return {
    firstWith,
    async create(job) {
      const { idempotency } = job
      if (idempotency === undefined) return { job: await insert(job, []), repeated: false }
      const name = idempotencyName(job.owner, idempotency)
      return await queue.run(`idempotency ${name}`, async () => {
        const first = await firstWith(job.owner, idempotency)
        if (first !== undefined) return { job: first, repeated: true }
        const id = job.id ?? newJobId(clock.nowMs())
        return { job: await insert({ ...job, id }, [rememberKey(components, name, idempotency, id)]), repeated: false }
      })
    },
  }
}

function newRecord(job: NewJob, clock: Clock, nowMs: number): JobRecord {
  return {
    id: job.id ?? newJobId(nowMs),
    owner: job.owner,
    createdAtMs: nowMs,
    created: { ...momentNow(clock), wallMs: nowMs },
    spec: job.spec,
    state: { status: 'pending', held: job.held ?? false, award: null, waitOutMs: 0, excluded: [] },
    attempt: 1,
    fence: 0,
    durationSeconds: job.spec.duration,
    cancelRequestedAtMs: null,
    extension: null,
    pastLeases: [],
    ...(job.image === undefined ? {} : { image: job.image }),
    logs: { lines: 0, bytes: 0, first: 1, offset: 0 },
    lastEvent: 0,
    origin: job.origin ?? {},
  }
}
