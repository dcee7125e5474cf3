/** What is wrong with what a peer keeps, and how it is mended: found by a check, done by a repair. */

import type { DumpRecord } from '../store/dump.ts'
import type { KeyWrite } from '../store/whole-keys.ts'

/** A record that is taken away. */
export interface AsideRecord {
  /** As backups call it, e.g. `jobs`. */
  store: string
  record: DumpRecord
  /** For people. */
  why: string
}

/** Where a mend keeps what it takes away. */
export interface Aside {
  /** Writes them down, on the disk; nothing is done for none. */
  records(records: AsideRecord[]): Promise<void>
  /** Moves a file there; one that is gone is no error. */
  file(path: string): Promise<void>
}

/** How a problem is mended. */
export interface Mend {
  /** What that does, for people, e.g. `set aside`. */
  how: string
  /** Records that are kept aside before anything else; they go. */
  aside?: DumpRecord[]
  writes?: KeyWrite[]
  /** What is no record. */
  act?(aside: Aside): Promise<void>
}

/** Something that is wrong. */
export interface Problem {
  /** Of what kind, for people: those of one kind are counted together. */
  kind: string
  /** Which one: a key, an id, a name. */
  which: string
  /** `warn` is in nobody's way; `fail` is. @default "fail" */
  state?: 'warn' | 'fail'
  /** What to do where nothing mends it; `null` has {@link Problem.mend}. */
  remedy: string | null
  /** Null where only its owner can. */
  mend: Mend | null
}

/** Takes problems as they are found, one after the other. */
export type Found = (problem: Problem) => Promise<void>

/** What was looked at, and how much of it. */
export interface LookedAt {
  what: string
  count: number
}
