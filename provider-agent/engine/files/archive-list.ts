import type { Readable } from 'node:stream'
import type { Header } from 'tar-stream'
import { entriesOf } from '../../../node/tar-entries.ts'
import type { FileType } from '../../../protocol/file-messages.ts'
import type { ContainerFile, Listing, ListPage } from '../file-access.ts'
import { MAX_NAMES, pageOf } from './kernel-list.ts'

/** Contents that are read to come to the headers between them, in bytes. */
const MAX_READ_BYTES = 2 ** 30

const TYPES: Readonly<Record<string, FileType>> = {
  file: 'file',
  'contiguous-file': 'file',
  link: 'file',
  directory: 'folder',
  symlink: 'link',
  fifo: 'pipe',
  'character-device': 'device',
  'block-device': 'device',
}

/** Lists a folder by the headers of its archive, whose contents are all read: where nothing else can look into it. */
export async function listArchive(tar: Readable, page: ListPage): Promise<Listing> {
  const found: ContainerFile[] = []
  let read = 0
  let incomplete = false
  tar.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  try {
    for await (const entry of entriesOf(tar)) {
      const file = childOf(entry.header)
      if (file !== null) found.push(file)
      incomplete = read > MAX_READ_BYTES || found.length >= MAX_NAMES
      if (incomplete) break
      entry.resume()
    }
  } finally {
    tar.destroy()
  }
  const { items, more } = pageOf(found, page, ({ name }) => name)
  return { entries: items, total: found.length, more, incomplete }
}

/** What stands in the folder itself; null for the folder, and what stands deeper. */
function childOf({ name, type, size, mode, mtime, linkname }: Header): ContainerFile | null {
  const parts = name
    .replace(/^\.?\//, '')
    .replace(/\/$/, '')
    .split('/')
  const [, child, ...deeper] = parts
  if (child === undefined || child === '' || deeper.length > 0) return null
  const kind = TYPES[type ?? ''] ?? 'other'
  return {
    name: child,
    type: kind,
    size: kind === 'file' ? (size ?? 0) : 0,
    mode: (mode ?? 0) & 0o7777,
    mtimeMs: mtime?.getTime() ?? 0,
    target: kind === 'link' ? (linkname ?? '') : '',
  }
}
