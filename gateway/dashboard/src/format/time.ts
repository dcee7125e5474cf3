import { exact, span } from '../../../contract/plain-words.ts'

export { exact, span }

/** A time between two events, as short as it may be: `120 ms`, `3.2 s`, `4 min 20 s`. */
export function between(fromMs: number, toMs: number): string {
  const ms = Math.max(0, toMs - fromMs)
  if (ms < 1000) return `${ms} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000)
}

/** `5 min ago`, `in 2 h`. */
export function relative(atMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - atMs) / 1000)
  if (Math.abs(seconds) < 2) return 'now'
  const text = coarse(Math.abs(seconds))
  return seconds > 0 ? `${text} ago` : `in ${text}`
}

function coarse(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

const toTheMs = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', year: 'numeric' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
})

/** Where the viewer is, as {@link exact}, to the millisecond: `28 Nov 2026, 22:15:03.120`. */
export function exactMs(at: number): string {
  return toTheMs.format(at)
}
