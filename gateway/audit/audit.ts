import type { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { type GatewayEnv, remoteAddress } from '../context.ts'
import { page } from '../envelope.ts'
import { listOperation } from '../operation.ts'
import { decodeCursor, encodeCursor, pagination, pagingFields } from '../paging.ts'
import type { GatewayParts } from '../parts.ts'
import { isoTime } from '../time.ts'
import type { AuditLog } from './audit-log.ts'

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Notes every change, and every attempt with a wrong key. */
export function auditChanges(audit: AuditLog): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    await next()
    const { principal, authProblem, requestId } = c.var
    const { method, path } = c.req
    if (READS.has(method) && (authProblem ?? null) === null) return
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

export const auditEntrySchema = z
  .strictObject({
    id: z.number().int(),
    timestamp: z.iso.datetime(),
    keyId: z.string().nullable(),
    owner: z.string().nullable(),
    method: z.string(),
    path: z.string(),
    status: z.number().int(),
    requestId: z.string(),
    address: z.string(),
  })
  .meta({ id: 'AuditEntry' })

const listAudit = listOperation({
  method: 'get',
  path: '/system/audit',
  operationId: 'listAudit',
  tag: 'System',
  summary: 'Who changed what',
  description: 'Every change and every wrong key, newest first.',
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

export function addAuditRoutes(api: OpenAPIHono<GatewayEnv>, { audit }: Pick<GatewayParts, 'audit'>): void {
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
