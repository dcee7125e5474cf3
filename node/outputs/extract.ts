import { mkdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type ReadEntry } from 'tar'

/** Files in one archive. */
const MAX_FILES = 1_000_000

/** The kinds of entry that are written; devices and pipes have no place in an output. */
const KINDS = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory', 'GNUDumpDir', 'SymbolicLink', 'Link'])

/** How a gzip begins: the library would unpack that, too, and a few bytes of it can become any amount. */
const GZIP = Buffer.from([0x1f, 0x8b])

/** The archive holds what could reach beyond its folder. Nothing of that entry, or after it, is written. */
class UnsafeArchiveError extends Error {
  override readonly name = 'UnsafeArchiveError'
  readonly code = 'UNSAFE_ARCHIVE'
}

/**
 * Writes a tar of a stranger into a folder, made where it is missing. Entries with absolute or climbing paths, links that
 * lead out of the folder, and devices are refused; owners and special mode bits are not taken over. What is compressed is
 * no tar: so no more is written than was read.
 *
 * @throws {UnsafeArchiveError}
 */
export async function extractTar(tar: Readable, folder: string): Promise<{ files: number; bytes: number }> {
  await mkdir(folder, { recursive: true })
  let files = 0
  let bytes = 0
  let problem: UnsafeArchiveError | null = null
  const unpack = extract({
    cwd: folder,
    strict: true,
    brotli: false,
    zstd: false,
    preservePaths: false,
    preserveOwner: false,
    filter(path, entry) {
      files += 1
      bytes += (entry as ReadEntry).size ?? 0
      problem ??= problemOf(path, entry as ReadEntry)
      if (files > MAX_FILES) problem ??= new UnsafeArchiveError(`The archive holds more than ${MAX_FILES} files`)
      if (problem === null) return true
      // Not thrown: the library is in the midst of its reading.
      tar.destroy(problem)
      return false
    },
    onReadEntry(entry) {
      // Neither setuid nor setgid, and the owner can always look at what was fetched.
      entry.mode = ((entry.mode ?? 0o600) & 0o777) | (entry.type === 'Directory' ? 0o700 : 0o600)
    },
  })
  await pipeline(tar, refuseCompressed(), unpack as unknown as NodeJS.WritableStream)
  if (problem !== null) throw problem
  return { files, bytes }
}

function refuseCompressed(): Transform {
  let head: Uint8Array = new Uint8Array()
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (head.length < GZIP.length)
        head = Buffer.concat([head, chunk.subarray(0, GZIP.length)]).subarray(0, GZIP.length)
      if (GZIP.equals(head)) done(new UnsafeArchiveError('The archive is not safe to unpack: it is compressed'))
      else done(null, chunk)
    },
  })
}

function problemOf(path: string, { type, linkpath }: ReadEntry): UnsafeArchiveError | null {
  if (!KINDS.has(type)) return unsafe(path, `is a ${type}`)
  if (leadsOut(path)) return unsafe(path, 'leads out of the folder')
  if (type === 'Link' && leadsOut(linkpath ?? '')) return unsafe(path, 'links to a file outside of the folder')
  if (type === 'SymbolicLink') {
    const target = linkpath ?? ''
    // Climbing after a step down is not what it looks like where that step is a link itself.
    if (
      target.startsWith('/') ||
      /(^|\/)(?!\.\.?\/)[^/]+\/\.\.(\/|$)/.test(target) ||
      leadsOut(posix.join(posix.dirname(path), target))
    ) {
      return unsafe(path, 'links out of the folder')
    }
  }
  return null
}

function leadsOut(path: string): boolean {
  const normal = posix.normalize(path)
  return (
    path.includes('\0') || path.includes('\\') || normal.startsWith('/') || normal === '..' || normal.startsWith('../')
  )
}

function unsafe(path: string, problem: string): UnsafeArchiveError {
  return new UnsafeArchiveError(`The archive is not safe to unpack: ${JSON.stringify(path.slice(0, 200))} ${problem}`)
}
