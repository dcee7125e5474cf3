import { Cron } from 'croner'

/** Five fields, six with seconds in front, or a name such as `@daily`. */
const FIELDS = /^(?:@[a-z]+|\S+(?:\s+\S+){4,5})$/

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

/** @param timezone IANA name, e.g. `Europe/Berlin` @throws {CronError} */
export function readCron(schedule: string, timezone: string): Ticks {
  assertTimezone(timezone)
  if (!FIELDS.test(schedule.trim())) {
    throw new CronError(
      'schedule',
      'must have five fields (minute hour day month weekday), six with seconds in front, or be like @daily',
    )
  }
  const cron = parse(schedule.trim(), timezone)
  const preview = (afterMs: number, count: number) =>
    cron.nextRuns(count, new Date(afterMs)).map((date) => date.getTime())
  return { next: (afterMs) => preview(afterMs, 1)[0] ?? null, preview }
}

function parse(schedule: string, timezone: string): Cron {
  try {
    return new Cron(schedule, { timezone, paused: true })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^CronPattern: /, '') : String(cause)
    throw new CronError('schedule', `is no cron expression: ${why}`, { cause })
  }
}

function assertTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new CronError('timezone', 'must be the name of a time zone such as UTC or Europe/Berlin', { cause })
  }
}
