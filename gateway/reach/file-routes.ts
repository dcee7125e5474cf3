import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { type FileLook, type JobFile, ReachError } from '../../node/reach/index.ts'
import { JobStateError } from '../../node/store/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { revokedError } from '../auth/index.ts'
import { success } from '../contract/envelope.ts'
import {
  fileLookSchema,
  filesQuery,
  removedFileSchema,
  removeFilesQuery,
  writeFilesQuery,
  writtenFilesSchema,
} from '../contract/files.ts'
import { attachmentHeaders } from '../http/attachment.ts'
import { type ByteRange, rangeHeaders, rangeOf } from '../http/byte-range.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { REACH_ERRORS } from '../http/reach-error.ts'
import { jobParams, visibleJob } from '../jobs/index.ts'
import type { TunnelComponents } from './tunnel-route.ts'

const BYTES = 'application/octet-stream'
const TAR = 'application/x-tar'
const path = '/plugin-core/jobs/{id}/files'
const TIME = '2026-01-31T12:00:00.000Z'
const ENTRY = { name: 'model.bin', type: 'file', size: 1024, mode: '0644', mtime: TIME, linkTarget: null } as const
const FOLDER = { name: 'data', type: 'folder', size: 0, mode: '0755', mtime: TIME, linkTarget: null } as const
const BINARY = { schema: { type: 'string' as const, format: 'binary' } }

const readOperation = operation({
  method: 'get',
  path,
  operationId: 'readJobFiles',
  tag: 'Jobs',
  summary: 'Files of the running container',
  description:
    'Of a file its bytes, with `Range`; of a folder what it holds, as JSON, by name and in pages; as a tar either, whose entries begin with the last part of the path and are as the container has them: look before you unpack it. `HEAD` says in `X-File-Type`, `X-File-Mode`, `Content-Length` and `Last-Modified` what it is. At most as much as the job’s storage is handed over.',
  permission: 'jobs:write',
  request: { params: jobParams, query: filesQuery },
  data: fileLookSchema,
  files: [BYTES, TAR],
  example: { path: '/data', ...FOLDER, entries: [ENTRY], total: 1, complete: true, nextCursor: null },
  errors: [...REACH_ERRORS, 'RANGE_NOT_SATISFIABLE'],
})

const writeOperation = operation({
  method: 'put',
  path,
  operationId: 'writeJobFiles',
  tag: 'Jobs',
  summary: 'Put files into the running container',
  description:
    'Writes the body as a file; with `Content-Type: application/x-tar` it is unpacked in the folder at the path. Folders that are missing are made; what is new belongs to whom the job runs as. Nothing is written before all of it has come.',
  permission: 'jobs:write',
  request: {
    params: jobParams,
    query: writeFilesQuery,
    body: { required: true, content: { [BYTES]: BINARY, [TAR]: BINARY } },
  },
  takesFile: true,
  data: writtenFilesSchema,
  example: { path: '/data/model.bin', files: 1, bytes: 1024, leftOut: [] },
  errors: REACH_ERRORS,
})

const removeOperation = operation({
  method: 'delete',
  path,
  operationId: 'removeJobFiles',
  tag: 'Jobs',
  summary: 'Remove a file or folder of the running container',
  description: 'Of a link itself, not where it leads.',
  permission: 'jobs:write',
  request: { params: jobParams, query: removeFilesQuery },
  data: removedFileSchema,
  example: { path: '/data/model.bin' },
  errors: REACH_ERRORS,
})

/** `GET, PUT, DELETE …/jobs/{id}/files?path=` */
export function addFileRoutes(api: Api, { node, revocation, shares }: TunnelComponents): void {
  const { files } = node.reach

  /** For as long as whoever asked may, and is there. @param hold called with what ends it; answers when it is over */
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

  async function held<T>(c: GatewayContext, id: string, task: (jobId: string, signal: AbortSignal) => Promise<T>) {
    const job = await visibleJob(c, node.store, id)
    const { signal, release } = hold(c)
    return await task(job.id, signal).catch(inWords).finally(release)
  }

  async function send(
    c: GatewayContext,
    jobId: string,
    from: string,
    how: { tar: true } | { range: ByteRange | null },
  ): Promise<Response> {
    const { signal, release } = hold(c)
    const range = 'tar' in how ? null : how.range
    const asked = 'tar' in how ? { tar: true } : range === null ? {} : { offset: range.from, length: range.length }
    const { file, content } = await files.read(jobId, from, asked, signal).catch((error: unknown) => {
      release()
      return inWords(error)
    })
    content.once('close', release)
    const sized = 'tar' in how ? {} : rangeHeaders(range, file.size)
    const headers = { ...headersOf(file), ...sized, ...attachment(file, 'tar' in how) }
    return c.body(Readable.toWeb(content) as ReadableStream, range === null ? 200 : 206, headers)
  }

  api.openapi(readOperation, async (c) => {
    const { id } = c.req.valid('param')
    const { path: from, as, max, cursor } = c.req.valid('query')
    const { id: jobId } = await visibleJob(c, node.store, id)
    const isHead = c.req.method === 'HEAD'
    const wantsTar = as === 'tar' || (as === undefined && (c.req.header('accept') ?? '').includes(TAR))
    if (wantsTar && !isHead) return await send(c, jobId, from, { tar: true })
    const page = { limit: isHead ? 0 : max, after: cursor === undefined ? '' : nameOf(cursor) }
    const look = await held(c, id, async (_, signal) => await files.look(jobId, from, page, signal))
    const { file } = look
    if (isHead)
      return c.body(null, 200, { ...headersOf(file), ...attachment(file, wantsTar), ...sizeOf(file, wantsTar) })
    if (as === 'json' || file.type === 'folder') return c.json(success(viewOf(from, look)), 200)
    return await send(c, jobId, from, { range: rangeOf(c.req.header('range'), file.size) })
  })

  api.openapi(writeOperation, async (c) => {
    const { id } = c.req.valid('param')
    const { path: to, mode } = c.req.valid('query')
    const tar = /^application\/(x-)?tar\s*(;|$)/i.test(c.req.header('content-type') ?? '')
    const how = { tar, ...(mode === undefined ? {} : { mode }) }
    const { body } = c.req.raw
    const source = body === null ? Readable.from([]) : Readable.fromWeb(body as WebStream)
    source.on('error', () => undefined) // whoever reads it hears of it
    try {
      const written = await held(c, id, async (jobId, signal) => {
        const broken = (): void => void source.destroy(signal.reason)
        signal.addEventListener('abort', broken, { once: true })
        return await files.write(jobId, to, how, source as AsyncIterable<Uint8Array>, signal)
      })
      return c.json(success({ path: to, ...written }), 200)
    } finally {
      source.destroy()
    }
  })

  api.openapi(removeOperation, async (c) => {
    const { path: at, recursive } = c.req.valid('query')
    await held(c, c.req.valid('param').id, async (jobId, signal) => {
      await files.remove(jobId, at, { recursive: recursive === true }, signal)
    })
    return c.json(success({ path: at }), 200)
  })
}

/** What to do instead is said where the container is no more, or not yet. */
function inWords(error: unknown): never {
  const status = error instanceof JobStateError ? error.details.status : null
  const ended = status === null ? error instanceof ReachError && error.code === 'NOT_RUNNING' : isTerminal(status)
  if (!ended && status === null) throw error
  const message = ended
    ? 'The container has ended, and its files went with it: name what is to stay as `outputs` when submitting; what a job kept is at …/output'
    : 'The container does not run yet: its files can be reached once the job is running'
  throw new GatewayError('JOB_STATE_CONFLICT', message, {
    cause: error,
    ...(status === null ? {} : { details: { status } }),
  })
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

function viewOf(path: string, { file, entries, total, more, incomplete }: FileLook) {
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

function nameOf(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString()
}
