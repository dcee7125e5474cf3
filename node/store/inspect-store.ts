import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../exists.ts'
import { readChecked } from './leveldb/checked-note.ts'
import { readClosed } from './leveldb/closed-note.ts'
import { type Inspection, inspectLevel, SALVAGING } from './leveldb/inspect.ts'
import { salvageLevel } from './leveldb/salvage.ts'
import type { KeyWrite } from './whole-keys.ts'

/** Where the parts of a store are. */
export interface StorePlaces {
  /** LevelDB's own folder. */
  location: string
  pidFile: string
  /** How long the log was when it was closed. */
  closedFile: string
  /** Which tables were found whole. */
  checkedFile: string
}

/** Of the store in a folder. */
export function storePlaces(folder: string): StorePlaces {
  return {
    location: join(folder, 'db'),
    pidFile: join(folder, 'pid'),
    closedFile: join(folder, 'closed.json'),
    checkedFile: join(folder, 'checked.json'),
  }
}

/** What LevelDB's files are like, and what keeps them from being opened as they are. */
export interface StoreInspection extends Inspection {
  /** All reasons, for people; empty where the store may be opened, and be it after its manifest was made anew. */
  refusals: string[]
}

/**
 * Reads the files of a store that nobody has open. Changes nothing.
 *
 * @param again whether tables that were found whole before are read once more @default false
 */
export async function inspectStore(folder: string, again = false): Promise<StoreInspection> {
  const { location, pidFile, closedFile, checkedFile } = storePlaces(folder)
  const found = await inspectLevel(location, again ? {} : await readChecked(checkedFile))
  const refusals = [...(await closedProblems(found, closedFile))]
  if (found.kind === 'damaged') refusals.push(...found.problems)
  if (found.kind === 'new' && (await exists(pidFile))) refusals.push('its files are gone')
  return { ...found, refusals }
}

/**
 * Makes a store that can be opened of what is whole in one that cannot; see {@link salvageLevel}. Until all of that is done,
 * `writes` among it, it is refused: where this is killed, it is to be done again.
 *
 * @returns what was lost, for people
 */
export async function salvageStore(folder: string, writes: KeyWrite[] = []): Promise<string[]> {
  const { location, closedFile, checkedFile } = storePlaces(folder)
  await mkdir(location, { recursive: true, mode: 0o700 })
  const { kind, refusals } = await inspectStore(folder, true)
  if (kind === 'new') return []
  const gone = refusals.filter((problem) => / is missing$| when it was closed$/.test(problem))
  const mark = join(location, SALVAGING)
  await writeFile(mark, '', { mode: 0o600, flush: true })
  await Promise.all([closedFile, checkedFile].map(async (path) => await rm(path, { force: true })))
  const lost = await salvageLevel(location, writes)
  await rm(mark)
  return [...new Set([...gone, ...lost])]
}

async function closedProblems({ logs }: Inspection, closedFile: string): Promise<string[]> {
  const closed = await readClosed(closedFile)
  if (closed === null) return []
  const bytes = logs[closed.log]
  if (bytes === undefined) return [`${closed.log} is missing`]
  if (bytes === closed.bytes) return []
  return [`${closed.log} has ${bytes} bytes, and had ${closed.bytes} when it was closed`]
}
