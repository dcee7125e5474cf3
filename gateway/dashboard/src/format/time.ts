/** `3 s`, `4 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

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

const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })

const toTheMs = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', year: 'numeric' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
})

/** Where the viewer is, as {@link exact}, to the millisecond: `28 Nov 2026, 22:15:03.120`. */
export function exactMs(at: number): string {
  return toTheMs.format(at)
}

/** Where the viewer is, with the time zone: `28 Nov 2026, 22:15:03 CET`. @param at ISO 8601, or ms since the epoch */
export function exact(at: string | number): string {
  return full.format(new Date(at))
}
