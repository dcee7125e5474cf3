/** Files and folders here that are copied to and from a provider. */

import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { create } from 'tar'
import type { LeftOut } from '../../protocol/left-out.ts'
import { CliError } from './cli-error.ts'

/** A folder as a tar. @param leftOut gets what has no place in it */
export function packed(folder: string, leftOut: LeftOut[]): Readable {
  const filter = (path: string, entry: Pick<Stats, 'isFile'>): boolean => {
    const found = entry as Stats
    if (found.isFile() || found.isDirectory() || found.isSymbolicLink()) return true
    leftOut.push({ path, reason: 'is neither a file, a folder nor a link' })
    return false
  }
  const onwarn = (_code: string, message: string | Error): void => {
    leftOut.push({ path: folder, reason: String(message) })
  }
  const pack = create({ cwd: folder, filter: filter as (path: string) => boolean, onwarn }, ['.'])
  return Readable.from(pack as unknown as AsyncIterable<Buffer>, { objectMode: false })
}

/** What a fetch answers, as a stream of Node. */
export function readable(stream: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(stream as WebStream)
}

/** @param how else to say where to, for people @throws {CliError} where a folder has something in it */
export async function mustBeNew(place: string, how = ''): Promise<void> {
  const found = await readdir(place).catch(({ code }: { code?: string }) => (code === 'ENOENT' ? [] : [place]))
  const isLink = (await lstat(place).catch(() => null))?.isSymbolicLink() === true
  if (found.length === 0 && !isLink) return
  throw new CliError(`There is something at ${place} already, and nothing is written over: give another folder${how}`)
}

/** Throws in words what a fetch failed with, which calls each of its failures a TypeError, or the disk. */
export function inWords(error: Error & { code?: string }): never {
  if (error instanceof TypeError && error.cause !== undefined) {
    throw new CliError(`It came no further (${error.message}): try again`, 1, { cause: error })
  }
  if (typeof error.code === 'string' && error.code.startsWith('E'))
    throw new CliError(error.message, 1, { cause: error })
  throw error
}
