/** What an earlier job left, as a later one brings it: a file as it is, a folder as a tar of what is in it. */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Header, Pack } from 'tar-stream'
import { entriesOf, liesBehind, MOST_REMEMBERED } from '../tar-entries.ts'
import { addEmpty, tarMode, tarOf } from '../tar-of.ts'
import type { Outputs } from './index.ts'
import { entryName, findPart, type PlacedHeader } from './part.ts'

/** Files beside a folder that files in it are the same as; those beyond are left out. */
const MAX_OUTSIDE = 10_000

/** A file or folder of a kept output. */
export interface BroughtOn {
  folder: boolean
  /** Its bytes, the same for each call. @throws where they are not kept any more */
  open(): Promise<Readable>
}

/** What is said of every entry. */
type OwnHeader = Parameters<Pack['entry']>[0]

/** Where the contents of a file stand in the tar. */
interface Span {
  offset: number
  size: number
}

/**
 * A file or folder of a kept output, links within it followed; null where there is none of that name.
 * @param path as its entry in the tar is called; empty is the folder that all of its entries are in
 */
export async function broughtOn(
  outputs: Pick<Outputs, 'open'>,
  jobId: string,
  path: string,
): Promise<BroughtOn | null> {
  if (path === '') return { folder: true, open: async () => await folderOf(outputs, jobId, '') }
  const part = await findPart(outputs, jobId, path)
  if (part === null) return null
  if (part.type === 'file') return { folder: false, open: async () => await contentsOf(outputs, jobId, part) }
  return { folder: true, open: async () => await folderOf(outputs, jobId, part.path) }
}

async function contentsOf(outputs: Pick<Outputs, 'open'>, jobId: string, { offset, size }: Span): Promise<Readable> {
  return size === 0 ? Readable.from([]) : await opened(outputs, jobId, { offset, length: size })
}

async function opened(outputs: Pick<Outputs, 'open'>, jobId: string, part?: { offset: number; length: number }) {
  const kept = await outputs.open(jobId, part)
  if (kept === null) throw new Error('The output is not kept any more')
  return kept.stream
}

/**
 * Its entries are called from the folder on. Owners and special bits are dropped, as in all outputs, and what stands behind a
 * link, which no container can leave. A file that is the same as one beside the folder is a file of its own here.
 */
async function folderOf(outputs: Pick<Outputs, 'open'>, jobId: string, folder: string): Promise<Readable> {
  const outside = await outsideOf(outputs, jobId, folder)
  const links = new Set<string>()
  let remembered = 0
  /** The first of those that are the same as a file outside, by that. */
  const firsts = new Map<string, string>()

  async function add(out: Pack, name: string, header: Header, entry: Readable): Promise<void> {
    const { type, size = 0, linkname } = header
    const target = linkname ?? ''
    const own = ownHeader(header, name)
    if (type === 'directory') await addEmpty(out, { ...own, name: `${name}/`, type })
    else if (type === 'symlink') {
      remembered += name.length
      if (remembered > MOST_REMEMBERED) return
      links.add(name)
      await addEmpty(out, { ...own, type, linkname: target })
    } else if (type === 'link') await addSame(out, own, entryName(target))
    else await pipeline(entry, out.entry({ ...own, type: 'file', size }))
  }

  async function addSame(out: Pack, own: OwnHeader, target: string): Promise<void> {
    const linkname = nameIn(folder, target) ?? firsts.get(target)
    if (linkname !== undefined) return await addEmpty(out, { ...own, type: 'link', linkname })
    const span = outside.get(target)
    if (span === undefined) return
    firsts.set(target, own.name)
    await pipeline(await contentsOf(outputs, jobId, span), out.entry({ ...own, type: 'file', size: span.size }))
  }

  const tar = await opened(outputs, jobId)
  return tarOf(async (out) => {
    try {
      for await (const entry of entriesOf(tar)) {
        const name = nameIn(folder, entryName(entry.header.name))
        if (name !== undefined && !links.has(name) && !liesBehind(links, name)) {
          await add(out, name, entry.header, entry as unknown as Readable)
        }
        entry.resume()
      }
    } finally {
      tar.destroy()
    }
  })
}

/** Where the files beside the folder stand that files in it are the same as. */
async function outsideOf(
  outputs: Pick<Outputs, 'open'>,
  jobId: string,
  folder: string,
): Promise<ReadonlyMap<string, Span>> {
  const wanted = new Set<string>()
  let remembered = 0
  await eachHeader(outputs, jobId, ({ type, name, linkname }) => {
    if (type !== 'link' || nameIn(folder, entryName(name)) === undefined || wanted.size >= MAX_OUTSIDE) return
    const target = entryName(linkname ?? '')
    if (nameIn(folder, target) !== undefined) return
    remembered += target.length
    if (remembered <= MOST_REMEMBERED) wanted.add(target)
  })
  const spans = new Map<string, Span>()
  if (wanted.size === 0) return spans
  await eachHeader(outputs, jobId, ({ type, name, size = 0, byteOffset: offset }) => {
    const isFile = type === 'file' || type === 'contiguous-file'
    if (isFile && wanted.has(entryName(name))) spans.set(entryName(name), { offset, size })
  })
  return spans
}

async function eachHeader(outputs: Pick<Outputs, 'open'>, jobId: string, look: (header: PlacedHeader) => void) {
  const tar = await opened(outputs, jobId)
  try {
    for await (const entry of entriesOf(tar)) {
      look(entry.header as PlacedHeader)
      entry.resume()
    }
  } finally {
    tar.destroy()
  }
}

/** What an entry is called from a folder on; undefined where it is not in it. */
function nameIn(folder: string, name: string): string | undefined {
  if (folder === '') return name
  if (name === folder) return '.'
  return name.startsWith(`${folder}/`) ? name.slice(folder.length + 1) : undefined
}

function ownHeader({ mode = 0o644, mtime }: Header, name: string): OwnHeader {
  return { name, mode: tarMode(mode & 0o777), uid: 0, gid: 0, ...(mtime === undefined ? {} : { mtime }) }
}
