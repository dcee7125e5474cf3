import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import type { FileLook, JobFile, JobFiles, WrittenFiles } from '../../node/reach/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { type Revocation, revokedError } from '../auth/index.ts'
import { attachmentHeaders } from '../http/attachment.ts'
import { type ByteRange, rangeHeaders, rangeOf } from '../http/byte-range.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import type { Shares } from '../http/shares.ts'

/** Files as bytes. */
export const BYTES = 'application/octet-stream'
/** Folders, or anything, as a tar. */
export const TAR = 'application/x-tar'

const TIME = '2026-01-31T12:00:00.000Z'
const FILE = { name: 'model.bin', type: 'file', size: 1024, mode: '0644', mtime: TIME, linkTarget: null } as const
const FOLDER = { name: 'data', type: 'folder', size: 0, mode: '0755', mtime: TIME, linkTarget: null } as const

/** A folder that was looked at, for the document of the API. */
export const FOLDER_EXAMPLE = {
  ...{ path: '/data', ...FOLDER, entries: [FILE], total: 1, complete: true, nextCursor: null },
}
const BINARY = { schema: { type: 'string' as const, format: 'binary' } }
/** What is sent to be written, for the document of the API. */
export const FILE_BODY = {
  required: true,
  description: 'Bytes of a file, or a tar to be unpacked.',
  content: { [BYTES]: BINARY, [TAR]: BINARY },
}

/** What {@link createFileTransfer} works with. */
export interface FileTransferComponents {
  /** Each by the id of what it is in: a job, a volume. */
  files: Pick<JobFiles, 'look' | 'read' | 'write'>
  revocation: Pick<Revocation, 'watch'>
  shares: Shares
  /** Throws what an error is to the API. @default as it is */
  inWords?: (error: unknown) => never
}

/** Files at a provider over HTTP, for as long as whoever asked may and is there. */
export interface FileTransfer {
  /** Runs what is asked for at once. */
  held<T>(c: GatewayContext, task: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Of a folder what it holds; of `limit` 0 what is there alone. */
  look(
    c: GatewayContext,
    id: string,
    path: string,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<FileLook>
  /** What is there, as `HEAD` says it. */
  head(c: GatewayContext, id: string, path: string, asTar: boolean): Promise<Response>
  /** A path as a tar. */
  sendTar(c: GatewayContext, id: string, path: string): Promise<Response>
  /** A file, or the part of it that was asked for. @param size as it was looked at */
  sendFile(c: GatewayContext, id: string, path: string, size: number): Promise<Response>
  /** The body as a file, or as a tar that is unpacked. */
  receive(c: GatewayContext, id: string, path: string, mode: number | undefined): Promise<WrittenFiles>
}

/** @param components.files what is transferred */
export function createFileTransfer(components: FileTransferComponents): FileTransfer {
  const { files, revocation, shares, inWords = asItIs } = components

  function hold(c: GatewayContext): { signal: AbortSignal; release: () => void } {
    const principal = principalOf(c)
    const giveBack = shares.take(c, principal)
    const over = new AbortController()
    const forget = revocation.watch(principal, () => over.abort(revokedError()))
    const release = (): void => {
      forget()
      giveBack()
    }
    return { signal: AbortSignal.any([over.signal, c.req.raw.signal]), release }
  }

  async function held<T>(c: GatewayContext, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal, release } = hold(c)
    return await task(signal).catch(inWords).finally(release)
  }

  async function send(
    c: GatewayContext,
    { id, path }: { id: string; path: string },
    how: { tar: true } | { range: ByteRange | null },
  ): Promise<Response> {
    const { signal, release } = hold(c)
    const range = 'tar' in how ? null : how.range
    const asked = 'tar' in how ? { tar: true } : range === null ? {} : { offset: range.from, length: range.length }
    const { file, content } = await files.read(id, path, asked, signal).catch((error: unknown) => {
      release()
      return inWords(error)
    })
    content.once('close', release)
    const sized = 'tar' in how ? {} : rangeHeaders(range, file.size)
    const headers = { ...headersOf(file), ...sized, ...attachment(file, 'tar' in how) }
    return c.body(Readable.toWeb(content) as ReadableStream, range === null ? 200 : 206, headers)
  }

  async function look(
    c: GatewayContext,
    id: string,
    path: string,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
  ): Promise<FileLook> {
    const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString()
    return await held(c, async (signal) => await files.look(id, path, { limit, after }, signal))
  }

  return {
    ...{ held, look },
    async head(c, id, path, asTar) {
      const { file } = await look(c, id, path, { limit: 0 })
      return c.body(null, 200, { ...headersOf(file), ...attachment(file, asTar), ...sizeOf(file, asTar) })
    },
    sendTar: async (c, id, path) => await send(c, { id, path }, { tar: true }),
    sendFile: async (c, id, path, size) => await send(c, { id, path }, { range: rangeOf(c.req.header('range'), size) }),
    async receive(c, id, path, mode) {
      const tar = /^application\/(x-)?tar\s*(;|$)/i.test(c.req.header('content-type') ?? '')
      const how = { tar, ...(mode === undefined ? {} : { mode }) }
      const { body } = c.req.raw
      const source = body === null ? Readable.from([]) : Readable.fromWeb(body as WebStream)
      source.on('error', () => undefined) // whoever reads it hears of it
      try {
        return await held(c, async (signal) => {
          const broken = (): void => void source.destroy(signal.reason)
          signal.addEventListener('abort', broken, { once: true })
          return await files.write(id, path, how, source as AsyncIterable<Uint8Array>, signal)
        })
      } finally {
        source.destroy()
      }
    },
  }
}

function asItIs(error: unknown): never {
  throw error
}

/** Whether a tar was asked for, by the query or by what is accepted. */
export function wantsTar(c: GatewayContext, as: string | undefined): boolean {
  return as === 'tar' || (as === undefined && (c.req.header('accept') ?? '').includes(TAR))
}

function headersOf({ type, mode, mtimeMs }: JobFile): Record<string, string> {
  return {
    'X-File-Type': type,
    'X-File-Mode': modeText(mode),
    'Last-Modified': new Date(mtimeMs).toUTCString(),
    ...(type === 'file' ? { 'Accept-Ranges': 'bytes' } : {}),
  }
}

function sizeOf({ type, size }: JobFile, asTar: boolean): Record<string, string> {
  return type === 'file' && !asTar ? { 'Content-Length': String(size) } : {}
}

function attachment({ name }: JobFile, asTar: boolean): Record<string, string> {
  const shown = name === '' || name === '/' ? 'root' : name
  return asTar ? attachmentHeaders(`${shown}.tar`, TAR) : attachmentHeaders(shown, BYTES)
}

/** What was found, as the API shows it. @param path as asked for */
export function viewOf(path: string, { file, entries, total, more, incomplete }: FileLook) {
  const isFolder = file.type === 'folder'
  const last = entries.at(-1)
  return {
    ...{ path, ...fileView(file) },
    entries: isFolder ? entries.map(fileView) : null,
    total: isFolder ? total : null,
    complete: !incomplete,
    nextCursor: more && last !== undefined ? Buffer.from(last.name).toString('base64url') : null,
  }
}

function fileView({ name, type, size, mode, mtimeMs, target }: JobFile) {
  const linkTarget = type === 'link' ? target : null
  return { name, type, size, mode: modeText(mode), mtime: isoTime(mtimeMs), linkTarget }
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
