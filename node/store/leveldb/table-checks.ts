import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type CheckedTables, identityOf, noteChecked } from './checked-note.ts'
import { liveTables } from './inspect.ts'
import { tableDamage } from './table-file.ts'

/** Pause between two rounds, in ms. */
const ROUND_MS = 10 * 60_000
/** Pause after each table, in ms: a round is in nobody's way. */
const PAUSE_MS = 100
/** A table that was read this long ago is read again, in ms: disks forget. */
const AGAIN_MS = 7 * 24 * 3_600_000

/** What {@link keepChecking} is told. */
export interface TableChecksInit {
  /** The database's folder. */
  location: string
  /** Where it is noted which tables were whole, see {@link CheckedTables}. */
  noteFile: string
  /** What is known at the opening. */
  checked: CheckedTables
  /** Told of a table that is no longer whole. */
  onDamage: (problem: string) => void
  /** Pause between two rounds, in ms. @default 600_000 */
  roundMs?: number
  /** Ends it. */
  signal: AbortSignal
}

/**
 * Reads the tables of an open database that were never read, and those that were not for a week, a few at a time, and
 * notes which are whole: so the next opening has little to read, and damage is told before what is damaged is needed.
 */
export async function keepChecking(init: TableChecksInit): Promise<void> {
  const { location, noteFile, onDamage, roundMs = ROUND_MS, signal } = init
  let { checked } = init
  while (!signal.aborted) {
    // Aborted: the loop ends.
    await delay(roundMs, undefined, { signal, ref: false }).catch(() => undefined)
    if (signal.aborted) return
    const before = JSON.stringify(checked)
    checked = await checkTables(location, checked, onDamage, signal)
    // A note that could not be written only makes the next opening longer.
    if (JSON.stringify(checked) !== before) await noteChecked(noteFile, checked).catch(() => undefined)
  }
}

async function checkTables(
  location: string,
  known: CheckedTables,
  onDamage: (problem: string) => void,
  signal: AbortSignal,
): Promise<CheckedTables> {
  const checked: CheckedTables = {}
  for (const name of await liveTables(location)) {
    const entry = known[name]
    try {
      const path = join(location, name)
      const file = identityOf(await stat(path, { bigint: true }))
      const isKnown = entry?.file === file && Date.now() - entry.atMs < AGAIN_MS
      if (isKnown || signal.aborted) {
        if (entry !== undefined) checked[name] = entry
        continue
      }
      const damage = tableDamage(await readFile(path))
      if (damage === null) checked[name] = { file, atMs: Date.now() }
      else onDamage(`${name} has ${damage}`)
      await delay(PAUSE_MS, undefined, { ref: false })
    } catch {
      // Merged with others meanwhile: it is needed no more.
    }
  }
  return checked
}
