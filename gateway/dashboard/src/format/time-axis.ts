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

/** The marks of an axis from one time to another, at round times of the viewer's, and how each is written. */
export function timeMarks(fromMs: number, toMs: number): { ticks: number[]; format(ms: number): string } {
  const step = STEPS.find((one) => (toMs - fromMs) / one <= MOST_MARKS) ?? Math.ceil((toMs - fromMs) / MOST_MARKS)
  const midnight = new Date(fromMs).setHours(0, 0, 0, 0)
  const ticks: number[] = []
  for (let tick = midnight + Math.ceil((fromMs - midnight) / step) * step; tick <= toMs; tick += step) ticks.push(tick)
  return { ticks, format: (ms) => formatOf(ms, step) }
}

function formatOf(ms: number, step: number): string {
  if (step < MINUTE) return withSeconds.format(ms)
  const isMidnight = ms === new Date(ms).setHours(0, 0, 0, 0)
  return step >= DAY || isMidnight ? withDate.format(ms) : withTime.format(ms)
}

/** Every day from the first to the last, as `2026-01-31`. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = []
  for (let ms = Date.parse(first); ms <= Date.parse(last); ms += DAY) days.push(new Date(ms).toISOString().slice(0, 10))
  return days
}
