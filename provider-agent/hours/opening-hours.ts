/** When a machine takes jobs. */

import { createLocalTime, isWithin, type LocalWindow, parseDays, parseMinutes } from './local-time.ts'

const MINUTE_MS = 60_000
/** A week shows all that there is; a day more, for clocks that are set forward or back. */
const LOOK_AHEAD_MS = 8 * 24 * 60 * MINUTE_MS

/** When a machine is open. */
export interface OpeningHours {
  /** How long it stays open from a moment on, in ms; 0 where it is closed, infinite where it never closes. */
  openForMs(nowMs: number): number
  /** For people, e.g. `Mon-Fri 18:00-08:00, sat,sun (Europe/Berlin)`. */
  readonly text: string
}

/** `Mon-Fri 18:00-08:00`, `sat,sun` or `22:00-06:00`; null where the text is none of those. */
export function parseHours(text: string): LocalWindow | null {
  const words = text.trim().split(/\s+/)
  const days = parseDays(words[0] ?? '')
  if (days !== null) words.shift()
  const [time, ...rest] = words
  if (rest.length > 0) return null
  if (time === undefined) return days === null ? null : { days, minutes: null }
  const minutes = parseMinutes(time)
  return minutes === null ? null : { days, minutes }
}

/**
 * Open while any of the windows is; without windows, always.
 *
 * @param texts as {@link parseHours} reads them
 * @param timeZone IANA name. @default the machine's
 * @throws {RangeError} where a text is none of those
 */
export function createOpeningHours(texts: readonly string[], timeZone?: string): OpeningHours {
  const windows = texts.map(readHours)
  const stepMs = windows.every(({ minutes }) => (minutes ?? [0]).every((edge) => edge % 15 === 0))
    ? 15 * MINUTE_MS
    : MINUTE_MS
  const momentAt = createLocalTime(timeZone)
  const isOpen = (atMs: number): boolean => {
    const moment = momentAt(atMs)
    return windows.some((window) => isWithin(window, moment))
  }
  /** Open from the first up to the second moment, as was found last. */
  let known = { fromMs: 0, toMs: 0 }

  return {
    text: `${texts.join(', ')}${timeZone === undefined ? '' : ` (${timeZone})`}`,
    openForMs(nowMs) {
      if (windows.length === 0) return Number.POSITIVE_INFINITY
      // Asked for each request: what is known needs no look at the calendar.
      if (nowMs < known.fromMs || nowMs >= known.toMs) {
        if (!isOpen(nowMs)) return 0
        const fromMs = Math.floor(nowMs / stepMs) * stepMs
        let toMs = fromMs + stepMs
        while (toMs - fromMs < LOOK_AHEAD_MS && isOpen(toMs)) toMs += stepMs
        known = { fromMs, toMs }
      }
      if (known.toMs - known.fromMs >= LOOK_AHEAD_MS) return Number.POSITIVE_INFINITY
      return known.toMs - nowMs
    },
  }
}

function readHours(text: string): LocalWindow {
  const window = parseHours(text)
  if (window === null) throw new RangeError(`${text} are no opening hours`)
  return window
}
