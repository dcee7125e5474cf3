import { ConnectionError, CortexError, NotFoundError } from './errors.ts'
import { type CallOptions, everyItem, part } from './resource.ts'
import { type Page, type Transport, wait } from './transport.ts'
import type { Paging, Upload } from './types.ts'

const BASE = '/plugin-core/uploads'
/** Sent with one request: what is lost where one breaks off, and how often progress is told. */
const PIECE_BYTES = 8 * 2 ** 20
/** Requests in a row that may break off before an upload does. */
const MOST_BREAKS = 5
/** How long one piece may take, in ms. */
const PIECE_MS = 300_000

/** What is uploaded: bytes, a text, a `File` of a page, or what gives the bytes from an offset on, as often as it is asked. */
export type UploadSource = Blob | Uint8Array | string | ((offset: number) => AsyncIterable<Uint8Array>)

/** What is said of an upload. */
export interface UploadOptions extends CallOptions {
  /** `folder`: a tar, whose entries a job finds at its input’s path. @default 'file' */
  type?: 'file' | 'folder'
  /** For people. */
  name?: string | undefined
  /** Told how many bytes the gateway has. */
  onProgress?: ((bytes: number) => void) | undefined
}

/** `client.uploads` */
export function uploadCalls(transport: Transport) {
  const list = async (paging: Paging = {}, options: CallOptions = {}): Promise<Page<Upload>> =>
    await transport.page({ method: 'GET', path: BASE, query: { ...paging }, ...options })
  const get = async (id: string, options: CallOptions = {}): Promise<Upload> =>
    await transport.data({ method: 'GET', path: `${BASE}/${part(id)}`, ...options })

  async function append(upload: Upload, piece: Piece, { signal }: CallOptions): Promise<Upload> {
    return await transport.data({
      method: 'PATCH',
      path: `${BASE}/${part(upload.id)}`,
      body: piece.bytes,
      headers: {
        'Content-Type': 'application/partial-upload',
        'Upload-Offset': String(piece.offset),
        'Upload-Complete': piece.isLast ? '?1' : '?0',
      },
      timeoutMs: PIECE_MS,
      signal,
    })
  }

  return {
    list,
    all: (paging: Paging = {}, options: CallOptions = {}): AsyncGenerator<Upload> =>
      everyItem((next) => list(next, options), paging),
    /** By id, or by the digest of what is complete. */
    get,
    /** The complete one of this digest; null where it has to be uploaded. */
    async find(digest: string, options: CallOptions = {}): Promise<Upload | null> {
      try {
        return await get(digest, options)
      } catch (error) {
        if (error instanceof NotFoundError) return null
        throw error
      }
    },
    /**
     * Uploads it, a piece after the other, going on where the gateway is where one breaks off. A job brings it by the
     * `digest` of the answer.
     */
    async create(source: UploadSource, options: UploadOptions = {}): Promise<Upload> {
      const { type = 'file', name, onProgress, signal } = options
      let upload: Upload = await transport.data({
        ...{ method: 'POST', path: BASE, query: { type, name }, signal },
        headers: { 'Upload-Complete': '?0' },
      })
      for (let breaks = 0; ; ) {
        try {
          for await (const piece of piecesOf(source, upload.offset)) {
            upload = await append(upload, piece, { signal })
            breaks = 0
            onProgress?.(upload.offset)
          }
          return upload
        } catch (error) {
          signal?.throwIfAborted()
          breaks += 1
          if (!isPassing(error) || breaks > MOST_BREAKS) throw error
          await wait(250 * 2 ** breaks, signal)
          upload = await get(upload.id, { signal })
          if (upload.complete) return upload
        }
      }
    },
    async delete(id: string, options: CallOptions = {}): Promise<void> {
      await transport.data({ method: 'DELETE', path: `${BASE}/${part(id)}`, ...options })
    },
  }
}

interface Piece {
  offset: number
  bytes: Blob
  isLast: boolean
}

/** From an offset on; the last one may be empty, since nothing says before where a stream ends. */
async function* piecesOf(source: UploadSource, from: number): AsyncGenerator<Piece> {
  if (typeof source !== 'function') {
    const all = source instanceof Blob ? source : new Blob([source as Uint8Array<ArrayBuffer>])
    for (let offset = from; ; offset += PIECE_BYTES) {
      const isLast = offset + PIECE_BYTES >= all.size
      yield { offset, bytes: all.slice(offset, offset + PIECE_BYTES), isLast }
      if (isLast) return
    }
  }
  let offset = from
  let held: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of source(from)) {
    held.push(chunk)
    bytes += chunk.length
    if (bytes < PIECE_BYTES) continue
    yield { offset, bytes: new Blob(held as Uint8Array<ArrayBuffer>[]), isLast: false }
    offset += bytes
    held = []
    bytes = 0
  }
  yield { offset, bytes: new Blob(held as Uint8Array<ArrayBuffer>[]), isLast: true }
}

/** Whether it broke off on its way: what arrived of it, the gateway knows. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof CortexError)) return false
  return error instanceof ConnectionError || (error.status ?? 0) >= 500 || error.code === 'UPLOAD_CONFLICT'
}
