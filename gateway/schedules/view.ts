import type { z } from 'zod'
import { isoTime } from '../../node/views/time.ts'
import { readCron } from '../contract/cron.ts'
import type { scheduleSchema } from '../contract/schedules.ts'
import type { ScheduleRecord } from './schedule-store.ts'

/** Runs ahead that are shown. */
const PREVIEW = 5

/** A schedule as the API shows it. */
export type ScheduleView = z.input<typeof scheduleSchema>

/** With its next runs from `nowMs` on; its secrets are not shown. */
export function scheduleView(schedule: ScheduleRecord, nowMs: number): ScheduleView {
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
    lastRuns: lastRuns.map(({ tickMs, ...run }) => ({ ...run, tick: isoTime(tickMs) })),
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
  }
}
