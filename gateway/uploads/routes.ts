import type { RouteConfig } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { UPLOAD_KEPT_MS, type Upload, UploadError, type UploadProblem, type Uploads } from '../../node/uploads/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { messageSchema, page, success } from '../contract/envelope.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { pagingFields } from '../contract/list-fields.ts'
import {
  newUploadHeaders,
  newUploadQuery,
  type UploadView,
  uploadPartHeaders,
  uploadSchema,
} from '../contract/uploads.ts'
import { type GatewayContext, type GatewayEnv, principalOf } from '../http/context.ts'
import { validationError } from '../http/error-response.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { pageOf } from '../http/paging.ts'
import type { Receiver } from './receive.ts'

const BASE = '/plugin-core/uploads'
const tag = 'Uploads'
const DIGEST = `sha256:${'5e884898da280471'.repeat(4)}`

const EXAMPLE: UploadView = {
  id: 'upload_01k8m3q7w9x2v5n4c6b8d0f1g3',
  type: 'folder',
  name: 'data',
  offset: 10_240,
  length: 10_240,
  complete: true,
  digest: DIGEST,
  createdAt: '2026-01-31T12:00:00.000Z',
  expiresAt: '2026-02-01T12:00:00.000Z',
}

const params = z.strictObject({
  id: z
    .string()
    .max(80)
    .describe('An id, or the digest of a complete one.')
    .meta({ examples: [EXAMPLE.id] }),
})
const bytes = {
  description: 'Bytes of a file, or of the tar of a folder.',
  content: { 'application/octet-stream': { schema: { type: 'string' as const, format: 'binary' } } },
}
const HOW =
  'Resumable as in the IETF draft of resumable uploads: `HEAD` tells by `Upload-Offset` how much is here, and `PATCH` goes on there. What is complete is kept for a day after its last use, and for as long as a job that has not ended, a schedule or a template names it; a job names it by its digest: `"inputs": [{ "path": "/data", "from": { "upload": "sha256:…" } }]`.'

const createUpload = operation({
  method: 'post',
  path: BASE,
  operationId: 'createUpload',
  tag,
  summary: 'Upload a file or folder for jobs to bring',
  description: `The body is its bytes, which may also come later; a folder is a tar. ${HOW}`,
  permission: 'jobs:write',
  request: { query: newUploadQuery, headers: newUploadHeaders, body: bytes },
  takesFile: true,
  data: uploadSchema,
  status: 201,
  example: EXAMPLE,
  errors: ['LIMIT_REACHED', 'UPLOAD_CONFLICT'],
})
const continueUpload = operation({
  method: 'patch',
  path: `${BASE}/{id}`,
  operationId: 'continueUpload',
  tag,
  summary: 'Go on with an upload',
  description: HOW,
  permission: 'jobs:write',
  request: { params, headers: uploadPartHeaders, body: bytes },
  takesFile: true,
  data: uploadSchema,
  example: EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND', 'LIMIT_REACHED', 'UPLOAD_CONFLICT'],
})
const listUploads = listOperation({
  method: 'get',
  path: BASE,
  operationId: 'listUploads',
  tag,
  summary: 'List uploads',
  permission: 'jobs:read',
  request: { query: z.strictObject(pagingFields) },
  data: uploadSchema,
  example: EXAMPLE,
})
const getUpload = operation({
  method: 'get',
  path: `${BASE}/{id}`,
  operationId: 'getUpload',
  tag,
  summary: 'Get an upload',
  description:
    'Also by its digest, which tells whether something has to be uploaded at all. `HEAD` answers the headers.',
  permission: 'jobs:read',
  request: { params },
  data: uploadSchema,
  example: EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})
const deleteUpload = operation({
  method: 'delete',
  path: `${BASE}/{id}`,
  operationId: 'deleteUpload',
  tag,
  summary: 'Delete an upload',
  permission: 'jobs:write',
  request: { params },
  data: messageSchema,
  example: { message: 'Upload successfully deleted' },
  errors: ['RESOURCE_NOT_FOUND'],
})

/** `/plugin-core/uploads`: each owner's own. */
export function addUploadRoutes(
  api: Api,
  { uploads, receive }: { uploads: Uploads; receive: Receiver['receive'] },
): void {
  async function visible(c: GatewayContext, id: string): Promise<Upload> {
    const { owner } = principalOf(c)
    const digest = /^sha256:([0-9a-f]{64})$/.exec(id)?.[1]
    const found = digest === undefined ? uploads.get(owner, id) : await uploads.find(owner, digest)
    if (found !== null) return found
    throw new GatewayError(
      'RESOURCE_NOT_FOUND',
      `There is no upload ${id}: an upload is kept for a day after its last use, and while something that will still run names it`,
    )
  }

  function told(c: GatewayContext, upload: Upload): void {
    c.header('Upload-Offset', String(upload.offset))
    c.header('Upload-Complete', upload.sha256 === null ? '?0' : '?1')
    if (upload.length !== null) c.header('Upload-Length', String(upload.length))
    c.header('Cache-Control', 'no-store')
  }

  async function append(c: GatewayContext, upload: Upload, offset: number, isLast: boolean): Promise<Upload> {
    const { owner, id } = upload
    return await asAnswered(async () => await uploads.append({ owner, id, offset }, receive(c), isLast))
  }

  byHand(api, createUpload, async (c) => {
    const { type, name = '' } = parsed(newUploadQuery, c.req.query(), 'query')
    const headers = parsed(newUploadHeaders, c.req.header(), 'header')
    const { owner } = principalOf(c)
    const length = headers['upload-length'] ?? null
    const begun = await asAnswered(async () => await uploads.begin({ owner, folder: type === 'folder', name, length }))
    const upload = await append(c, begun, 0, headers['upload-complete'] === '?1')
    told(c, upload)
    c.header('Location', `${c.req.path}/${upload.id}`)
    return c.json(success(viewOf(upload)), 201)
  })

  byHand(api, continueUpload, async (c) => {
    const { id } = parsed(params, { id: c.req.param('id') }, 'path')
    const headers = parsed(uploadPartHeaders, c.req.header(), 'header')
    const isLast = headers['upload-complete'] === '?1'
    const upload = await append(c, await visible(c, id), headers['upload-offset'], isLast)
    told(c, upload)
    return c.json(success(viewOf(upload)), 200)
  })

  api.openapi(listUploads, (c) => {
    const { items, pagination } = pageOf(uploads.list(principalOf(c).owner), c.req.valid('query'))
    return c.json(page(items.map(viewOf), pagination), 200)
  })

  api.openapi(getUpload, async (c) => {
    const upload = await visible(c, c.req.valid('param').id)
    told(c, upload)
    return c.json(success(viewOf(upload)), 200)
  })

  api.openapi(deleteUpload, async (c) => {
    const { owner, id } = await visible(c, c.req.valid('param').id)
    if (await uploads.remove(owner, id)) return c.json(success({ message: 'Upload successfully deleted' }), 200)
    throw new GatewayError('UPLOAD_CONFLICT', 'Something is being added to the upload: delete it when that is over')
  })
}

/** Adds an operation whose body the library would hold in memory, or take for JSON. */
function byHand(
  api: Api,
  made: { method: string; getRoutingPath(): string },
  handler: (c: GatewayContext) => Promise<Response>,
): void {
  const { middleware, ...documented } = made as unknown as RouteConfig & {
    middleware: [MiddlewareHandler<GatewayEnv>]
  }
  api.openAPIRegistry.registerPath(documented)
  api.on(made.method.toUpperCase(), made.getRoutingPath(), middleware[0], handler)
}

function parsed<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw validationError(result.error, where)
}

const CODES: Record<UploadProblem, ErrorCode> = {
  OFFSET: 'UPLOAD_CONFLICT',
  COMPLETE: 'UPLOAD_CONFLICT',
  BUSY: 'UPLOAD_CONFLICT',
  TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  TOO_MANY: 'LIMIT_REACHED',
  NO_ROOM: 'LIMIT_REACHED',
  GONE: 'RESOURCE_NOT_FOUND',
}

async function asAnswered<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    if (error instanceof UploadError) throw new GatewayError(CODES[error.code], error.message, { cause: error })
    throw error
  }
}

function viewOf({ id, folder, name, offset, length, sha256, createdAtMs, usedAtMs }: Upload): UploadView {
  return {
    ...{ id, name, offset, length },
    type: folder ? 'folder' : 'file',
    complete: sha256 !== null,
    digest: sha256 === null ? null : `sha256:${sha256}`,
    createdAt: isoTime(createdAtMs),
    expiresAt: isoTime(usedAtMs + UPLOAD_KEPT_MS),
  }
}
