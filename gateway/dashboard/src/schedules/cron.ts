import { Cron } from 'croner'
import cronstrue from 'cronstrue'
import { CRON_FORM, cronProblem, NEVER_TICKS, NOT_OF_FORM } from '../../../contract/cron-words.ts'
import { readTimeZone } from '../../../contract/time-zones.ts'

/** A schedule in words with its next runs, or what is wrong with it. */
export type CronReading = { words: string; nextMs: number[] } | { problem: string }

/** Of a schedule whose months have no such day. */
export const NEVER = `It never comes: ${NEVER_TICKS}. Choose another day or month.`
const NEXT = 5
const NAMES: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

/** Reads a schedule as the gateway will, with the same library. */
export function readCron(text: string, timezone: string): CronReading {
  const trimmed = text.trim()
  if (!CRON_FORM.test(trimmed)) return { problem: `It ${NOT_OF_FORM}.` }
  try {
    const next = new Cron(trimmed, { timezone, paused: true }).nextRuns(NEXT)
    if (next.length === 0) return { problem: NEVER }
    return { words: wordsOf(trimmed), nextMs: next.map((date) => date.getTime()) }
  } catch (error) {
    return { problem: `It ${cronProblem(error)}.` }
  }
}

/** A cron expression as a sentence; itself where there are no words for it. */
export function wordsOf(schedule: string): string {
  const text = NAMES[schedule.trim().toLowerCase()] ?? schedule
  try {
    return cronstrue.toString(text, { use24HourTimeFormat: true, throwExceptionOnParseError: true })
  } catch {
    return schedule // it ticks all the same; only the words are missing
  }
}

type Zone = { zone: string } | { problem: string }
/** Both the field and the page ask at each letter, and an answer takes a while. */
let lastRead: { text: string; meant: Zone } | null = null

/** The zone that a text means, by its IANA name, or what is wrong with it. */
export function zoneOf(text: string): Zone {
  if (lastRead?.text !== text) lastRead = { text, meant: readZone(text) }
  return lastRead.meant
}

function readZone(text: string): Zone {
  try {
    return { zone: readTimeZone(text) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { problem: `This ${message}.` }
  }
}

/** A time in a time zone, with its name; with the year where that is another. */
export function timeIn(ms: number, timezone: string): string {
  const at = new Date(ms)
  return at.toLocaleString('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...(at.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    ...(at.getUTCSeconds() === 0 ? {} : { second: '2-digit' }),
    timeZoneName: 'short',
  })
}

/** The same where the reader is; null where it is the same. */
export function timeHere(ms: number, timezone: string): string | null {
  const here = timeIn(ms, Intl.DateTimeFormat().resolvedOptions().timeZone)
  return here === timeIn(ms, timezone) ? null : here
}
