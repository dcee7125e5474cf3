import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import type { Header } from 'tar-stream'
import { entriesOf } from '../tar-entries.ts'
import type { Outputs } from './index.ts'

/** Links that are followed to come to a file. */
const MAX_LINKS = 8

/** A file of a kept output, and where in the tar its bytes stand. */
export interface OutputPart {
  type: 'file' | 'folder'
  /** As its entry is called, e.g. `out/model.bin`. */
  path: string
  /** In bytes; 0 of a folder. */
  size: number
  mode: number
  mtimeMs: number
  /** Of its first byte in the tar. */
  offset: number
}

/**
 * Finds a file in a kept output, links within it followed. The tar is read as far as that takes: it has no list.
 * @param path as the tar's entries are called
 * @returns null where there is no such output, or nothing of that name in it
 */
export async function findPart(
  outputs: Pick<Outputs, 'open'>,
  jobId: string,
  path: string,
): Promise<OutputPart | null> {
  let wanted = entryName(path)
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    const kept = await outputs.open(jobId)
    const header = kept === null ? null : await entryOf(kept.stream, wanted)
    if (header === null) return null
    const { type, linkname, size = 0, mode = 0o600, mtime, byteOffset } = header
    const found = { path: wanted, mode: mode & 0o777, mtimeMs: mtime?.getTime() ?? 0, offset: byteOffset }
    if (type === 'directory') return { ...found, type: 'folder', size: 0 }
    if (type === 'file' || type === 'contiguous-file') return { ...found, type: 'file', size }
    const target = linkname ?? ''
    wanted = entryName(type === 'symlink' ? posix.join(posix.dirname(wanted), target) : target)
  }
  return null
}

/** The library says besides where contents begin, which its types leave out. */
export type PlacedHeader = Header & { byteOffset: number }

async function entryOf(tar: Readable, wanted: string): Promise<PlacedHeader | null> {
  try {
    for await (const entry of entriesOf(tar)) {
      if (entryName(entry.header.name) === wanted) return entry.header as PlacedHeader
      entry.resume()
    }
    return null
  } finally {
    tar.destroy()
  }
}

/** What an entry is called, however that is written. */
export function entryName(path: string): string {
  return posix.normalize(path).replace(/^\.\//, '').replace(/\/$/, '')
}
