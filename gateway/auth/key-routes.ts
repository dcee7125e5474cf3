import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { type GatewayEnv, principalOf } from '../context.ts'
import { page, success } from '../envelope.ts'
import { GatewayError } from '../errors.ts'
import { listOperation, operation } from '../operation.ts'
import { pageOf, pagingFields, timeField } from '../paging.ts'
import type { GatewayParts } from '../parts.ts'
import { isoTime, isoTimeOrNull } from '../time.ts'
import type { KeyRecord } from './key-ring.ts'
import { covers, DEFAULT_GRANTS, GRANTS } from './permissions.ts'
import { isAdmin, ownerFilter, sees } from './principal.ts'

const OWNER = /^[a-z0-9][a-z0-9._@-]{0,63}$/

export const keySchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    owner: z.string(),
    permissions: z.array(z.enum(GRANTS)),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Key' })

export const newKeySchema = z
  .strictObject({
    name: z.string().min(1).max(128),
    owner: z
      .string()
      .regex(OWNER, 'must be 1 to 64 lower-case letters, digits and . _ @ -')
      .optional()
      .describe('Whose objects it sees; default your own. Only admins choose another.'),
    permissions: z.array(z.enum(GRANTS)).min(1).max(GRANTS.length).optional(),
    expiresAt: timeField.nullable().optional().describe('When it ends; null or absent is never.'),
  })
  .meta({ id: 'NewKey' })

const KEY_EXAMPLE = {
  id: 'key_3f6b1a0c9d2e4f58',
  name: 'CI',
  owner: 'research',
  permissions: ['jobs:*' as const],
  createdAt: '2026-01-31T12:00:00.000Z',
  expiresAt: null,
}
const keyParams = z.strictObject({ id: z.string().max(64) })

const listKeysOperation = listOperation({
  method: 'get',
  path: '/auth/keys',
  operationId: 'listKeys',
  tag: 'Auth',
  summary: 'List keys',
  permission: 'keys:read',
  request: { query: z.strictObject(pagingFields) },
  data: keySchema,
  example: KEY_EXAMPLE,
})

const createKeyOperation = operation({
  method: 'post',
  path: '/auth/keys',
  operationId: 'createKey',
  tag: 'Auth',
  summary: 'Make a key',
  description: 'The key itself is in this answer only: the gateway keeps no more than its hash.',
  permission: 'keys:write',
  request: {
    body: {
      required: true,
      content: { 'application/json': { schema: newKeySchema, example: { name: 'CI', permissions: ['jobs:*'] } } },
    },
  },
  data: z.strictObject({ ...keySchema.shape, key: z.string().describe('Shown once.') }),
  status: 201,
  example: { ...KEY_EXAMPLE, key: 'ck_EXAMPLE' },
})

const deleteKeyOperation = operation({
  method: 'delete',
  path: '/auth/keys/{id}',
  operationId: 'deleteKey',
  tag: 'Auth',
  summary: 'Revoke a key',
  permission: 'keys:write',
  request: { params: keyParams },
  data: z.strictObject({ message: z.string() }),
  example: { message: 'Key successfully deleted' },
  errors: ['RESOURCE_NOT_FOUND'],
})

export function addKeyRoutes(api: OpenAPIHono<GatewayEnv>, { keys }: Pick<GatewayParts, 'keys'>): void {
  api.openapi(listKeysOperation, (c) => {
    const { items, pagination } = pageOf(keys.list(ownerFilter(principalOf(c))), c.req.valid('query'))
    return c.json(page(items.map(keyView), pagination), 200)
  })

  api.openapi(createKeyOperation, async (c) => {
    const principal = principalOf(c)
    const { name, owner = principal.owner, permissions, expiresAt = null } = c.req.valid('json')
    if (owner !== principal.owner && !isAdmin(principal)) {
      throw new GatewayError('FORBIDDEN', 'Only an admin makes keys for other owners: leave owner out')
    }
    const grants = permissions ?? DEFAULT_GRANTS.filter((grant) => covers(principal.grants, [grant]))
    if (!covers(principal.grants, grants)) {
      throw new GatewayError('FORBIDDEN', 'A key cannot be given more than the one that makes it has', {
        details: { permissions: principal.grants },
      })
    }
    const { key, text } = await keys.create({ name, owner, grants: [...grants], expiresAtMs: expiresAt })
    return c.json(success({ ...keyView(key), key: text }), 201)
  })

  api.openapi(deleteKeyOperation, async (c) => {
    const { id } = c.req.valid('param')
    const key = keys.list().find((one) => one.id === id)
    if (key === undefined || !sees(principalOf(c), key.owner) || !(await keys.revoke(id))) {
      throw new GatewayError('RESOURCE_NOT_FOUND', `There is no key ${id} that could be revoked`)
    }
    return c.json(success({ message: 'Key successfully deleted' }), 200)
  })
}

function keyView(key: KeyRecord): z.input<typeof keySchema> {
  return {
    id: key.id,
    name: key.name,
    owner: key.owner,
    permissions: key.grants,
    createdAt: isoTime(key.createdAtMs),
    expiresAt: isoTimeOrNull(key.expiresAtMs),
  }
}
