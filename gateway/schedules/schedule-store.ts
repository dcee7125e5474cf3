import type { KeysBehind, LeftBehind } from '../auth/index.ts'
import type { CONCURRENCY_POLICIES, RUN_OUTCOMES } from '../contract/schedule-words.ts'
import { MAX_OWNED } from '../http/limits.ts'
import type { StoredConfig } from '../jobs/index.ts'
import { type Owned, type OwnedTable, openOwnedTable } from '../records/owned-table.ts'
import { type Database, openTable } from '../records/table.ts'

/** Runs kept to be shown. */
const MAX_RUNS = 20
/** Jobs of a schedule that are remembered as perhaps running. */
const MAX_ACTIVE = 100

/** What became of one tick, or of one run that was asked for. */
export interface RunRecord {
  /** The moment it was due. */
  tickMs: number
  outcome: (typeof RUN_OUTCOMES)[number]
  /** Null where there is no job. */
  jobId: string | null
  /** Why there is no job, or how many ticks were missed; empty otherwise. */
  reason: string
}

/** A schedule as it is kept; its config is sealed. */
export interface ScheduleRecord extends Owned, LeftBehind {
  name: string
  /** A cron expression, or a word such as `@hourly`. */
  schedule: string
  /** IANA name. */
  timezone: string
  concurrencyPolicy: (typeof CONCURRENCY_POLICIES)[number]
  /** Whether ticks that were missed while the gateway was down run once. */
  catchUp: boolean
  /** Exactly one of the two. */
  stored: StoredConfig | null
  templateId: string | null
  createdAtMs: number
  updatedAtMs: number
  /** Ticks up to this moment are dealt with. */
  handledMs: number
  /**
   * How often the clock was seen to have been set back behind `handledMs`: moments that came again are ticks of their own.
   * Absent: never.
   */
  timesSetBack?: number
  /** The tick whose job is being submitted: after a crash it may be there already. */
  submittingMs: number | null
  /** Newest first. */
  lastRuns: RunRecord[]
  /** Jobs that had not ended when last looked at. */
  activeJobs: string[]
}

/** The schedules of all owners; each may have `MAX_OWNED.schedules`. */
export type ScheduleStore = Pick<
  OwnedTable<ScheduleRecord>,
  'get' | 'visible' | 'page' | 'all' | 'add' | 'update' | 'del'
>

/** Reads the ids of all of them; what keys have left behind is read as disabled. */
export async function openScheduleStore({
  db,
  keysBehind,
}: {
  db: Database
  keysBehind: KeysBehind
}): Promise<ScheduleStore> {
  const limit = { most: MAX_OWNED.schedules, what: 'schedules' }
  /** id → schedule. */
  const table = await openOwnedTable(
    { db, table: openTable<ScheduleRecord>(db, 'schedules') },
    { limit, asRead: keysBehind.asRead },
  )
  keysBehind.add({ path: '/plugin-core/jobs/schedules', table })
  return table
}

/** The fields of a record after a run. */
export function withRun(record: ScheduleRecord, run: RunRecord): Pick<ScheduleRecord, 'lastRuns' | 'activeJobs'> {
  const activeJobs = run.jobId === null ? record.activeJobs : [...record.activeJobs, run.jobId].slice(-MAX_ACTIVE)
  return { lastRuns: [run, ...record.lastRuns].slice(0, MAX_RUNS), activeJobs }
}
