import type { z } from 'zod'
import type { JobRecord } from '../../node/store/index.ts'
import { failureView } from '../../node/views/job-view.ts'
import { isoTime, isoTimeOrNull } from '../../node/views/time.ts'
import { readCron } from '../contract/cron.ts'
import type { scheduleSchema } from '../contract/schedules.ts'
import type { ScheduleRecord } from './schedule-store.ts'

/** Runs ahead that are shown. */
const PREVIEW = 5

/** A schedule as the API shows it. */
export type ScheduleView = z.input<typeof scheduleSchema>

/** How the job of a run is. */
export type RunJob = ScheduleView['lastRuns'][number]['job']

/** How a job is, for the run that made it. */
export function runJobView({ state, spec, durationSeconds }: JobRecord): RunJob {
  return {
    status: state.status,
    startedAt: isoTimeOrNull('startedAtMs' in state ? state.startedAtMs : null),
    endedAt: isoTimeOrNull('endedAtMs' in state ? state.endedAtMs : null),
    error: state.status === 'failed' ? failureView(state.failure, { ...spec, duration: durationSeconds }) : null,
  }
}

/** With its next runs from `nowMs` on; its secrets are not shown. @param jobs those of its runs that are known, by id */
export function scheduleView(schedule: ScheduleRecord, nowMs: number, jobs: ReadonlyMap<string, RunJob>): ScheduleView {
  const { stored, createdAtMs, updatedAtMs, lastRuns, enabled, disabled, ...rest } = schedule
  const ticks = readCron(schedule.schedule, schedule.timezone)
  return {
    id: rest.id,
    name: rest.name,
    schedule: rest.schedule,
    timezone: rest.timezone,
    config: stored?.config ?? null,
    templateId: rest.templateId,
    concurrencyPolicy: rest.concurrencyPolicy,
    enabled,
    disabledReason: disabled?.reason ?? null,
    catchUp: rest.catchUp,
    nextRuns: enabled ? ticks.preview(nowMs, PREVIEW).map(isoTime) : [],
    lastRuns: lastRuns.map(({ tickMs, ...run }) => ({
      ...{ ...run, tick: isoTime(tickMs) },
      job: jobs.get(run.jobId ?? '') ?? null,
    })),
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
  }
}
