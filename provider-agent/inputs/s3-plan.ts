/** What of a bucket is to come, in which pieces, and where each is to lie in the file: an object as it is, a folder as a tar. */

import { createHash } from 'node:crypto'
import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import type { S3, S3Object } from '../../node/network/s3.ts'
import { S3Error } from '../../node/network/s3.ts'
import { breathe } from '../../node/turns.ts'
import type { S3Source } from '../../protocol/s3-object.ts'
import { DataError } from './data-error.ts'

/** What one request brings, in bytes. */
export const PIECE_BYTES = 8 * 2 ** 20
/** Objects of one folder, and letters of all their names: both are held while they come. */
const MAX_OBJECTS = 100_000
const MAX_NAMES = 16 * 2 ** 20
const BLOCK = 512

/** One request. */
export interface S3Piece {
  key: string
  /** What it is to be of; null where the server says nothing that tells one content from another. */
  etag: string | null
  /** Where it begins in the object; null where it is all of it, and no part is asked for. */
  from: number | null
  bytes: number
  /** Where it lies in the file. */
  at: number
}

/** All that is to come. */
export interface S3Plan {
  /** Of these objects, as they are now, and of no others. */
  digest: string
  /** Bytes of the file. */
  bytes: number
  pieces: S3Piece[]
  /** What stands before the content of each, where the file is a tar: written as it is asked for. */
  headers(): Generator<{ at: number; block: Buffer }>
}

/** What a plan is made for. */
export interface S3PlanWanted {
  source: S3Source
  /** Of the input, for the job's owner. */
  path: string
  /** The content may have so many bytes. */
  maxBytes: number
}

/** Asks what is there. @throws {DataError} @throws {S3Error} @throws {OutsideError} */
export async function planOf(s3: S3, wanted: S3PlanWanted, signal: AbortSignal): Promise<S3Plan> {
  const { key, prefix = '' } = wanted.source
  return key === undefined ? await folderPlan(s3, prefix, wanted, signal) : await filePlan(s3, key, wanted, signal)
}

async function filePlan(s3: S3, key: string, { path, maxBytes }: S3PlanWanted, signal: AbortSignal): Promise<S3Plan> {
  const { bytes, etag, hasParts } = await lookAt(s3, key, signal)
  if (bytes > maxBytes) throw new DataError('larger-than-storage', path)
  const object = { key, bytes, etag: etag ?? '' }
  const pieces = hasParts ? piecesOf(object, 0) : [{ key, etag, from: null, bytes, at: 0 }]
  return { digest: await digestOf([object]), bytes, pieces: bytes === 0 ? [] : pieces, headers: function* none() {} }
}

/** What an object is, told by its first bytes: an answer without a body would not say what is wrong. */
async function lookAt(s3: S3, key: string, signal: AbortSignal) {
  const answer = await s3
    .send({ method: 'GET', key, headers: { range: 'bytes=0-1' }, signal })
    .catch(async (error: unknown) => {
      // An object without bytes has no first one.
      if (!(error instanceof S3Error) || error.code !== 'range') throw error
      return await s3.send({ method: 'HEAD', key, signal })
    })
  answer.destroy()
  const [, total] = /^bytes 0-[01]\/(\d{1,15})$/.exec(answer.headers['content-range'] ?? '') ?? []
  const length = total ?? answer.headers['content-length'] ?? ''
  if (!/^\d{1,15}$/.test(length)) throw new S3Error('not-given', `${s3.host} does not say how large it is`)
  const etag = strong(answer.headers.etag)
  return { bytes: Number(length), etag, hasParts: total !== undefined && etag !== null }
}

function strong(etag: string | undefined): string | null {
  return etag !== undefined && /^"[\x21\x23-\x7e]{1,1024}"$/.test(etag) ? etag : null
}

function piecesOf({ key, bytes, etag }: S3Object, at: number): S3Piece[] {
  const tag = strong(etag)
  if (bytes === 0) return []
  if (bytes <= PIECE_BYTES || tag === null) return [{ key, etag: tag, from: null, bytes, at }]
  return Array.from({ length: Math.ceil(bytes / PIECE_BYTES) }, (_, i) => {
    const from = i * PIECE_BYTES
    return { key, etag: tag, from, bytes: Math.min(PIECE_BYTES, bytes - from), at: at + from }
  })
}

async function folderPlan(s3: S3, prefix: string, wanted: S3PlanWanted, signal: AbortSignal): Promise<S3Plan> {
  const root = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const objects = await objectsUnder(s3, root, wanted, signal)
  const pieces: S3Piece[] = []
  let at = 0
  for (const object of objects) {
    await breathe()
    at += headerOf(object, root).length
    for (const piece of piecesOf(object, at)) pieces.push(piece)
    at += padded(object.bytes)
  }
  function* headers(): Generator<{ at: number; block: Buffer }> {
    let place = 0
    for (const object of objects) {
      const block = headerOf(object, root)
      yield { at: place, block }
      place += block.length + padded(object.bytes)
    }
  }
  // A tar ends with two blocks of nothing.
  return { digest: await digestOf(objects), bytes: at + 2 * BLOCK, pieces, headers }
}

async function objectsUnder(s3: S3, root: string, { path, maxBytes }: S3PlanWanted, signal: AbortSignal) {
  const objects: S3Object[] = []
  const files = new Set<string>()
  const folders = new Set<string>()
  let bytes = 0
  let letters = 0
  for await (const object of s3.list(root, signal)) {
    await breathe()
    if (object.key === root) continue
    letters += object.key.length
    if (objects.length >= MAX_OBJECTS || letters > MAX_NAMES) {
      const most = `has more than ${MAX_OBJECTS} objects, or names of more than ${MAX_NAMES} letters in all`
      throw new DataError('bucket-too-many', path, most)
    }
    const odd = oddityOf(object, root, { files, folders })
    if (odd !== null) throw new DataError('unsafe-archive', path, `${JSON.stringify(object.key.slice(0, 256))} ${odd}`)
    bytes += object.bytes
    if (bytes > maxBytes) throw new DataError('larger-than-storage', path)
    objects.push(object)
  }
  if (objects.length > 0) return objects
  throw new S3Error('not-found', `${s3.host} has nothing whose name begins so`)
}

/** Why what is called so cannot stand in a folder with the others; null where it can. */
function oddityOf(
  { key, bytes }: S3Object,
  root: string,
  seen: { files: Set<string>; folders: Set<string> },
): string | null {
  if (!key.startsWith(root)) return 'was not asked for'
  const isFolder = key.endsWith('/')
  const name = key.slice(root.length, isFolder ? -1 : undefined)
  const parts = name.split('/')
  if (isFolder && bytes > 0) return 'has a name that ends with / and is no folder'
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'has a part in its name that is empty or of dots'
  if (/[\0\ufffd]/.test(name) || !name.isWellFormed()) return 'has a name that is no UTF-8'
  const above = parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'))
  if (above.some((one) => seen.files.has(one))) return 'lies in something that is a file itself'
  if (seen.files.has(name) || (!isFolder && seen.folders.has(name))) return 'is a file and a folder, or there twice'
  for (const one of isFolder ? [...above, name] : above) seen.folders.add(one)
  if (!isFolder) seen.files.add(name)
  return null
}

/** For everybody to read and, as it may be a program, to execute. */
function headerOf({ key, bytes }: S3Object, root: string): Buffer {
  const type = key.endsWith('/') ? 'Directory' : 'File'
  const entry = {
    path: key.slice(root.length),
    size: bytes,
    mode: 0o755,
    mtime: new Date(0),
    type,
    uid: 0,
    gid: 0,
  } as const
  const header = new Header(entry)
  header.encode()
  const block = header.block as Buffer
  return header.needPax ? Buffer.concat([new Pax({ path: entry.path, size: bytes }).encode(), block]) : block
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK
}

async function digestOf(objects: readonly S3Object[]): Promise<string> {
  const hash = createHash('sha256')
  for (const { key, bytes, etag } of objects) {
    await breathe()
    hash.update(`${JSON.stringify([key, bytes, etag])}\n`)
  }
  return hash.digest('hex')
}
