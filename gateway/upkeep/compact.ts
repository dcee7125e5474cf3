import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { storePlaces } from '../../node/store/inspect-store.ts'
import { EVERY_KEY } from '../../node/store/whole-keys.ts'
import { openPlace, STORES, whileStopped } from './check-gateway.ts'

/** What the databases of a gateway took of the disk, and take. */
export interface Compacted {
  /** As backups call it. */
  store: string
  beforeBytes: number
  afterBytes: number
}

/** Gives back the room of what was deleted. @throws {UpkeepError} @throws {DataFolderError} where it is damaged */
export async function compactGateway(folder: string): Promise<Compacted[]> {
  return await whileStopped(folder, async () => await compactAll(folder))
}

async function compactAll(folder: string): Promise<Compacted[]> {
  const compacted: Compacted[] = []
  for (const [store, place] of Object.entries(STORES)) {
    const own = join(folder, place)
    const beforeBytes = await sizeOf(own)
    const database = await openPlace(folder, place)
    try {
      await database.compactRange(...EVERY_KEY)
    } finally {
      await database.close()
    }
    compacted.push({ store, beforeBytes, afterBytes: await sizeOf(own) })
  }
  return compacted
}

async function sizeOf(folder: string): Promise<number> {
  const { location } = storePlaces(folder)
  const names = await readdir(location).catch((): string[] => []) // none yet
  const sizes = await Promise.all(
    // One that was merged meanwhile takes nothing.
    names.map(
      async (name) =>
        await stat(join(location, name)).then(
          ({ size }) => size,
          () => 0,
        ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
