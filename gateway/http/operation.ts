import { createRoute, type RouteConfig } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { z } from 'zod'
import { errorSchema, pageSchema, successSchema } from '../contract/envelope.ts'
import { ERROR_STATUS, type ErrorCode } from '../contract/errors.ts'
import type { Permission } from '../contract/permissions.ts'
import { setBodyText } from './body-bounds.ts'
import { type GatewayEnv, principalOf } from './context.ts'
import { GatewayError } from './errors.ts'
import { assertPermission } from './principal.ts'

type Request = NonNullable<RouteConfig['request']>
type JsonContent<S> = { content: { 'application/json': { schema: S } }; description: string }

/** One operation of the API: everything that its validation, its types and its documentation need. */
export interface OperationInit<P extends string, R extends Request, D extends z.ZodType, S extends number> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Without the base, parameters in braces. */
  path: P
  operationId: string
  tag: string
  summary: string
  description?: string
  /** `public` needs nobody; `signed-in` anybody with a key. */
  permission: Permission | 'public' | 'signed-in'
  /** Query schemas are strict: unknown parameters are refused by name, as unknown fields are. */
  request?: R
  data: D
  status?: S
  /** An example of `data`; tests hold it against the schema. */
  example?: NoInfer<z.input<D>>
  /** Answers a file of this type instead of JSON. */
  file?: string
  /** Also answers files of these types. */
  files?: readonly string[]
  /** Whether the body is no JSON, and read by the operation itself as it comes. @default false */
  takesFile?: boolean
  /** Codes besides those that every operation may answer. */
  errors?: ErrorCode[]
  /** Also answers as server-sent events; what one message holds. */
  events?: string
}

const FILE = { schema: { type: 'string' as const, format: 'binary' } }

const PAGE_EXAMPLE = { total: 1, page: 1, limit: 20, pages: 1, nextCursor: null }

/** An operation that answers one object. */
export function operation<
  const P extends string,
  R extends Request = Record<never, never>,
  D extends z.ZodType = z.ZodType,
  const S extends 200 | 201 | 202 = 200,
>(init: OperationInit<P, R, D, S>) {
  const schema = successSchema(init.data)
  return build<P, R, typeof schema, S>(init, schema, { success: true, data: init.example })
}

/** An operation that answers one page of a list; `data` is the schema of one item, and `example` one item. */
export function listOperation<
  const P extends string,
  R extends Request = Record<never, never>,
  D extends z.ZodType = z.ZodType,
>(init: OperationInit<P, R, D, 200>) {
  const schema = pageSchema(init.data)
  const example = { success: true, data: [init.example], meta: { pagination: PAGE_EXAMPLE } }
  return build<P, R, typeof schema, 200>(init, schema, example)
}

function build<P extends string, R extends Request, E extends z.ZodType, S extends number>(
  init: OperationInit<P, R, z.ZodType, S>,
  schema: E,
  example: unknown,
) {
  const { method, path, operationId, tag, summary, description, permission, events } = init
  const status = init.status ?? 200
  const success = {
    description: 'Done.',
    headers: RATE_HEADERS,
    content: {
      ...(init.file === undefined ? { 'application/json': { schema, example } } : { [init.file]: FILE }),
      ...Object.fromEntries((init.files ?? []).map((type) => [type, FILE])),
      ...(events === undefined
        ? {}
        : { 'text/event-stream': { schema: { type: 'string' as const, description: events } } }),
    },
  }
  const route = createRoute({
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    'x-permission': permission,
    security: permission === 'public' ? [] : [{ key: [] }, { session: [] }],
    middleware: [requires(permission), ...dryRunCheck(init), ...bodyCheck(init)],
    request: init.request ?? {},
    responses: { [status]: success, ...errorResponses(init) },
  })
  // The library's types would ask every handler to account for each error; those are thrown, and answered in one place.
  return route as unknown as {
    method: typeof method
    path: P
    request: R
    // A success may also be a stream or an answer read from elsewhere, so a bare Response passes as well.
    responses: Record<S, JsonContent<E>> & { 204: { description: string } }
    getRoutingPath(): string
  }
}

function bodyCheck({ request, takesFile = false }: OperationInit<string, Request, z.ZodType, number>) {
  return request?.body === undefined || takesFile ? [] : [takesJson(request.body)]
}

/** Whoever asks for no change must not get one: an operation that knows no dry run says so. */
function dryRunCheck({ method, request }: OperationInit<string, Request, z.ZodType, number>) {
  return method === 'get' || request?.query !== undefined ? [] : [knowsNoDryRun]
}

const knowsNoDryRun: MiddlewareHandler<GatewayEnv> = async (c, next) => {
  if (c.req.query('dryRun') !== undefined) {
    const instead = 'take it out, or check the job by itself with POST /api/v1/plugin-core/jobs?dryRun=true'
    throw new GatewayError('VALIDATION_ERROR', `dryRun is not known here, and nothing was changed: ${instead}`)
  }
  await next()
}

const RATE_HEADERS = {
  'X-RateLimit-Limit': rateHeader('Requests allowed in a minute.'),
  'X-RateLimit-Remaining': rateHeader('Requests left of them.'),
  'X-RateLimit-Reset': rateHeader('When the minute is over, in epoch seconds.'),
}

function rateHeader(description: string) {
  return { description, schema: { type: 'integer' as const } }
}

function requires(permission: Permission | 'public' | 'signed-in'): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    if (permission !== 'public') {
      const principal = principalOf(c)
      if (permission !== 'signed-in') assertPermission(principal, permission)
    }
    await next()
  }
}

/** The library takes a body that is not called JSON for none at all: then what was sent would be passed over in silence. */
function takesJson({ required = false }: { required?: boolean | undefined }): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const type = c.req.header('content-type')
    const isSent =
      type !== undefined ||
      Number(c.req.header('content-length') ?? 0) > 0 ||
      c.req.header('transfer-encoding') !== undefined
    if ((required || isSent) && !JSON_TYPE.test(type ?? '')) {
      throw new GatewayError('VALIDATION_ERROR', 'Send a body as JSON, with Content-Type: application/json')
    }
    // The library would take an empty text for broken JSON, whatever was announced.
    if (!required && isSent && (await c.req.text()).trim() === '') setBodyText(c, '{}')
    await next()
  }
}

const JSON_TYPE = /^application\/(?:[a-z-.]+\+)?json\s*(?:;|$)/i

function errorResponses(init: OperationInit<string, Request, z.ZodType, number>): RouteConfig['responses'] {
  const always: ErrorCode[] = ['RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR']
  if (init.permission !== 'public') always.push('UNAUTHORIZED')
  if (init.permission !== 'public' && init.permission !== 'signed-in') always.push('FORBIDDEN')
  if (init.method !== 'get') always.push('STORE_UNAVAILABLE')
  if (init.request !== undefined) always.push('VALIDATION_ERROR')
  if (init.request?.body !== undefined) always.push('PAYLOAD_TOO_LARGE')
  const codes = [...new Set([...always, ...(init.errors ?? [])])]
  const statuses = [...new Set(codes.map((code) => ERROR_STATUS[code]))].toSorted((a, b) => a - b)
  return Object.fromEntries(
    statuses.map((status) => {
      const here = codes.filter((code) => ERROR_STATUS[code] === status)
      const example = { success: false, error: { code: here[0], message: 'What is wrong, and what would be right' } }
      const content = { 'application/json': { schema: errorSchema, example } }
      return [status, { description: here.join(', '), content }]
    }),
  )
}
