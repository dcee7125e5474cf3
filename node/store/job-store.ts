import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { newJobId } from '../../protocol/ids.ts'
import { hasSecrets, type JobSecrets } from '../../protocol/job-spec.ts'
import { isTerminal, JOB_STATUSES } from '../../protocol/lifecycle.ts'
import type { Clock } from '../clock.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { Database } from './database.ts'
import { StoreUnavailableError } from './errors.ts'
import {
  IdempotencyConflictError,
  type JobDraft,
  JobNotFoundError,
  type JobRecord,
  type JobStore,
  type LogRecord,
  type NewJob,
} from './index.ts'
import { createJobIndexes } from './indexes/job-indexes.ts'
import { ANY, NO_FACET } from './indexes/places.ts'
import { listJobs } from './indexes/query.ts'
import { rebuildIndexes } from './indexes/rebuild.ts'
import { EVERY_ID, idOf, merged, openSource } from './indexes/sources.ts'
import { createDraft, type Gathered } from './job-draft.ts'
import { createKeyedQueue } from './keyed-queue.ts'
import { forgetOld } from './retention.ts'
import type { SecretBox } from './secret-box.ts'
import { createStubbornDatabase } from './stubborn.ts'
import { createTables, key, numberKey, within } from './tables.ts'
import { createWriter, del, type Operation, put } from './writer.ts'

/** How long an Idempotency-Key is remembered, in ms: 24 hours. */
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000

const NO_SECRETS: JobSecrets = { secrets: {}, registryCredentials: undefined }

export interface JobStoreComponents {
  database: Database
  secretBox: SecretBox
  clock: Clock
  /** @default says nothing */
  logger?: Logger
  /** Why no new jobs are taken, for people; null while they are. @default always */
  refusal?: () => Promise<string | null>
}

/**
 * Opens the jobs of a database that nobody else writes to. Closing it closes the database.
 *
 * A change that cannot be written is tried until it can: what waits for it, such as a provider's report that is
 * acknowledged once it is stored, waits as well. Only new jobs are refused meanwhile.
 */
export async function openJobStore(components: JobStoreComponents): Promise<JobStore> {
  const { database, secretBox, clock, logger = silentLogger, refusal = async () => null } = components
  const tables = createTables(database)
  const stubborn = createStubbornDatabase({ database, clock, logger })
  const writer = createWriter(stubborn.database as Database)
  const indexes = createJobIndexes(tables)
  const queue = createKeyedQueue()
  const wakes = new EventEmitter().setMaxListeners(0)
  await rebuildIndexes({ tables, database, logger })
  let feedEnd = await lastFeedPosition()

  async function lastFeedPosition(): Promise<number> {
    for await (const position of tables.feed.keys({ reverse: true, limit: 1 })) return Number(position)
    return 0
  }

  /** From the counting on it happens in one turn, so that positions follow the order of writing. */
  async function commit(before: JobRecord | undefined, gathered: Gathered, extra: Operation[] = []): Promise<void> {
    const { job, events } = gathered
    if (gathered.operations.length === 0 && extra.length === 0) return
    const change = await indexes.change(before, job)
    try {
      const operations = [...gathered.operations, ...extra, ...change.entries, ...change.count()]
      for (const event of events) {
        feedEnd += 1
        operations.push(put(tables.feed, numberKey(feedEnd), { jobId: job.id, owner: job.owner, event }))
      }
      await writer.write(operations, gathered.durable)
    } finally {
      change.done()
    }
    wakes.emit(job.id)
    if (events.length > 0) wakes.emit('feed')
  }

  async function trimmed({ job, operations, ...rest }: Gathered): Promise<Gathered> {
    const [oldest] = await tables.logs.iterator({ ...within(job.id), limit: 1 }).all()
    if (oldest === undefined) return { job, operations, ...rest }
    const [at, chunk] = oldest
    const bytes = chunk.lines.reduce((sum, { line }) => sum + line.length + 1, 0)
    const first = Number(at.slice(job.id.length + 1)) + chunk.lines.length
    const smaller = { ...job, logs: { ...job.logs, first, bytes: job.logs.bytes - bytes } }
    const writes = [...operations, del(tables.logs, at), put(tables.jobs, job.id, smaller)]
    return { ...rest, job: smaller, operations: writes }
  }

  async function change<T>(id: string, apply: (draft: JobDraft) => T): Promise<{ job: JobRecord; result: T }> {
    return await queue.run(id, async () => {
      const stored = await tables.jobs.get(id)
      if (stored === undefined) throw new JobNotFoundError(id)
      const { draft, gathered } = createDraft(stored, tables, clock.nowMs())
      const result = apply(draft)
      const changes = gathered()
      const bounded = changes.trimLogs ? await trimmed(changes) : changes
      await commit(stored, bounded)
      return { job: bounded.job, result }
    })
  }

  async function create(job: NewJob): Promise<{ job: JobRecord; repeated: boolean }> {
    const { idempotency } = job
    if (idempotency === undefined) return { job: await insert(job, []), repeated: false }
    const at = idempotencyKey(job.owner, idempotency.key)
    return await queue.run(`idempotency ${at}`, async () => {
      const first = await firstWith(job.owner, idempotency)
      if (first !== undefined) return { job: first, repeated: true }
      const id = job.id ?? newJobId(clock.nowMs())
      const value = { jobId: id, digest: idempotency.digest, expiresAtMs: clock.nowMs() + IDEMPOTENCY_MS }
      return { job: await insert({ ...job, id }, [put(tables.idempotency, at, value)]), repeated: false }
    })
  }

  async function firstWith(owner: string, { key, digest }: { key: string; digest: string }) {
    const known = await tables.idempotency.get(idempotencyKey(owner, key))
    if (known === undefined || known.expiresAtMs <= clock.nowMs()) return undefined
    if (known.digest !== digest) throw new IdempotencyConflictError()
    return await tables.jobs.get(known.jobId)
  }

  async function insert(job: NewJob, extra: Operation[]): Promise<JobRecord> {
    const reason = stubborn.problem() ?? (await refusal())
    if (reason !== null) throw new StoreUnavailableError(`No new jobs are taken at the moment: ${reason}`)
    const nowMs = clock.nowMs()
    const record: JobRecord = {
      id: job.id ?? newJobId(nowMs),
      owner: job.owner,
      createdAtMs: nowMs,
      spec: job.spec,
      state: { status: 'pending', held: job.held ?? false, award: null, waitOutMs: 0, excluded: [] },
      attempt: 1,
      fence: 0,
      durationSeconds: job.spec.duration,
      cancelRequestedAtMs: null,
      extension: null,
      pastLeases: [],
      logs: { lines: 0, bytes: 0, first: 1, offset: 0 },
      lastEvent: 0,
      origin: job.origin ?? {},
    }
    const { draft, gathered } = createDraft(record, tables, nowMs)
    draft.event('created')
    draft.durable()
    if (hasSecrets(job.secrets)) {
      const sealed = secretBox.seal(record.id, JSON.stringify(job.secrets))
      extra.push(put(tables.secrets, record.id, sealed))
    }
    const changes = gathered()
    await commit(undefined, changes, extra)
    return changes.job
  }

  return {
    create,
    firstWith,
    change,
    list: async (query) => await listJobs(tables, query),
    get: async (id) => await tables.jobs.get(id),
    async *active() {
      const range = { owner: ANY, facet: NO_FACET, sort: 'createdAt', order: 'asc', ids: EVERY_ID } as const
      const statuses = JOB_STATUSES.filter((status) => !isTerminal(status))
      const sources = statuses.flatMap((status) => openSource(tables, status, range, 100) ?? [])
      for await (const position of merged(sources, 'asc')) {
        const job = await tables.jobs.get(idOf(position))
        if (job !== undefined) yield job
      }
    },
    events: async (id, after = 0, limit = 1000) =>
      await tables.events.values({ ...within(id), gt: key(id, after), limit }).all(),
    bids: async (id) => await tables.bids.values(within(id)).all(),
    async logs(id, from, limit) {
      const lines: LogRecord[] = []
      const [before] = await tables.logs.keys({ ...within(id), lt: key(id, from + 1), reverse: true, limit: 1 }).all()
      const start = before === undefined ? within(id) : { gte: before, lt: within(id).lt }
      for await (const [at, chunk] of tables.logs.iterator(start)) {
        const first = Number(at.slice(id.length + 1))
        chunk.lines.forEach((line, i) => {
          if (first + i >= from) lines.push({ ...line, number: first + i, attempt: chunk.attempt })
        })
        if (lines.length >= limit) break
      }
      return lines
    },
    metrics: async (id, fromMs, toMs) =>
      await tables.metrics.values({ gte: key(id, Math.max(0, fromMs)), lte: key(id, toMs) }).all(),
    async secrets(id) {
      const sealed = await tables.secrets.get(id)
      return sealed === undefined ? NO_SECRETS : (JSON.parse(secretBox.open(id, sealed)) as JobSecrets)
    },
    onChange: (id, callback) => listen(wakes, id, callback),
    async feed(after, limit) {
      const entries = await tables.feed.iterator({ gt: numberKey(after), limit }).all()
      return entries.map(([position, entry]) => ({ position: Number(position), ...entry }))
    },
    feedEnd: () => feedEnd,
    onFeed: (callback) => listen(wakes, 'feed', callback),
    trackRecords: async () => new Map(await tables.trackRecords.iterator().all()),
    async keepTrackRecord(provider, record) {
      const { trackRecords: table } = tables
      await writer.write([record === null ? del(table, provider) : put(table, provider, record)])
    },
    forgetOld: async (retention, signal) => await forgetOld({ tables, database, change, clock }, retention, signal),
    sizeBytes: async () => await database.approximateSize('', '\u{10ffff}'),
    problem: stubborn.problem,
    async close() {
      if (stubborn.problem() !== null) stubborn.giveUp()
      await writer.idle()
      await database.close()
    },
  }
}

function idempotencyKey(owner: string, key: string): string {
  return createHash('sha256').update(`${owner}\0${key}`).digest('hex')
}

function listen(wakes: EventEmitter, name: string, callback: () => void): () => void {
  wakes.on(name, callback)
  return () => wakes.off(name, callback)
}
