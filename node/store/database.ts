import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Level } from 'level'
import { exists } from '../exists.ts'
import { systemProblem } from '../system-problem.ts'
import { ownVersion } from '../version.ts'
import { DataFolderError } from './errors.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import { inspectStore, storePlaces } from './inspect-store.ts'
import { noteChecked } from './leveldb/checked-note.ts'
import { noteClosed } from './leveldb/closed-note.ts'
import { type OnDisk, RecoveringLevel, repairLevel } from './leveldb/recovering-level.ts'
import { keepChecking } from './leveldb/table-checks.ts'
import { formProblem, markForm, readForm } from './store-form.ts'
import { EVERY_KEY } from './whole-keys.ts'

export { DataFolderError } from './errors.ts'

/** LevelDB by default; a simulation may keep it in memory. */
export type Database = Level<string, string> & OnDisk

/**
 * Opens the LevelDB in `folder`, made with mode 0700 where it is missing. A lock makes this process its only reader and
 * writer; the pid beside it is for the message to the second one.
 *
 * Its files are read first, but for tables that were found whole before: a database that lost its manifest is repaired,
 * one that lost data is refused. It never begins anew where something was before. See docs/decisions/0009-damaged-stores.md.
 *
 * @param onRepair told what was wrong where it was repaired
 * @param onDamage told of what is found damaged while it is open
 * @throws {DataFolderError}
 */
export async function openDatabase(
  folder: string,
  onRepair: (problem: string) => void = () => {},
  onDamage: (problem: string) => void = () => {},
): Promise<Database> {
  const lock = await lockFolder(folder).catch((error: unknown) => {
    throw explain(folder, error)
  })
  if (lock === null) throw await inUse(folder)
  return await openLocked(folder, lock, onRepair, onDamage)
}

/** The same in a folder that this process has locked. The lock is let go of when the database is closed, or cannot be opened. */
export async function openLocked(
  folder: string,
  { release }: FolderLock,
  onRepair: (problem: string) => void = () => {},
  onDamage: (problem: string) => void = () => {},
): Promise<Database> {
  const { location, pidFile, closedFile, checkedFile } = storePlaces(folder)
  const checking = new AbortController()
  let database: RecoveringLevel | null = null
  try {
    const isNew = !(await exists(location))
    // Moved away, as the message about a damaged one says: what is known of the old one is not about the new one.
    if (isNew) await Promise.all([pidFile, closedFile].map(async (path) => await rm(path, { force: true })))
    await mkdir(location, { recursive: true, mode: 0o700 })
    const found = await inspectStore(folder)
    const [problem] = found.refusals
    if (problem !== undefined) throw corrupt(folder, problem)
    await rm(closedFile, { force: true })
    if (found.kind === 'without-manifest') await repairLevel(location)
    // It opens by itself once it is made.
    database = new RecoveringLevel(location, {
      beforeClose: async () => {
        checking.abort()
        await noteClosed(location, closedFile)
      },
      afterClose: release,
    })
    await database.open()
    await assertKnown(folder, database)
    await writeFile(pidFile, `${process.pid}\n`)
    await noteChecked(checkedFile, found.checked)
    if (found.kind === 'without-manifest') {
      // Repaired tables lie beside each other, where a read may find an older value first; merged they do not.
      await database.compactRange(...EVERY_KEY)
      onRepair(found.problem)
    }
    const { signal } = checking
    void keepChecking({ location, noteFile: checkedFile, checked: found.checked, onDamage, signal })
    return database
  } catch (error) {
    await database?.close()
    await release()
    throw explain(folder, error)
  }
}

/** Refuses a store of a newer version before anything is written to it, and marks it as this one's. */
async function assertKnown(folder: string, database: Database): Promise<void> {
  const [stored, version] = [await readForm(database), await ownVersion()]
  const problem = formProblem(folder, stored, version)
  if (problem !== null) throw new DataFolderError('DATA_FOLDER_NEWER', problem)
  // Of a full disk whoever writes next hears, and the next start marks it.
  await markForm(database, stored, version).catch(() => undefined)
}

function explain(folder: string, error: unknown): DataFolderError {
  if (error instanceof DataFolderError) return error
  const { code, message, cause } = causeOf(error)
  if (code === 'LEVEL_CORRUPTION' || /corrupt/i.test(message)) return corrupt(folder, message, cause)
  const problem = systemProblem(error) ?? message
  return new DataFolderError('DATA_FOLDER_UNUSABLE', `Cannot open the store in ${folder}: ${problem}`, { cause })
}

async function inUse(folder: string): Promise<DataFolderError> {
  // Without the file the message only lacks the number.
  const pid = await readFile(storePlaces(folder).pidFile, 'utf8').catch(() => 'unknown')
  return new DataFolderError(
    'DATA_FOLDER_IN_USE',
    `${folder} is in use by process ${pid.trim()}: stop it, or choose another folder with --data`,
  )
}

function corrupt(folder: string, problem: string, cause?: unknown): DataFolderError {
  const ways = [
    `restore ${folder} from a backup`,
    "save what is whole of a gateway's by 'cortex gateway repair'",
    `or move ${join(folder, 'db')} away to start anew without what is in it`,
  ]
  const remedy = ways.join(', ')
  return new DataFolderError('DATA_FOLDER_CORRUPT', `The store in ${folder} is damaged (${problem}): ${remedy}`, {
    cause,
  })
}

/** The library says of an opening only that it failed, and why in the cause. */
function causeOf(error: unknown): { code: string | undefined; message: string; cause: unknown } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const { code } = cause as { code?: string }
  return { code, message: cause instanceof Error ? cause.message : String(cause), cause }
}
