/** What the page and the worker that reads the log tell each other. */

import type { TextStyle } from './text-style.ts'

/** A line as it is drawn. */
export interface LogRow {
  /** Where it is among the shown lines, from 0. */
  index: number
  /** Its number in the job's log, from 1. */
  number: number
  timestampMs: number
  /** Since the first line of its attempt. */
  sinceMs: number
  stream: 'stdout' | 'stderr'
  line: string
  /** Whether it has the text that is looked for. */
  isMatch: boolean
  /** What holds from the lines before it; absent: nothing. */
  style?: TextStyle
  /** The attempt that begins with it, where there are several. */
  begins?: number
}

/** Which lines are shown. */
export interface LogView {
  stream: 'all' | 'stdout' | 'stderr'
  /** Null: of all attempts. */
  attempt: number | null
  /** Text that is looked for; empty is none. */
  search: string
  /** Whether only lines with the text are shown. */
  onlyMatches: boolean
}

/** What the page asks of the worker. */
export type ToWorker =
  | { type: 'open'; jobId: string; streams: MessagePort }
  /** Whether the page may have streams open. */
  | { type: 'pause'; isPaused: boolean }
  | { type: 'view'; view: LogView }
  | { type: 'rows'; from: number; count: number }
  /** The match after, or before, a shown line. */
  | { type: 'seek'; from: number; isForward: boolean }
  /** The line of a number. */
  | { type: 'locate'; number: number }
  /** The line that says best why the job failed. */
  | { type: 'failure' }
  | { type: 'save'; withTimes: boolean }

/** How much of the log there is, and how the worker gets on with it. */
export interface LogExtent {
  /** Lines that were read, and that the view shows. */
  lines: number
  shown: number
  /** Shown lines with the text that is looked for. */
  matches: number
  /** Which parts of the shown have one; see `MARKS`. */
  marks: number[]
  /** Those that wrote something, ascending. */
  attempts: number[]
  /** Number of the first line that the gateway still has; above 1 the older ones are gone. */
  first: number
  /** `asleep`: nobody looks at the page, and nothing is asked for. */
  state: 'reading' | 'lost' | 'asleep' | 'ended' | 'failed'
  /** What went wrong where it failed; empty else. */
  problem: string
}

/** What the worker answers, and tells by itself. */
export type FromWorker =
  | { type: 'extent'; extent: LogExtent }
  | { type: 'rows'; from: number; rows: LogRow[] }
  /** @param index among the shown lines; -1 for none. @param match the how manieth match it is, from 1; 0 for none */
  | { type: 'found'; index: number; match: number }
  | { type: 'file'; blob: Blob }
