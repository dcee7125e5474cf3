import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { batchOf, EVERY_KEY, type KeyWrite } from '../whole-keys.ts'
import { type DataFile, damageOf, dataFile, findManifest, isNeeded } from './inspect.ts'
import { type OnDisk, repairLevel } from './recovering-level.ts'
import { salvageLog } from './salvage-log.ts'
import { salvageTable } from './salvage-table.ts'

/**
 * Makes a LevelDB that can be opened of what is whole in one that is damaged. LevelDB's own repair alone would read damaged
 * blocks as data: it looks at no checksum. So damaged files are first made into such as hold only what is whole.
 *
 * Nobody may have it open. What it changes is not kept: copy the folder before. Where it is killed it is to be done again
 * before anybody opens the files.
 *
 * @param writes are written to it at the end
 * @returns what was lost, for people; empty where nothing was
 */
export async function salvageLevel(location: string, writes: KeyWrite[] = []): Promise<string[]> {
  const names = await readdir(location)
  const manifest = await findManifest(location, names)
  const lost: string[] = []
  for (const file of names.flatMap((name) => dataFile(name))) {
    const path = join(location, file.name)
    // Its repair takes all that lie there, those that were merged into others long ago, too.
    if (!isNeeded(file, manifest)) await rm(path)
    else lost.push(...(await salvageFile(path, file, manifest)))
  }
  // It makes tables of logs long before the manifest that names them: done again, by the old one they would go.
  await rm(join(location, 'CURRENT'), { force: true })
  await repairLevel(location)
  // Logs that are tables now, and the manifest from before.
  await rm(join(location, 'lost'), { recursive: true, force: true })
  const database = new Level<string, string>(location) as Level<string, string> & OnDisk
  try {
    await database.batch(batchOf(writes), { sync: true } as object)
    // Repaired tables lie beside each other, where a read may find an older value first; merged they do not.
    await database.compactRange(...EVERY_KEY)
  } finally {
    await database.close()
  }
  return lost
}

async function salvageFile(path: string, file: DataFile, manifest: Parameters<typeof damageOf>[2]): Promise<string[]> {
  const bytes = await readFile(path)
  if (damageOf(file, bytes, manifest) === null) return []
  if (file.isLog) {
    const { bytes: kept, lostBytes } = salvageLog(bytes)
    await replace(path, kept)
    return [`${file.name}: ${lostBytes} of its ${bytes.length} bytes, which are among the newest that were written`]
  }
  const { bytes: kept, lost } = salvageTable(bytes)
  if (kept === null) await rm(path)
  else await replace(path, kept)
  return kept === null ? [`${file.name}: all that was in it`] : lost.map((what) => `${file.name}: ${what}`)
}

async function replace(path: string, bytes: Buffer): Promise<void> {
  await writeFile(`${path}.new`, bytes, { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
}
