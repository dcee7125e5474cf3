import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { exists } from '../exists.ts'
import { BackupError } from './layout.ts'
import { type BackupSink, type BackupSummary, readBackup } from './read-backup.ts'
import { lookAt, opened, sealed } from './seal.ts'

/** Takes everything, and keeps nothing: reading into it is checking. */
export const NOWHERE: BackupSink = {
  head: async () => undefined,
  file: async () => undefined,
  records: async () => undefined,
  async folderFile(_folder, _name, content) {
    for await (const _chunk of content);
  },
}

/** What {@link writeBackupFile} is told. */
export interface BackupFileInit {
  /** There must be none yet. */
  path: string
  /** Null where it is not encrypted. */
  passphrase: string | null
}

/**
 * Writes a backup to a file of mode 0600, and checks it on its way. It has its name once all of it is on the disk.
 *
 * @throws {BackupError} where there is such a file
 */
export async function writeBackupFile(source: Readable, { path, passphrase }: BackupFileInit): Promise<BackupSummary> {
  const part = `${path}.${randomUUID()}${PART}`
  const { stream, summary } = checked(source)
  try {
    await refuseTaken(path)
    const bytes = passphrase === null ? stream : await sealed(stream, passphrase)
    await pipeline(bytes, createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true }))
    const found = await summary
    await giveName(part, path)
    return found
  } catch (error) {
    // What the encryption hears of it are not its own words.
    stream.destroy()
    throw error instanceof BackupError
      ? error
      : ((await summary.then(
          () => null,
          (of: unknown) => of,
        )) ?? error)
  } finally {
    source.destroy()
    await rm(part, { force: true })
  }
}

/** How a file is called that is being written. */
export const PART = '.part'

/** Reads a file. @param passphrase asked for where it is encrypted @throws {BackupError} */
export async function readBackupFile<T>(
  path: string,
  passphrase: () => Promise<string>,
  read: (content: Readable) => Promise<T>,
): Promise<T> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  try {
    const { isSealed, content } = await lookAt(file)
    return await read(isSealed ? await opened(content, await passphrase()) : content)
  } finally {
    file.destroy()
  }
}

/** Passes on what it is given, and fails where that is no whole backup. */
function checked(source: Readable): { stream: Readable; summary: Promise<BackupSummary> } {
  const copy = new PassThrough()
  const summary = readBackup(copy, NOWHERE)
  summary.catch(() => copy.destroy()) // heard of below, and by whoever waits for it
  async function* through(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        if (!copy.write(chunk)) await Promise.race([once(copy, 'drain'), summary])
        yield chunk
      }
      copy.end()
      await summary
    } catch (error) {
      copy.destroy(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }
  return { stream: Readable.from(through(), { objectMode: false }), summary }
}

async function refuseTaken(path: string): Promise<void> {
  if (await exists(path)) throw taken(path)
}

async function giveName(part: string, path: string): Promise<void> {
  try {
    await link(part, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw taken(path)
    // A file system without a second name for a file.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP') throw error
    await refuseTaken(path)
    await rename(part, path)
  }
  if (process.platform === 'win32') return
  await using folder = await open(dirname(path))
  await folder.sync()
}

function taken(path: string): BackupError {
  return new BackupError('BACKUP_REFUSED', `There is a file ${path} already: name another, nothing is written over`)
}
