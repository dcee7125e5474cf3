import { Cron } from 'croner'
import { CRON_FORM, cronProblem, NEVER_TICKS, NOT_OF_FORM } from './cron-words.ts'

/** When a schedule ticks. */
export interface Ticks {
  /** The first tick after a moment; null where there is none. */
  next(afterMs: number): number | null
  /** The next few ticks after a moment. */
  preview(afterMs: number, count: number): number[]
}

/** Why a schedule cannot be read; the message says what would be right. */
export class CronError extends Error {
  override readonly name = 'CronError'
  readonly code = 'INVALID_SCHEDULE'
  readonly field: 'schedule' | 'timezone'
  constructor(field: 'schedule' | 'timezone', message: string, options?: ErrorOptions) {
    super(message, options)
    this.field = field
  }
}

/**
 * As {@link readCron}, for a schedule that somebody asks for: one that never ticks is refused.
 * @throws {CronError}
 */
export function assertTicks(schedule: string, timezone: string, nowMs: number): void {
  if (readCron(schedule, timezone).next(nowMs) !== null) return
  throw new CronError('schedule', `never comes: ${NEVER_TICKS}, choose another day or month`)
}

/** @param timezone IANA name, e.g. `Europe/Berlin` @throws {CronError} */
export function readCron(schedule: string, timezone: string): Ticks {
  assertTimezone(timezone)
  if (!CRON_FORM.test(schedule.trim())) throw new CronError('schedule', NOT_OF_FORM)
  const cron = parse(schedule.trim(), timezone)
  const preview = (afterMs: number, count: number) =>
    cron.nextRuns(count, new Date(afterMs)).map((date) => date.getTime())
  return { next: (afterMs) => preview(afterMs, 1)[0] ?? null, preview }
}

function parse(schedule: string, timezone: string): Cron {
  try {
    return new Cron(schedule, { timezone, paused: true })
  } catch (cause) {
    throw new CronError('schedule', cronProblem(cause), { cause })
  }
}

function assertTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new CronError('timezone', 'must be the name of a time zone such as UTC or Europe/Berlin', { cause })
  }
}
