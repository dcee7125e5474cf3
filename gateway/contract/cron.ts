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

/**
 * As {@link readCron}, for a schedule that somebody asks for: one that never ticks is refused.
 * @throws {CronError}
 */
export function assertTicks(schedule: string, timezone: string, nowMs: number): void {
  if (readCron(schedule, timezone).next(nowMs) !== null) return
  throw new CronError('schedule', 'never comes: no month that it names has such a day, choose another day or month')
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
    const why = cause instanceof Error ? wordsOf(cause.message) : String(cause)
    throw new CronError('schedule', `is no cron expression: ${why}`, { cause })
  }
}

/** What each field may hold. */
const RANGES = {
  second: '0 to 59',
  minute: '0 to 59',
  hour: '0 to 23',
  day: '1 to 31',
  month: '1 to 12 or JAN to DEC',
  dayOfWeek: '0 to 7 or SUN to SAT',
}

/** The library's words, with the number as it was written: it counts days and months from 0. */
function wordsOf(message: string): string {
  const [, name, value] = /Invalid value for (\w+): (-?\d+)/.exec(message) ?? []
  if (name === undefined || !(name in RANGES)) return message.replace(/^CronPattern: /, '')
  const written = Number(value) + (name === 'day' || name === 'month' ? 1 : 0)
  const field = name === 'dayOfWeek' ? 'weekday' : name
  return `${field} ${written} is out of range, write ${RANGES[name as keyof typeof RANGES]}`
}

function assertTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new CronError('timezone', 'must be the name of a time zone such as UTC or Europe/Berlin', { cause })
  }
}
