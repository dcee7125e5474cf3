/** Times of the day and of the week as the owner of a machine writes them: `mon-fri 18:00-08:00`. */

/** A part of each week. */
export interface LocalWindow {
  /** Minutes of the day, from the first up to the second, over midnight where that is less; null is all day. */
  minutes: [from: number, to: number] | null
  /** 0 is Sunday; null is every day. A window over midnight belongs to the day on which it begins. */
  days: ReadonlySet<number> | null
}

/** A moment as a clock on the wall shows it. */
export interface LocalMoment {
  /** 0 is Sunday. */
  day: number
  /** Of the day, 0..1439. */
  minute: number
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const WINDOW = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/
const DAY_MINUTES = 24 * 60

/** `18:00-08:00`; null where it is no such text, or no time. */
export function parseMinutes(word: string): LocalWindow['minutes'] {
  const match = WINDOW.exec(word)
  if (match === null) return null
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number)
  const from = fromHour * 60 + fromMinute
  const to = toHour * 60 + toMinute
  const isTime = fromMinute < 60 && toMinute < 60 && from < DAY_MINUTES && to <= DAY_MINUTES
  return isTime && from !== to ? [from, to] : null
}

/** `sat,sun` or `mon-fri`, or both; null where it is no such text. */
export function parseDays(word: string): LocalWindow['days'] {
  const days = new Set<number>()
  for (const part of word.toLowerCase().split(',')) {
    const [first = '', last = first, ...rest] = part.split('-')
    const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)]
    if (from < 0 || to < 0 || rest.length > 0) return null
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === to) break
    }
  }
  return days
}

/** Whether the moment is in the window. */
export function isWithin({ minutes, days }: LocalWindow, { day, minute }: LocalMoment): boolean {
  const [from, to] = minutes ?? [0, DAY_MINUTES]
  const overMidnight = from >= to
  if (overMidnight ? minute < from && minute >= to : minute < from || minute >= to) return false
  const began = overMidnight && minute < to ? (day + 6) % 7 : day
  return days === null || days.has(began)
}

/** What the clocks of a place show at a moment, in ms since the epoch. @param timeZone IANA name. @default the machine's */
export function createLocalTime(timeZone?: string): (nowMs: number) => LocalMoment {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    ...(timeZone === undefined ? {} : { timeZone }),
  })
  return (nowMs) => {
    const parts = new Map(format.formatToParts(nowMs).map(({ type, value }) => [type, value]))
    const day = DAYS.indexOf(parts.get('weekday')?.toLowerCase() ?? '')
    return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
  }
}
