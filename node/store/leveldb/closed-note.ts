import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The log of a database that was closed in order, as long as nobody has opened it since. */
export interface Closed {
  /** The file's name. */
  log: string
  /** Its length. */
  bytes: number
}

/**
 * Notes how long the newest log is, so that one that is cut off or lost while nobody uses it is noticed: LevelDB takes it
 * for the end of what was written. Its other files it knows by the manifest.
 */
export async function noteClosed(location: string, noteFile: string): Promise<void> {
  const log = (await readdir(location))
    .filter((name) => /^\d+\.log$/.test(name))
    .toSorted()
    .at(-1)
  if (log === undefined) return
  const file = await open(join(location, log))
  try {
    // What the note says must be on the disk before the note is.
    await file.datasync()
    const closed: Closed = { log, bytes: (await file.stat()).size }
    await writeFile(noteFile, `${JSON.stringify(closed)}\n`)
  } finally {
    await file.close()
  }
}

/** Null where there is none, or it was cut off itself. */
export async function readClosed(noteFile: string): Promise<Closed | null> {
  try {
    const { log, bytes } = JSON.parse(await readFile(noteFile, 'utf8')) as Partial<Closed>
    return log === undefined || bytes === undefined ? null : { log, bytes }
  } catch {
    return null // without it nothing is known, as after a process that was killed
  }
}
