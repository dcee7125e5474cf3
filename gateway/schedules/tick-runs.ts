import type { Logger } from '../../node/logger.ts'
import { type RunRecord, type ScheduleRecord, type ScheduleStore, withRun } from './schedule-store.ts'
import { activeJobs, type RunComponents, submitRun, tickName } from './submit-run.ts'

/** How many jobs schedules may make in a minute. */
export interface Pace {
  perMinute: number
  /** Counts one of an owner's; false where there were as many as may be. */
  take(owner: string): Promise<boolean>
}

/** What becomes of a tick that is due; see {@link createTickRuns}. */
export interface TickRuns {
  /** Submits the job of a tick, or notes why there is none. Repeated after a crash, it finds the job that was made. */
  runTick(id: string, tickMs: number): Promise<void>
  /** Adds to the history of a schedule, where that is still there. */
  note(id: string, run: RunRecord): Promise<void>
}

/** What {@link createTickRuns} works with. */
export interface TickRunComponents extends RunComponents {
  pace: Pace
  schedules: ScheduleStore
  logger: Logger
}

/** Each tick makes one job at most, over crashes and restarts. */
export function createTickRuns(components: TickRunComponents): TickRuns {
  const { schedules, logger } = components

  async function attempt(
    schedule: ScheduleRecord,
    tickMs: number,
    search: { fromMs: number } | null,
  ): Promise<RunRecord> {
    const active = await activeJobs(components.store, schedule)
    if (active.length > 0 && schedule.concurrencyPolicy === 'forbid' && search === null) {
      return { tickMs, outcome: 'skipped', jobId: null, reason: `${active[0]} has not ended` }
    }
    if (search === null && !(await components.pace.take(schedule.owner))) {
      const reason = `the owner's schedules make ${components.pace.perMinute} jobs a minute at most, and had: run this one less often`
      return { tickMs, outcome: 'skipped', jobId: null, reason }
    }
    try {
      const jobId = await submitRun(components, schedule, tickName(tickMs, schedule.timesSetBack), search)
      if (schedule.concurrencyPolicy === 'replace') await cancelAll(active.filter((id) => id !== jobId))
      return { tickMs, outcome: 'submitted', jobId, reason: '' }
    } catch (error) {
      const reason = error instanceof Error ? error.message.slice(0, 500) : String(error)
      logger.warn({ scheduleId: schedule.id, err: error }, 'a scheduled job could not be submitted')
      return { tickMs, outcome: 'failed', jobId: null, reason }
    }
  }

  async function cancelAll(ids: string[]): Promise<void> {
    for (const id of ids) {
      await components.requester.cancel(id).catch((error: unknown) => {
        logger.debug({ jobId: id, err: error }, 'the job to replace had ended')
      })
    }
  }

  async function note(id: string, run: RunRecord): Promise<void> {
    const record = await schedules.get(id)
    if (record === undefined) return
    const still = await activeJobs(components.store, record)
    await schedules.update(id, (now) => withRun({ ...now, activeJobs: still }, run))
  }

  return {
    note,
    async runTick(id, tickMs) {
      const before = await schedules.get(id)
      if (before === undefined || !before.enabled) return
      // Written before the job is submitted: after a crash in between, the job is looked for.
      const search = before.submittingMs === tickMs ? { fromMs: tickMs } : null
      await schedules.update(id, () => ({ submittingMs: tickMs }))
      const run = await attempt(before, tickMs, search)
      await note(id, run)
    },
  }
}
