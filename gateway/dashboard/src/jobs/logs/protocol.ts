/** What the page and the worker that reads the log tell each other. */

export interface LogRow {
  /** Where it is among the shown lines, from 0. */
  index: number
  /** Its number in the job's log, from 1. */
  number: number
  timestampMs: number
  stream: 'stdout' | 'stderr'
  line: string
  isMatch: boolean
}

export interface LogView {
  stream: 'all' | 'stdout' | 'stderr'
  /** Text that is looked for; empty is none. */
  search: string
  /** Whether only lines with the text are shown. */
  onlyMatches: boolean
}

export type ToWorker =
  | { type: 'open'; jobId: string; origin: string }
  | { type: 'view'; view: LogView }
  | { type: 'rows'; from: number; count: number }
  /** The match after, or before, a shown line. */
  | { type: 'seek'; from: number; isForward: boolean }
  | { type: 'save'; withTimes: boolean }

export interface LogExtent {
  /** Lines that were read, and that the view shows. */
  lines: number
  shown: number
  matches: number
  /** Number of the first line that the gateway still has; above 1 the older ones are gone. */
  first: number
  state: 'reading' | 'lost' | 'ended' | 'failed'
  problem: string
}

export type FromWorker =
  | { type: 'extent'; extent: LogExtent }
  | { type: 'rows'; from: number; rows: LogRow[] }
  | { type: 'found'; index: number }
  | { type: 'file'; blob: Blob }
