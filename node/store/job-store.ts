import type { JobSecrets } from '../../protocol/job-spec.ts'
import { isTerminal, JOB_STATUSES } from '../../protocol/lifecycle.ts'
import type { Clock } from '../clock.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { momentNow } from '../moment.ts'
import type { Database } from './database.ts'
import { openDump } from './dump.ts'
import { JobNotFoundError, type JobStore } from './index.ts'
import { createJobIndexes, type JobIndexes } from './indexes/job-indexes.ts'
import { ANY, NO_FACET } from './indexes/places.ts'
import { listJobIds, listJobs } from './indexes/query.ts'
import { readJobs } from './indexes/read-jobs.ts'
import { rebuildIndexes } from './indexes/rebuild.ts'
import { EVERY_ID, idOf, merged, openSource } from './indexes/sources.ts'
import { idAt } from './indexes/times.ts'
import { readCosts, readVolumeCosts } from './indexes/totals.ts'
import { jobNow } from './job-now.ts'
import { readBills } from './jobs/bills.ts'
import { openCommits } from './jobs/commits.ts'
import { forgetJobs } from './jobs/forget-jobs.ts'
import { createDraft } from './jobs/job-draft.ts'
import { findLogStart, readLogs, withoutOldestLogs } from './jobs/job-logs.ts'
import { createNewJobs } from './jobs/new-jobs.ts'
import { forgetOld } from './jobs/retention.ts'
import { createKeyedQueue } from './keyed-queue.ts'
import { createRetryingDatabase } from './retrying-database.ts'
import type { SecretBox } from './secret-box.ts'
import { createTables, DERIVED_KEYS, key, numberKey, type Tables, within } from './tables.ts'
import type { VolumeReceiptRecord } from './volume-records.ts'
import { EVERY_KEY } from './whole-keys.ts'
import { createWriter, del, type Operation, put, type Writer } from './writer.ts'

const NO_SECRETS: JobSecrets = { secrets: {}, registryCredentials: undefined }

/** Jobs that go in one pass after which the room is given back at once. */
const MANY_JOBS = 1_000

/** What {@link openJobStore} works with. */
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
  const retrying = createRetryingDatabase({ database, clock, logger })
  const writer = createWriter(retrying.database as Database)
  const queue = createKeyedQueue()
  await rebuildIndexes({ tables, database, logger })
  const opened = momentNow(clock)
  const restored = await tables.meta.get('restored')
  const indexes = createJobIndexes(tables)
  const { commit, ...wakes } = await openCommits({ tables, writer, indexes })
  const newJobs = createNewJobs({
    ...{ tables, clock, queue, secretBox, commit },
    refusal: async () => retrying.problem() ?? (await refusal()),
  })

  const change: JobStore['change'] = async (id, apply) =>
    await queue.run(id, async () => {
      const stored = await tables.jobs.get(id)
      if (stored === undefined) throw new JobNotFoundError(id)
      const { draft, gathered } = createDraft(stored, tables, jobNow(clock, stored))
      const result = apply(draft)
      const changes = gathered()
      const bounded = changes.trimLogs ? await withoutOldestLogs(tables, changes) : changes
      await commit(stored, bounded)
      return { job: bounded.job, result }
    })

  return {
    ...newJobs,
    ...wakes,
    ...readingOf(tables, wakes.feedEnd),
    ...providersOf(tables, writer),
    ...volumesOf({ tables, writer, indexes }),
    change,
    async secrets(id) {
      const sealed = await tables.secrets.get(id)
      return sealed === undefined ? NO_SECRETS : (JSON.parse(secretBox.open(id, sealed)) as JobSecrets)
    },
    forgetOld: async (retention, signal) =>
      await forgetOld({ tables, database, change, clock, opened }, retention, signal),
    async forgetJobs(init, signal) {
      const gone = await forgetJobs({ tables, indexes, writer, queue, change, clock }, init, signal)
      // Of a few LevelDB gives back the room by and by.
      if (gone >= MANY_JOBS && !signal.aborted) await database.compactRange(...EVERY_KEY)
      return gone
    },
    sizeBytes: async () => await database.approximateSize(...EVERY_KEY),
    dump: () => openDump(database, DERIVED_KEYS),
    restoredFromMs: restored === undefined ? null : Number(restored),
    problem: retrying.problem,
    async close() {
      if (retrying.problem() !== null) retrying.giveUp()
      await writer.idle()
      await database.close()
    },
  }
}

type Reading = 'get' | 'look' | 'list' | 'listIds' | 'costAt' | 'active' | 'bill' | 'eachBill'
type ReadingOfOne = 'events' | 'bids' | 'eachBid' | 'logs' | 'logStart' | 'metrics' | 'eachMetric' | 'feed'

/** What only reads, as it was written last. */
function readingOf(tables: Tables, feedEnd: () => number): Pick<JobStore, Reading | ReadingOfOne> {
  const between = (id: string, fromMs: number, toMs: number) => ({
    gte: key(id, Math.max(0, fromMs)),
    lte: key(id, toMs),
  })
  return {
    list: async (query) => await listJobs(tables, query),
    listIds: async (query) => await listJobIds(tables, query),
    get: async (id) => await tables.jobs.get(id),
    look: async (ids, look) => await readJobs(tables, ids, look),
    bill: async (id) => await tables.bills.get(id),
    eachBill(fromMs, toMs, { owner, after, upTo } = {}) {
      const from = after === undefined ? { gte: idAt(fromMs) } : { gt: after }
      const to = upTo === undefined ? { lt: idAt(toMs + 1) } : { lte: upTo }
      return readBills(tables, { ...from, ...to }, owner)
    },
    costAt: async (provider, owner) => await readCosts(tables, provider, owner),
    async *active() {
      const range = { owner: ANY, facet: NO_FACET, sort: 'createdAt', order: 'asc', ids: EVERY_ID } as const
      const statuses = JOB_STATUSES.filter((status) => !isTerminal(status))
      const sources = statuses.flatMap((status) => openSource(tables, status, range, 100) ?? [])
      for await (const { position } of merged(sources, 'asc')) {
        const job = await tables.jobs.get(idOf(position))
        if (job !== undefined) yield job
      }
    },
    events: async (id, after = 0, limit = 1000) =>
      await tables.events.values({ ...within(id), gt: key(id, after), limit }).all(),
    bids: async (id) => await tables.bids.values(within(id)).all(),
    eachBid: (id) => tables.bids.values(within(id)),
    logs: async (id, from, limit) => await readLogs(tables, id, from, limit),
    logStart: async (id, most) => await findLogStart(tables, id, most),
    metrics: async (id, fromMs, toMs, limit = -1) =>
      await tables.metrics.values({ ...between(id, fromMs, toMs), limit }).all(),
    eachMetric: (id, fromMs, toMs) => tables.metrics.values(between(id, fromMs, toMs)),
    async feed(after, limit) {
      // Each of many readers looks, most of them with nothing to read.
      if (after >= feedEnd()) return []
      const entries = await tables.feed.iterator({ gt: numberKey(after), limit }).all()
      return entries.map(([position, entry]) => ({ position: Number(position), ...entry }))
    },
  }
}

type OfProviders =
  | 'trackRecords'
  | 'keepTrackRecord'
  | 'speeds'
  | 'keepSpeed'
  | 'starts'
  | 'keepStart'
  | 'firstSeen'
  | 'keepFirstSeen'

/** What is kept of providers, beside the jobs. */
function providersOf({ trackRecords, speeds, starts, firstSeen }: Tables, writer: Writer): Pick<JobStore, OfProviders> {
  return {
    trackRecords: async () => new Map(await trackRecords.iterator().all()),
    async keepTrackRecord(provider, record) {
      await writer.write([record === null ? del(trackRecords, provider) : put(trackRecords, provider, record)])
    },
    speeds: async () => new Map(await speeds.iterator().all()),
    async keepSpeed(at, record) {
      await writer.write([record === null ? del(speeds, at) : put(speeds, at, record)])
    },
    starts: async () => new Map(await starts.iterator().all()),
    async keepStart(at, record) {
      await writer.write([record === null ? del(starts, at) : put(starts, at, record)])
    },
    firstSeen: async () => new Map(await firstSeen.iterator().all()),
    async keepFirstSeen(provider, atMs) {
      await writer.write([atMs === null ? del(firstSeen, provider) : put(firstSeen, provider, atMs)])
    },
  }
}

/** Volumes that outlive their jobs, and what is signed of them. */
function volumesOf({
  tables,
  writer,
  indexes,
}: {
  tables: Tables
  writer: Writer
  indexes: JobIndexes
}): Pick<JobStore, 'volumes' | 'keepVolume' | 'volumeReceipts' | 'volumeCosts'> {
  const { volumes, volumeReceipts } = tables
  const queue = createKeyedQueue()

  async function keepSigned(record: Operation, receipt: VolumeReceiptRecord): Promise<void> {
    const at = key(receipt.volumeId, receipt.number)
    // One that was answered twice counts once.
    if ((await volumeReceipts.get(at)) !== undefined) return await writer.write([record])
    const changes = await indexes.receipt(receipt)
    try {
      await writer.write([record, put(volumeReceipts, at, receipt), ...changes.entries, ...changes.count()])
    } finally {
      changes.done()
    }
  }

  return {
    volumes: async () => new Map(await volumes.iterator().all()),
    keepVolume: async (id, record, receipt) =>
      await queue.run(id, async () => {
        const kept = record === null ? del(volumes, id) : put(volumes, id, record)
        await (receipt === undefined ? writer.write([kept]) : keepSigned(kept, receipt))
      }),
    volumeReceipts: (id) => volumeReceipts.values(id === undefined ? {} : within(id)),
    volumeCosts: (range) => readVolumeCosts(tables, range),
  }
}
