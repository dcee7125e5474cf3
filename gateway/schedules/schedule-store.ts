import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import type { StoredConfig } from '../jobs/job-config.ts'
import { createOwnedTable, type Owned, type OwnedTable, type Sublevel } from '../owned-table.ts'

/** Runs kept to be shown. */
const MAX_RUNS = 20
/** Jobs of a schedule that are remembered as perhaps running. */
const MAX_ACTIVE = 100

export const CONCURRENCY_POLICIES = ['allow', 'forbid', 'replace'] as const
export const RUN_OUTCOMES = ['submitted', 'skipped', 'missed', 'failed'] as const

export interface RunRecord {
  /** The moment it was due. */
  tickMs: number
  outcome: (typeof RUN_OUTCOMES)[number]
  jobId: string | null
  /** Why there is no job, or how many ticks were missed; empty otherwise. */
  reason: string
}

export interface ScheduleRecord extends Owned {
  name: string
  schedule: string
  timezone: string
  concurrencyPolicy: (typeof CONCURRENCY_POLICIES)[number]
  enabled: boolean
  /** Whether ticks that were missed while the gateway was down run once. */
  catchUp: boolean
  /** Exactly one of the two. */
  stored: StoredConfig | null
  templateId: string | null
  createdAtMs: number
  updatedAtMs: number
  /** Ticks up to this moment are dealt with. */
  handledMs: number
  /** The tick whose job is being submitted: after a crash it may be there already. */
  submittingMs: number | null
  /** Newest first. */
  lastRuns: RunRecord[]
  /** Jobs that had not ended when last looked at. */
  activeJobs: string[]
}

export interface ScheduleStore
  extends Pick<OwnedTable<ScheduleRecord>, 'get' | 'visible' | 'list' | 'all' | 'put' | 'del'> {
  /** Changes a record, one change at a time; undefined where there is none any more. */
  update(id: string, change: (record: ScheduleRecord) => Partial<ScheduleRecord>): Promise<ScheduleRecord | undefined>
}

export function createScheduleStore(sublevel: Sublevel<ScheduleRecord>): ScheduleStore {
  const table = createOwnedTable(sublevel)
  const queue = createKeyedQueue()
  return {
    ...table,
    update: async (id, change) =>
      await queue.run(id, async () => {
        const record = await table.get(id)
        if (record === undefined) return undefined
        const changed = { ...record, ...change(record) }
        await table.put(changed)
        return changed
      }),
  }
}

/** The fields of a record after a run. */
export function withRun(record: ScheduleRecord, run: RunRecord): Pick<ScheduleRecord, 'lastRuns' | 'activeJobs'> {
  const activeJobs = run.jobId === null ? record.activeJobs : [...record.activeJobs, run.jobId].slice(-MAX_ACTIVE)
  return { lastRuns: [run, ...record.lastRuns].slice(0, MAX_RUNS), activeJobs }
}
