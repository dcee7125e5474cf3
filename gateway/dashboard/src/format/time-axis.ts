const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Between two marks of an axis, in ms: what people count in. */
const STEPS = [
  ...[SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE],
  ...[HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY],
]
const MOST_MARKS = 8

const withDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const withTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const withSeconds = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/**
 * The marks of an axis from one time to another, at round times of the viewer's, and how each is written.
 * @param most marks that there is room for. @default 8
 */
export function timeMarks(
  fromMs: number,
  toMs: number,
  most = MOST_MARKS,
): { ticks: number[]; format(ms: number): string } {
  const step = STEPS.find((one) => (toMs - fromMs) / one <= most) ?? Math.ceil((toMs - fromMs) / most)
  return { ticks: ticksOf(fromMs, toMs, step), format: (ms) => formatOf(ms, step) }
}

/** The middles of days from one time to another, and how each is written: an axis of what is by the day. */
export function dayMarks(
  fromMs: number,
  toMs: number,
  most = MOST_MARKS,
): { ticks: number[]; format(ms: number): string } {
  const every = Math.max(1, Math.ceil((toMs - fromMs) / DAY / most))
  const ticks: number[] = []
  for (let day = 0; fromMs <= toMs; day += every) {
    const tick = new Date(fromMs).setHours(12 + 24 * day, 0, 0, 0)
    if (!(tick <= toMs)) break
    if (tick >= fromMs) ticks.push(tick)
  }
  return { ticks, format: (ms) => withDate.format(ms) }
}

function ticksOf(fromMs: number, toMs: number, step: number): number[] {
  const ticks: number[] = []
  const midnight = new Date(fromMs).setHours(0, 0, 0, 0)
  if (step < HOUR) {
    // Where clocks are changed, it is by whole half hours, so that these stay round.
    for (let tick = midnight + Math.ceil((fromMs - midnight) / step) * step; tick <= toMs; tick += step)
      ticks.push(tick)
    return ticks
  }
  // Hours as clocks show them: days are not all of 24.
  const hours = step < DAY ? step / HOUR : 24 * Math.round(step / DAY)
  for (let count = 0; fromMs <= toMs; count += 1) {
    const tick = new Date(midnight).setHours(count * hours)
    if (!(tick <= toMs)) break
    if (tick >= fromMs && tick > (ticks.at(-1) ?? 0)) ticks.push(tick)
  }
  return ticks
}

function formatOf(ms: number, step: number): string {
  if (step < MINUTE) return withSeconds.format(ms)
  const isMidnight = ms === new Date(ms).setHours(0, 0, 0, 0)
  return step >= DAY || isMidnight ? withDate.format(ms) : withTime.format(ms)
}

/** The moments from which, and up to which, a day of the viewer's is: of `2026-01-31`. */
export function dayRange(day: string): { from: number; to: number } {
  const [year = 1970, month = 1, date = 1] = day.split('-').map(Number)
  return { from: new Date(year, month - 1, date).getTime(), to: new Date(year, month - 1, date + 1).getTime() }
}

/** Every day from the first to the last, as `2026-01-31`. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = []
  for (let ms = Date.parse(first); ms <= Date.parse(last); ms += DAY) days.push(new Date(ms).toISOString().slice(0, 10))
  return days
}

/** The days of the viewer's that a time touches, whole. */
export function wholeDays({ from, to }: { from: number; to: number }): { from: number; to: number } {
  const last = new Date(to - 1)
  return {
    from: new Date(from).setHours(0, 0, 0, 0),
    to: new Date(last.getFullYear(), last.getMonth(), last.getDate() + 1).getTime(),
  }
}

/** The last so many days of the viewer's, today included. */
export function lastDays(count: number, nowMs: number): { from: number; to: number } {
  const today = new Date(nowMs)
  const at = (days: number): number => new Date(today.getFullYear(), today.getMonth(), today.getDate() + days).getTime()
  return { from: at(1 - count), to: at(1) }
}
