/** What is on this machine, as jobs bring it: a file as it is, a folder as a tar that is the same wherever it is made. */

import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { addContent, addEmpty, tarOf } from '../tar-of.ts'

/** What stands in a name for bytes that are no UTF-8: under it nothing is found. */
const NOT_UTF8 = '\ufffd'

/** What is read as a whole, in bytes; and how many such files of a folder are read before their turn: 1 MiB in memory for each folder on the way down. */
const SMALL_BYTES = 64 * 1024
const AHEAD = 16

/** A file or folder that is read as it is asked for. */
export interface LocalInput {
  folder: boolean
  /** For people. */
  name: string
  /** What its bytes are; once for each call. */
  open(): Readable
  /** What of it is not in there, each with why; once it was read. */
  leftOut(): string[]
}

/** @throws where there is nothing at the path */
export async function localInput(path: string): Promise<LocalInput> {
  const found = await stat(path)
  const name = basename(resolve(path))
  if (found.isFile()) return { folder: false, name, open: () => createReadStream(path), leftOut: () => [] }
  if (!found.isDirectory())
    throw Object.assign(new Error(`${path} is neither a file nor a folder`), { code: 'ENOTSUP' })
  const leftOut = new Set<string>()
  return { folder: true, name, open: () => tarOfFolder(path, leftOut), leftOut: () => [...leftOut] }
}

/**
 * Sorted names, numbers for owners, and no time but that of the last change, in whole seconds: so a folder that did not change
 * has the same digest.
 */
function tarOfFolder(root: string, leftOut: Set<string>): Readable {
  const seen = new Map<string, string>()

  async function add(out: Pack, path: string, name: string, { found, content }: Looked): Promise<void> {
    const header = { name, mode: found.mode, uid: found.uid, gid: found.gid, mtime: wholeSeconds(found) }
    if (found.isDirectory()) {
      await addEmpty(out, { ...header, name: `${name}/`, type: 'directory' })
      const inside = (child: string): string => (name === '.' ? child : `${name}/${child}`)
      const isOdd = (child: string): boolean => child.includes(NOT_UTF8)
      const children = (await readdir(path)).toSorted(byCodeUnits)
      for (const child of children.filter(isOdd)) leftOut.add(`${inside(child)} has a name that is no UTF-8`)
      const known = children.filter((child) => !isOdd(child))
      for await (const [child, looked] of lookedAhead(known, async (next) => await look(join(path, next)))) {
        await add(out, join(path, child), inside(child), looked)
      }
    } else if (found.isSymbolicLink()) {
      await addEmpty(out, { ...header, type: 'symlink', linkname: await readlink(path) })
    } else if (found.isFile()) {
      const id = `${found.dev}:${found.ino}`
      const first = found.nlink > 1 ? seen.get(id) : undefined
      if (first !== undefined) return await addEmpty(out, { ...header, type: 'link', linkname: first })
      if (found.nlink > 1) seen.set(id, name)
      if (content !== null) return await addContent(out, { ...header, type: 'file' }, content)
      await pipeline(createReadStream(path), out.entry({ ...header, type: 'file', size: found.size }))
    } else leftOut.add(`${name} is neither a file nor a folder nor a link`)
  }

  const top = root.endsWith('/') ? root : `${root}/`
  return tarOf(async (out) => await add(out, top, '.', await look(top)))
}

/** What is at a path. */
interface Looked {
  found: Stats
  /** Of a small file; null of all else. */
  content: Buffer | null
}

async function look(path: string): Promise<Looked> {
  const found = await lstat(path)
  return { found, content: found.isFile() && found.size <= SMALL_BYTES ? await readFile(path) : null }
}

/** Each with what was seen of it, in their order; some are looked at before it is their turn. */
async function* lookedAhead<T>(names: string[], task: (name: string) => Promise<T>): AsyncGenerator<[string, T]> {
  const coming: Promise<T>[] = []
  for (const [i, name] of names.entries()) {
    for (let next = i + coming.length; coming.length < AHEAD && next < names.length; next += 1) {
      const looked = task(names[next] as string)
      looked.catch(() => undefined) // heard of when it is its turn
      coming.push(looked)
    }
    yield [name, await (coming.shift() as Promise<T>)]
  }
}

function wholeSeconds({ mtimeMs }: Stats): Date {
  return new Date(Math.floor(mtimeMs / 1000) * 1000)
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Reads all of it once. */
export async function digestOfInput(input: Pick<LocalInput, 'open'>): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of input.open()) {
    hash.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes }
}

/** Without what comes before the offset. */
export async function* fromOffset(source: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array> {
  let left = offset
  for await (const chunk of source) {
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}
