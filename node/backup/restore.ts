import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { loadIdentity } from '../identity.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { type FolderLock, lockFolder } from '../store/folder-lock.ts'
import { FORM_KEY, formProblem, type StoredForm } from '../store/store-form.ts'
import { RESTORED_KEY } from '../store/tables.ts'
import { ownVersion } from '../version.ts'
import { stagingOf } from './broken-restores.ts'
import { BackupError, type BackupHead, type BackupKind, LAYOUTS } from './layout.ts'
import { type BackupSink, type BackupSummary, readBackup } from './read-backup.ts'

/** Where a backup goes. */
export interface RestoreInit {
  kind: BackupKind
  /** The data folder; its parent is made where it is missing. */
  folder: string
  /** Moves what is there out of the way, where it is nobody's at the moment. */
  replace: boolean
  nowMs: number
}

/** What was put back, and where what was there before is now; null where nothing was. */
export interface Restored extends BackupSummary {
  movedTo: string | null
}

/**
 * Puts a backup into a data folder. All of it is written beside the folder first, and checked; then it takes its place at
 * once, so that a restore that breaks off leaves what there was.
 *
 * @throws {BackupError}
 */
export async function restoreBackup(source: Readable, init: RestoreInit): Promise<Restored> {
  const { kind, folder, replace, nowMs } = init
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
  if ((await namesIn(folder)).length > 0) {
    if (!replace) throw notEmpty(folder)
    // Before all of it is read for nothing.
    await (await lockUnused(folder)).release()
  }
  const staging = stagingOf(folder)
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { mode: 0o700 })
  const databases = new Map<string, Database>()
  try {
    const summary = await readBackup(source, intoFolder(staging, kind, databases))
    // Reports that its providers sent after this moment are acknowledged, and not in it.
    await databases.get('jobs')?.put(RESTORED_KEY, String(summary.createdAtMs), { sync: true } as object)
    for (const database of databases.values()) await database.close()
    databases.clear()
    const peerId = peerIdFromPrivateKey(await loadIdentity(staging)).toString()
    if (peerId !== summary.peerId) {
      throw new BackupError(
        'BACKUP_DAMAGED',
        `The backup says that it is of ${summary.peerId}, and has the key of ${peerId}`,
      )
    }
    const movedTo = await takePlace(staging, folder, replace, nowMs)
    await syncFolder(dirname(folder))
    return { ...summary, movedTo }
  } finally {
    for (const database of databases.values()) await database.close().catch(() => undefined)
    await rm(staging, { recursive: true, force: true })
  }
}

function intoFolder(staging: string, kind: BackupKind, databases: Map<string, Database>): BackupSink {
  const layout = LAYOUTS[kind]

  async function databaseOf(store: string): Promise<Database> {
    const known = databases.get(store)
    if (known !== undefined) return known
    const database = await openDatabase(join(staging, layout.stores[store]?.folder ?? store))
    databases.set(store, database)
    return database
  }

  async function write(path: string, content: Buffer): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(content)
    await file.sync()
  }

  return {
    async head(head: BackupHead) {
      if (head.kind !== kind) {
        throw new BackupError(
          'BACKUP_REFUSED',
          `This is a backup of a ${head.kind}, ${head.peerId}: use 'cortex ${head.kind} restore'`,
        )
      }
      // Also where it has no record: a folder with an identity and no store is taken for a damaged one.
      for (const store of Object.keys(layout.stores)) await databaseOf(store)
    },
    file: async (name, content) => await write(join(staging, name), content),
    async records(store, records) {
      const database = await databaseOf(store)
      const form = records.find(([key]) => key === FORM_KEY)?.[1].toString('utf8')
      const stored = form === undefined ? null : (JSON.parse(form) as StoredForm)
      const problem = formProblem('this backup', stored, await ownVersion())
      if (problem !== null) throw new BackupError('BACKUP_REFUSED', problem)
      const puts = records.map(([key, value]) => ({ type: 'put' as const, key, value: value as unknown as string }))
      await database.batch(puts, { keyEncoding: 'utf8', valueEncoding: 'buffer', sync: true } as object)
    },
    async folderFile(folder, name, content) {
      await mkdir(join(staging, folder), { recursive: true, mode: 0o700 })
      await pipeline(content, createWriteStream(join(staging, folder, name), { flags: 'wx', mode: 0o600, flush: true }))
    },
  }
}

/** @returns where what was there before is now */
async function takePlace(staging: string, folder: string, replace: boolean, nowMs: number): Promise<string | null> {
  const names = await namesIn(folder)
  if (names.length > 0) {
    if (!replace) throw notEmpty(folder)
    const lock = await lockUnused(folder)
    const movedTo = `${folder}.before-${stampOf(nowMs)}`
    try {
      await rename(folder, movedTo)
    } finally {
      await lock.release()
    }
    await rename(staging, folder)
    return movedTo
  }
  // An empty one; another process that puts something there meanwhile is seen by this.
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(staging, folder)
  return null
}

/** A time as part of a file's name, e.g. `20261130T150000Z`. */
export function stampOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

async function lockUnused(folder: string): Promise<FolderLock> {
  const lock = await lockFolder(folder)
  if (lock !== null) return lock
  throw new BackupError('BACKUP_REFUSED', `${folder} is in use: stop what runs there, and restore then`)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle = await open(folder)
  await handle.sync()
}

function notEmpty(folder: string): BackupError {
  return new BackupError(
    'BACKUP_REFUSED',
    `${folder} is not empty: give another --data, or --replace, which moves what is there aside`,
  )
}
