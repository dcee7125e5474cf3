import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { loadIdentity } from '../identity.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { openDump } from '../store/dump.ts'
import { BackupError, type BackupKind, LAYOUTS } from './layout.ts'
import type { BackupSource } from './write-backup.ts'

/**
 * What a backup is made of where nothing runs on the data folder; nothing can until it is closed.
 *
 * @param open opens a database by its place in the folder @default {@link openDatabase}, which locks it
 * @throws {BackupError} where there is nothing
 * @throws {DataFolderError} where something runs there, or it is damaged
 */
export async function openStopped(
  kind: BackupKind,
  folder: string,
  open: (place: string) => Promise<Database> = async (place) => await openDatabase(join(folder, place)),
): Promise<BackupSource & { close(): Promise<void> }> {
  // Opening would make one.
  await access(join(folder, 'identity.key')).catch((cause: unknown) => {
    throw new BackupError('BACKUP_REFUSED', `There is no ${kind} in ${folder}: give the --data that it was given`, {
      cause,
    })
  })
  const databases: [name: string, database: Database][] = []
  const close = async (): Promise<void> => {
    for (const [, database] of databases.toReversed()) await database.close()
  }
  try {
    const { stores } = LAYOUTS[kind]
    for (const [name, { folder: at }] of Object.entries(stores)) {
      databases.push([name, await open(at)])
    }
    const peerId = peerIdFromPrivateKey(await loadIdentity(folder)).toString()
    const dumps = Object.fromEntries(
      databases.map(([name, database]) => [name, openDump(database, stores[name]?.leftOut)] as const),
    )
    return { kind, peerId, folder, dumps, close }
  } catch (error) {
    await close()
    throw error
  }
}
