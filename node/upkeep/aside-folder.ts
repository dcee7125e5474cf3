import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { recordLine } from '../backup/record-lines.ts'
import type { Aside } from './problem.ts'

/** A folder for what is taken away, made with the first of it. */
export interface AsideFolder extends Aside {
  /** Null while nothing is in it. */
  path(): string | null
}

/** Records are lines of JSON in `records.ndjson`, as in a backup, each with its store and why it is there. */
export function createAsideFolder(path: string): AsideFolder {
  let made = false

  async function make(): Promise<void> {
    if (!made) await mkdir(path, { recursive: true, mode: 0o700 })
    made = true
  }

  return {
    path: () => (made ? path : null),
    async records(records) {
      if (records.length === 0) return
      await make()
      await using file = await open(join(path, 'records.ndjson'), 'a', 0o600)
      const lines = records.map(
        ({ store, record, why }) =>
          `[${JSON.stringify(store)},${JSON.stringify(why)},${recordLine(record).trimEnd()}]\n`,
      )
      await file.appendFile(lines.join(''))
      await file.datasync()
    },
    async file(from) {
      await make()
      const folder = join(path, basename(dirname(from)))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const to = join(folder, basename(from))
      await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return
        if (error.code !== 'EXDEV') throw error
        await copyFile(from, to)
        await rm(from)
      })
    },
  }
}
