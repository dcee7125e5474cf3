import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { isoTime, isoTimeOrNull } from '../../node/views/time.ts'
import { page, success } from '../contract/envelope.ts'
import { keySchema, newKeySchema, revokedKeySchema } from '../contract/keys.ts'
import { flagField, pagingFields } from '../contract/list-fields.ts'
import { covers, DEFAULT_GRANTS } from '../contract/permissions.ts'
import { principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { pageOf } from '../http/paging.ts'
import { isAdmin, ownerFilter, sees } from '../http/principal.ts'
import type { KeyRecord, KeyRing } from './key-ring.ts'

const KEY_EXAMPLE = {
  id: 'key_3f6b1a0c9d2e4f58',
  name: 'CI',
  owner: 'research',
  permissions: ['jobs:*' as const],
  createdAt: '2026-01-31T12:00:00.000Z',
  expiresAt: null,
  madeBy: 'admin',
}
const keyParams = z.strictObject({ id: z.string().max(64).describe('Which.') })

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
      description: 'What the key is to be.',
      content: { 'application/json': { schema: newKeySchema, example: { name: 'CI', permissions: ['jobs:*'] } } },
    },
  },
  data: z
    .strictObject({ ...keySchema.shape, key: z.string().describe('Shown once.') })
    .describe('The key, with its text.'),
  status: 201,
  example: { ...KEY_EXAMPLE, key: 'ck_EXAMPLE' },
  errors: ['LIMIT_REACHED'],
})

const deleteKeyOperation = operation({
  method: 'delete',
  path: '/auth/keys/{id}',
  operationId: 'deleteKey',
  tag: 'Auth',
  summary: 'Revoke a key',
  description:
    'What it holds open ends at once. Keys that it made go on, so that a key can be replaced by itself: the answer lists them, and `withMade` revokes them, too.',
  permission: 'keys:write',
  request: {
    params: keyParams,
    query: z.strictObject({ withMade: flagField.describe('Also the keys that it made, and those made.') }),
  },
  data: revokedKeySchema,
  example: { message: 'Key successfully deleted', keysLeft: [] },
  errors: ['RESOURCE_NOT_FOUND'],
})

/**
 * `/auth/keys`: an admin sees and revokes every owner’s keys, others their own; no key makes one that may do more, or
 * lives longer, than itself.
 */
export function addKeyRoutes(api: Api, { keys, clock }: { keys: KeyRing; clock: Clock }): void {
  api.openapi(listKeysOperation, (c) => {
    const { items, pagination } = pageOf(keys.list(ownerFilter(principalOf(c))), c.req.valid('query'))
    return c.json(page(items.map(keyView), pagination), 200)
  })

  api.openapi(createKeyOperation, async (c) => {
    const principal = principalOf(c)
    const { name, owner = principal.owner, permissions, ...wanted } = c.req.valid('json')
    const ownEnd = keys.get(principal.keyId)?.expiresAtMs ?? null
    const { expiresAt = ownEnd } = wanted
    assertEnd(expiresAt, ownEnd, clock.nowMs())
    if (owner !== principal.owner && !isAdmin(principal)) {
      throw new GatewayError('FORBIDDEN', 'Only an admin makes keys for other owners: leave owner out')
    }
    const grants = permissions ?? DEFAULT_GRANTS.filter((grant) => covers(principal.grants, [grant]))
    if (!covers(principal.grants, grants)) {
      throw new GatewayError('FORBIDDEN', 'A key cannot be given more than the one that makes it has', {
        details: { permissions: principal.grants },
      })
    }
    const { key, text } = await keys.create({
      name,
      owner,
      grants: [...grants],
      expiresAtMs: expiresAt,
      madeBy: principal.keyId,
    })
    return c.json(success({ ...keyView(key), key: text }), 201)
  })

  api.openapi(deleteKeyOperation, async (c) => {
    const { id } = c.req.valid('param')
    const principal = principalOf(c)
    const key = keys.list().find((one) => one.id === id)
    if (key === undefined || !sees(principal, key.owner) || !(await keys.revoke(id))) {
      throw new GatewayError('RESOURCE_NOT_FOUND', `There is no key ${id} that could be revoked`)
    }
    const made = (): KeyRecord[] => keys.madeBy(id).filter(({ owner }) => sees(principal, owner))
    if (c.req.valid('query').withMade) for (const one of made()) await keys.revoke(one.id)
    return c.json(success({ message: 'Key successfully deleted', keysLeft: made().map(keyView) }), 200)
  })
}

/** @throws {GatewayError} where a key would end in the past, or after the one that makes it */
function assertEnd(expiresAtMs: number | null, ownEndMs: number | null, nowMs: number): void {
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    const fields = [{ path: 'expiresAt', message: `must be later than now, ${isoTime(nowMs)}` }]
    throw new GatewayError('VALIDATION_ERROR', `expiresAt ${isoTime(expiresAtMs)} is over: choose a later moment`, {
      details: { fields },
    })
  }
  if (ownEndMs !== null && (expiresAtMs === null || expiresAtMs > ownEndMs)) {
    throw new GatewayError(
      'FORBIDDEN',
      `A key cannot outlive the one that makes it: choose expiresAt up to ${isoTime(ownEndMs)}`,
      {
        details: { expiresAt: isoTime(ownEndMs) },
      },
    )
  }
}

function keyView(key: KeyRecord): z.input<typeof keySchema> {
  return {
    id: key.id,
    name: key.name,
    owner: key.owner,
    permissions: key.grants,
    createdAt: isoTime(key.createdAtMs),
    expiresAt: isoTimeOrNull(key.expiresAtMs),
    madeBy: key.makers?.[0] ?? null,
  }
}
