import { Cron } from 'croner'
import cronstrue from 'cronstrue'

/** A schedule in words with its next runs, or what is wrong with it. */
export type CronReading = { words: string; nextMs: number[] } | { problem: string }

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
  if (trimmed === '') return { problem: 'Give five fields: minute, hour, day, month and weekday.' }
  try {
    const next = new Cron(trimmed, { timezone, paused: true }).nextRuns(NEXT)
    return { words: wordsOf(trimmed), nextMs: next.map((date) => date.getTime()) }
  } catch (error) {
    return { problem: error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error) }
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

/** A time in a time zone, with its name where that is not the reader's. */
export function timeIn(ms: number, timezone: string): string {
  return new Date(ms).toLocaleString('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  })
}
