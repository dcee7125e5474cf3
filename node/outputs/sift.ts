import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { extract, type Header, type Pack } from 'tar-stream'
import type { LeftOut } from '../../protocol/left-out.ts'
import { MAX_LEFT_OUT } from '../../protocol/limits.ts'
import { LONGEST_NAME, liesBehind, MOST_REMEMBERED } from '../tar-entries.ts'
import { tarMode, tarOf } from '../tar-of.ts'
import { asItIs, renaming } from './renaming.ts'

/** Read from the disk at a time, in bytes. */
const READ_BYTES = 256 * 1024
/** Entries in one archive. */
const MAX_ENTRIES = 1_000_000
/** Names of left out files that are remembered, because hard links may lead to them. */
const MAX_REMEMBERED = 10_000

/** Bytes of what is left out that are read to come to what follows it: a sparse file may pretend to be of any size. */
const MAX_PASSED_OVER = 256 * 2 ** 20

/** What is no file, folder or link has no place in an output. */
const KINDS: Readonly<Record<string, string>> = {
  fifo: 'is a pipe',
  'character-device': 'is a device',
  'block-device': 'is a device',
}

/** What is let through. */
export interface SiftInit {
  /** Names of the outputs themselves, e.g. `out` of `/data/out`: what lies beside them has no place. Null: all may stand side by side. */
  roots: readonly string[] | null
  /** Whether links may lead anywhere: where it is unpacked, nothing leads out. @default false */
  mayLinkOut?: boolean
  /** Whose all of it is to be. @default root's */
  owner?: { uid: number; gid: number }
  /** Of all contents together; what would go beyond it is left out. @default no bound */
  maxBytes?: number
  /** No more is waited for in the midst of something that is left out: what came before it is passed on. @default never */
  enough?: AbortSignal
}

/** An archive that is being sifted as it is read. */
export interface Sifted {
  /** The same archive without what has no place, owners and special bits. */
  tar: Readable
  /** What was left out, once the tar has been read; the last entry counts those beyond the bound. */
  leftOut(): LeftOut[]
  /** What was passed on: entries, and those of them that are no folders. */
  counts: { entries: number; files: number; bytes: number }
}

/** Several archives that are being sifted into one, within the same bounds. */
export interface Sieve extends Omit<Sifted, 'tar'> {
  /**
   * Passes on what of a tar has its place, and names the rest.
   * @param as what its one root is called in what is passed on. @default as it is
   */
  pass(source: Readable, out: Pack, roots: SiftInit['roots'], as?: string): Promise<void>
  leaveOut(name: string, reason: string): void
}

/**
 * Passes on what of a stranger's tar is safe to unpack, and names the rest: absolute and climbing paths, links that lead
 * out, devices and pipes, names that no other system can hold. One odd entry never stops the others; what is no tar does.
 */
export function siftTar(source: Readable, init: SiftInit): Sifted {
  const sieve = createSieve(init)
  const { leftOut, counts } = sieve
  return { tar: tarOf(async (out) => await sieve.pass(source, out, init.roots)), leftOut, counts }
}

/** What was in an archive before. */
interface Seen {
  /** Names of what was left out. */
  gone: Set<string>
  /** Behind these may be anything, where links may lead out. */
  links: Set<string>
}

/** @param init as of {@link siftTar}, for all archives together */
export function createSieve(init: Omit<SiftInit, 'roots'>): Sieve {
  const { maxBytes = Number.POSITIVE_INFINITY, enough, owner = {} } = init
  const named: LeftOut[] = []
  let remembered = 0
  const counts = { entries: 0, files: 0, bytes: 0 }
  let others = 0
  let entries = 0
  let passedOver = 0

  function leaveOut(name: string, reason: string): void {
    // A copy: a part of a text keeps all of it.
    const path = Buffer.from(name.slice(0, 1024)).toString()
    if (named.length < MAX_LEFT_OUT - 1) named.push({ path, reason })
    else others += 1
  }

  function reasonAgainst(header: Header, roots: SiftInit['roots'], { gone, links }: Seen): string | null {
    entries += 1
    const size = header.size ?? 0
    if (entries > MAX_ENTRIES) return `comes after ${MAX_ENTRIES} others`
    const odd = oddityOf(header, { ...init, roots })
    if (odd !== null) return odd
    if (init.mayLinkOut === true && liesBehind(links, plain(header.name))) return 'lies behind a link'
    if (header.type === 'symlink' && init.mayLinkOut === true) {
      remembered += header.name.length
      if (remembered > MOST_REMEMBERED) return 'is a link after too many others'
      links.add(plain(header.name))
    }
    if (header.type === 'link') {
      const target = plain(header.linkname ?? '')
      if (gone.has(target) || gone.size === MAX_REMEMBERED) return 'is the same file as one that was left out'
    }
    return counts.bytes + size > maxBytes ? `is larger than what may be kept (${size} bytes)` : null
  }

  async function pass(source: Readable, out: Pack, roots: SiftInit['roots'], as?: string): Promise<void> {
    const unpack = extract()
    const seen: Seen = { gone: new Set(), links: new Set() }
    const rename = as === undefined || roots?.[0] === undefined ? asItIs : renaming(roots[0], as)
    let isOver = false

    async function sift(): Promise<void> {
      for await (const entry of unpack) {
        const reason = reasonAgainst(entry.header, roots, seen)
        if (reason !== null) {
          const { name } = entry.header
          if (seen.gone.size < MAX_REMEMBERED && name.length <= LONGEST_NAME) seen.gone.add(plain(name))
          leaveOut(rename({ ...entry.header, linkname: '' }).name, reason)
          passedOver += entry.header.size ?? 0
          if (passedOver <= MAX_PASSED_OVER && (await passOver(entry as unknown as Readable))) continue
          leaveOut(as ?? roots?.[0] ?? '…', 'was read no further: that took too long')
          break
        }
        const { name, type, linkname, mtime, size = 0, mode = 0o600 } = rename(entry.header)
        counts.entries += 1
        if (type !== 'directory') counts.files += 1
        counts.bytes += size
        const link = linkname === null || linkname === undefined ? {} : { linkname }
        const time = mtime === undefined ? {} : { mtime }
        await pipeline(entry, out.entry({ name, type, size, ...link, ...time, mode: tarMode(mode & 0o777), ...owner }))
      }
      isOver = true
      source.destroy()
    }

    const reading = pipeline(source, unpack).catch((error: unknown) => {
      if (!isOver) throw error
    })
    try {
      await Promise.all([reading, sift()])
    } catch (error) {
      source.destroy()
      throw error
    }
  }

  /** False where there is no more time for it. */
  async function passOver(entry: Readable): Promise<boolean> {
    try {
      await finished(entry.resume(), { signal: enough, writable: false })
      return true
    } catch (error) {
      if (enough?.aborted !== true) throw error
      return false
    }
  }

  return {
    pass,
    leaveOut,
    leftOut: () => (others === 0 ? named : [...named, { path: '…', reason: `and ${others} more` }]),
    counts,
  }
}

/**
 * Takes out of a tar in a file what has no place in it; answers what that was.
 * @param onCopy told before a second file is written for that, as large as the first
 * @throws where it is no tar, and what `onCopy` throws
 */
export async function siftFile(path: string, init: SiftInit, onCopy?: () => Promise<void>): Promise<LeftOut[]> {
  const looked = siftTar(createReadStream(path, { highWaterMark: READ_BYTES }), init)
  for await (const _chunk of looked.tar);
  // Written anew only where there is something odd, which an honest provider has left out already.
  if (looked.leftOut().length === 0) return []
  await onCopy?.()
  const sifted = `${path}.sifted`
  try {
    const again = siftTar(createReadStream(path, { highWaterMark: READ_BYTES }), init)
    await pipeline(again.tar, createWriteStream(sifted, { mode: 0o600 }))
    await rename(sifted, path)
    return again.leftOut()
  } finally {
    await rm(sifted, { force: true })
  }
}

function oddityOf({ name, type, linkname }: Header, { roots, mayLinkOut = false }: SiftInit): string | null {
  const target = linkname ?? ''
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory' && type !== 'symlink' && type !== 'link') {
    return KINDS[type ?? ''] ?? 'is of an unknown kind'
  }
  if (name.length > LONGEST_NAME || target.length > LONGEST_NAME)
    return `has a name of more than ${LONGEST_NAME} letters`
  if (name.includes('\ufffd')) return 'has a name that is no UTF-8'
  if (name.includes('\\')) return 'has a backslash in its name'
  if (leadsOut(name)) return 'leads out of the folder'
  const isIn = (path: string): boolean =>
    roots === null || roots.some((root) => path === root || path.startsWith(`${root}/`))
  if (!isIn(plain(name))) return `lies beside ${roots?.join(', ')}`
  if (type === 'link' && leadsOut(target)) return 'is the same file as one elsewhere'
  if (type === 'symlink' && !mayLinkOut) {
    // Climbing after a step down is not what it looks like where that step is a link itself.
    const climbs = /(^|\/)(?!\.\.?\/)[^/]+\/\.\.(\/|$)/.test(target)
    const end = plain(posix.join(posix.dirname(name), target))
    if (target.startsWith('/') || climbs || leadsOut(end) || !isIn(end)) return 'links out of the folder'
  }
  return null
}

function plain(path: string): string {
  return posix.normalize(path).replace(/\/$/, '')
}

function leadsOut(path: string): boolean {
  const normal = posix.normalize(path)
  return path.includes('\0') || normal.startsWith('/') || normal === '..' || normal.startsWith('../')
}
