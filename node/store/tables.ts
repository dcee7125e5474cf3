import type { Moment } from '../moment.ts'
import type { Database } from './database.ts'
import type {
  BidRecord,
  BillRecord,
  JobEvent,
  JobRecord,
  MetricSample,
  SpeedRecord,
  StartRecord,
  TrackRecord,
} from './records.ts'
import type { StoredLine } from './stored-lines.ts'
import type { VolumeReceiptRecord, VolumeRecord } from './volume-records.ts'

/** The separator of key parts: below every character that ids, statuses and numbers have. */
export const SEPARATOR = '!'
/** Above every character that a key part may begin with. */
export const AFTER_ALL = '~'

/** Digits of a number in a key: enough for 2^53 - 1. */
const NUMBER_WIDTH = 16

/** A number as a key part that sorts by value. */
export function numberKey(value: number): string {
  return String(value).padStart(NUMBER_WIDTH, '0')
}

/** Joins key parts; none may hold the separator. */
export function key(...parts: (string | number)[]): string {
  return parts.map((part) => (typeof part === 'number' ? numberKey(part) : part)).join(SEPARATOR)
}

/** The range of the keys that begin with these parts. */
export function within(...parts: (string | number)[]): { gt: string; lt: string } {
  const prefix = key(...parts)
  return { gt: `${prefix}${SEPARATOR}`, lt: `${prefix}${SEPARATOR}${AFTER_ALL}` }
}

/** Lines as they are stored: one value per batch, keyed by the number of its first line. */
export interface LogChunk {
  attempt: number
  lines: StoredLine[]
}

/** An entry of the feed; its position is the key. */
export interface FeedRecord {
  jobId: string
  owner: string
  event: JobEvent
}

/** Which job an owner's key made. */
export interface IdempotencyRecord {
  jobId: string
  /** Of the body that came with the key. */
  digest: string
  expiresAtMs: number
  /** The same on a clock that never jumps; absent in records of older versions. */
  expires?: Moment
}

/** Keys, with the names of their tables, of what `indexes/rebuild.ts` makes anew from the records. */
export const DERIVED_KEYS = [
  ...['order', 'totals', 'spans', 'costs', 'volume-costs', 'index', 'counts'].map((name) => `!${name}!`),
  '!meta!schema',
]

/** Key, with the name of its table, of the moment that a restored store is of, in ms since the epoch as text. */
export const RESTORED_KEY = '!meta!restored'

/** The sublevels by name; see {@link createTables}. */
export type Tables = ReturnType<typeof createTables>

/** The sublevels of the job store. */
export function createTables(database: Database) {
  const json = <V>(name: string) => database.sublevel<string, V>(name, { valueEncoding: 'json' })
  return {
    /** id → record. */
    jobs: json<JobRecord>('jobs'),
    /** owner or *, facet or -, status and field, value, id → the batch it came from, or nothing; see `indexes/places.ts`. */
    order: database.sublevel<string, string>('order', { valueEncoding: 'utf8' }),
    /** facet or -, owner or *, status → how many jobs. */
    totals: json<number>('totals'),
    /** -, owner or *, status, span of time → how many jobs. */
    spans: json<number>('spans'),
    /** provider, owner → what the jobs that have or had last that provider cost so far, and its volumes, in nano-dollars. */
    costs: json<number>('costs'),
    /** owner or *, time, volume id, number, provider → what the receipt of a volume that was signed then is for, in nano-dollars. */
    volumeCosts: json<number>('volume-costs'),
    /** What versions before 2 had in place of those above. */
    index: database.sublevel<string, string>('index', { valueEncoding: 'utf8' }),
    counts: json<number>('counts'),
    /** name → what the store remembers of itself: `schema`, `restored`, and how far each retention is. */
    meta: database.sublevel<string, string>('meta', { valueEncoding: 'utf8' }),
    /** id, seq → event. */
    events: json<JobEvent>('events'),
    /** id, attempt, provider → bid. */
    bids: json<BidRecord>('bids'),
    /** id, number of the first line → lines. */
    logs: json<LogChunk>('logs'),
    /** id, timestamp → sample. */
    metrics: json<MetricSample>('metrics'),
    /** id → sealed secrets. */
    secrets: database.sublevel<string, string>('secrets', { valueEncoding: 'utf8' }),
    /** hash of owner and key → the job it made. */
    idempotency: json<IdempotencyRecord>('idempotency'),
    /** id → what stays of a job that went with its age. */
    bills: json<BillRecord>('bills'),
    /** position → event, of every job. */
    feed: json<FeedRecord>('feed'),
    /** provider → what was seen of it. */
    trackRecords: json<TrackRecord>('track-records'),
    speeds: json<SpeedRecord>('speeds'),
    starts: json<StartRecord>('starts'),
    /** id → volume that outlives its job. */
    volumes: json<VolumeRecord>('volumes'),
    /** volume id, number → what both sides signed of it. */
    volumeReceipts: json<VolumeReceiptRecord>('volume-receipts'),
    /** provider → wall clock of when it was first heard of, in ms. */
    firstSeen: json<number>('first-seen'),
  }
}
