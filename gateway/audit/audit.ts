import type { MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { isoTime } from '../../node/views/time.ts'
import { MCP_PATH } from '../contract/address.ts'
import { page } from '../contract/envelope.ts'
import { pagingFields } from '../contract/list-fields.ts'
import { auditEntrySchema } from '../contract/system.ts'
import { type GatewayEnv, remoteAddress } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { listOperation } from '../http/operation.ts'
import { decodeCursor, encodeCursor, pagination } from '../http/paging.ts'
import type { AuditLog } from './audit-log.ts'

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Notes every change, and every attempt with a wrong key. */
export function auditChanges(audit: AuditLog): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    await next()
    const { principal, authProblem, requestId } = c.var
    const { method, path } = c.req
    // What tools change they ask the API for, which is noted by itself.
    if ((READS.has(method) || path === MCP_PATH) && (authProblem ?? null) === null) return
    audit.note({
      keyId: principal?.keyId ?? null,
      owner: principal?.owner ?? null,
      method,
      path,
      status: c.res.status,
      requestId,
      address: remoteAddress(c),
    })
  }
}

const listAudit = listOperation({
  method: 'get',
  path: '/system/audit',
  operationId: 'listAudit',
  tag: 'System',
  summary: 'Who changed what',
  description:
    'Every change and every wrong key, newest first. `DISABLE` is what the gateway did with a webhook or a schedule whose key has ended; then `requestId` and `address` are empty.',
  permission: 'admin',
  request: { query: z.strictObject(pagingFields) },
  data: auditEntrySchema,
  example: {
    id: 1,
    timestamp: '2026-01-31T12:00:00.000Z',
    keyId: 'key_3f6b1a0c9d2e4f58',
    owner: 'research',
    method: 'POST',
    path: '/api/plugin-core/jobs',
    status: 201,
    requestId: '0f6e1b8e-6a55-4c0e-9a53-b1b2f1f0a7de',
    address: '127.0.0.1',
  },
})

/** `GET /system/audit`, for admins; what was noted before the request is in its answer. */
export function addAuditRoutes(api: Api, audit: AuditLog): void {
  api.openapi(listAudit, async (c) => {
    const query = c.req.valid('query')
    await audit.flush()
    const skipped = (query.page - 1) * query.limit
    const before = query.cursor === undefined ? null : decodeCursor(query.cursor, z.int().min(1))
    const entries = await audit.read(before ?? Number.MAX_SAFE_INTEGER, query.limit + (before === null ? skipped : 0))
    const shown = before === null ? entries.slice(skipped) : entries
    const last = shown.at(-1)
    const nextCursor = last !== undefined && last.seq > 1 ? encodeCursor(last.seq) : null
    const views = shown.map(({ seq, atMs, ...entry }) => ({ id: seq, timestamp: isoTime(atMs), ...entry }))
    return c.json(page(views, pagination(audit.total(), query, nextCursor)), 200)
  })
}
