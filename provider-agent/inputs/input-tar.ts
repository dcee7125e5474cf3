/** What the engine is given to unpack into an input's volume: a file, or what of a stranger's tar is safe. */

import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header, type Pack } from 'tar-stream'
import { LONGEST_NAME, liesBehind, MOST_REMEMBERED } from '../../node/tar-entries.ts'
import { tarMode, tarOf } from '../../node/tar-of.ts'
import { INPUT_ROOT } from '../engine/input-volumes.ts'
import { DataError } from './data-error.ts'

/** What a file is called in its volume. */
export const FILE_NAME = 'file'

/** Read from the disk at a time, in bytes. */
const READ_BYTES = 256 * 1024
/** Entries in one folder. */
const MAX_ENTRIES = 1_000_000
/** What an entry takes of the disk beside its content, in bytes. */
const ENTRY_BYTES = 4_096

/** A tar on its way, and what came of it once it was read. */
export interface InputTar {
  tar: Readable
  /** What it takes of the disk, in bytes. */
  size(): number
}

/** A file under {@link FILE_NAME}, for everybody to read and, as it may be a program, to execute. */
export function fileTar(path: string, bytes: number): InputTar {
  const header = { name: `${INPUT_ROOT}/${FILE_NAME}`, size: bytes, mode: 0o755, mtime: new Date(0) }
  const tar = tarOf(
    async (out) => await pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), out.entry(header)),
  )
  return { tar, size: () => bytes + ENTRY_BYTES }
}

/**
 * The same tar, once each entry was looked at. Symbolic links are kept whatever they say: they mean something in the container
 * alone. The engine unpacks in a container that never runs, and this is so that nobody has to rely on that: names that lead
 * out, entries behind a link, hard links to what is not in the archive, devices, pipes and sparse files end it.
 *
 * @param input its place in the job, for its owner
 */
export function folderTar(path: string, input: string): InputTar {
  const unpack = extract()
  const links = new Set<string>()
  const files = new Set<string>()
  let entries = 0
  let bytes = 0
  let remembered = 0

  async function pass(out: Pack): Promise<void> {
    for await (const entry of unpack) {
      const { header } = entry
      entries += 1
      remembered += header.name.length
      const isMuch = entries > MAX_ENTRIES || remembered > MOST_REMEMBERED
      const odd = isMuch
        ? `has more than ${MAX_ENTRIES} entries, or names of more than ${MOST_REMEMBERED} letters in all`
        : oddityOf(header, { links, files })
      if (odd !== null) throw new DataError('unsafe-archive', input, odd)
      const { name, type, linkname, size = 0, mode = 0o644, uid = 0, gid = 0, mtime } = header
      const plain = posix.normalize(name).replace(/\/$/, '')
      if (type === 'symlink') links.add(plain)
      if (type === 'file' || type === 'contiguous-file') files.add(plain)
      bytes += size
      const target =
        type === 'link' ? { linkname: placed(linkname ?? '') } : typeof linkname === 'string' ? { linkname } : {}
      const times = mtime === undefined ? {} : { mtime }
      const sink = out.entry({ name: placed(name), type, size, uid, gid, mode: tarMode(mode), ...target, ...times })
      await pipeline(entry, sink)
    }
  }

  /** An error of the file system is told as it is; any other is the archive's. */
  async function write(out: Pack): Promise<void> {
    try {
      await Promise.all([pipeline(createReadStream(path), unpack), pass(out)])
    } catch (error) {
      unpack.destroy()
      const isKnown = error instanceof DataError || typeof (error as NodeJS.ErrnoException).errno === 'number'
      throw isKnown ? error : new DataError('unsafe-archive', input, 'is no tar, or ends before its end')
    }
  }

  return { tar: tarOf(write), size: () => bytes + entries * ENTRY_BYTES }
}

/** Where an entry stands in what the engine unpacks. */
function placed(name: string): string {
  return posix.join(INPUT_ROOT, name)
}

/** What of the archive came before. */
interface Seen {
  links: ReadonlySet<string>
  files: ReadonlySet<string>
}

const KINDS = new Set(['file', 'contiguous-file', 'directory', 'symlink', 'link'])

function oddityOf({ name, type, linkname, pax }: Header, { links, files }: Seen): string | null {
  const what = JSON.stringify(name.slice(0, 256))
  if (!KINDS.has(type ?? '')) return `${what} is neither a file nor a folder nor a link`
  if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'))) return `${what} is a sparse file`
  if (name.length > LONGEST_NAME || (linkname ?? '').length > LONGEST_NAME)
    return `${what} has a name of more than ${LONGEST_NAME} letters`
  if (name.includes('\ufffd')) return `${what} has a name that is no UTF-8`
  if (leadsOut(name)) return `${what} leads out of the folder`
  const plain = posix.normalize(name).replace(/\/$/, '')
  if (type !== 'directory' && plain === '.') return 'its first entry is no folder'
  if (liesBehind(links, plain)) return `${what} lies behind a link`
  if (type === 'directory' && links.has(plain)) return `${what} is a link and a folder`
  if (type !== 'link') return null
  const target = linkname ?? ''
  const isHere = !leadsOut(target) && files.has(posix.normalize(target))
  return isHere ? null : `${what} is the same file as one that is not in the folder before it`
}

function leadsOut(path: string): boolean {
  const normal = posix.normalize(path)
  return path === '' || path.includes('\0') || normal.startsWith('/') || normal === '..' || normal.startsWith('../')
}
