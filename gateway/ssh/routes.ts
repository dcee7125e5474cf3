import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { fingerprintOf } from '../../node/ssh/host-key.ts'
import { type PublicKey, PublicKeyError, parsePublicKey } from '../../node/ssh/public-key.ts'
import { isoTime } from '../../node/views/time.ts'
import { toLine } from '../../protocol/text.ts'
import { messageSchema, page, success } from '../contract/envelope.ts'
import { pagingFields } from '../contract/list-fields.ts'
import { newSshKeySchema, sshKeySchema } from '../contract/ssh-keys.ts'
import { principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { newId } from '../records/ids.ts'
import type { SshKeyRecord, SshKeys } from './ssh-keys.ts'

const MAX_NAME = 128
const LINE = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKtQb1Fv0Ahb4QXqXGbXoOe0dBDeX0kqQYd3wRCW8o8L ada@laptop'
const EXAMPLE = {
  id: 'sshkey_01k8m3q7w9x2v5n4c6b8d0f1g3',
  name: 'ada@laptop',
  owner: 'research',
  type: 'ssh-ed25519',
  fingerprint: 'SHA256:JYNqy0bJdaIdEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXA',
  keyId: 'key_3f6b1a0c9d2e4f58',
  active: true,
  createdAt: '2026-01-31T12:00:00.000Z',
}
const PATH = '/auth/ssh-keys'

const listSshKeys = listOperation({
  method: 'get',
  path: PATH,
  operationId: 'listSshKeys',
  tag: 'Auth',
  summary: 'List SSH keys',
  permission: 'jobs:read',
  request: { query: z.strictObject(pagingFields) },
  data: sshKeySchema,
  example: EXAMPLE,
})

const addSshKey = operation({
  method: 'post',
  path: PATH,
  operationId: 'addSshKey',
  tag: 'Auth',
  summary: 'Add an SSH key',
  description:
    'Whoever has its private half reaches the jobs of the owner by `ssh JOB@gateway`, where the gateway has a port for that (`--ssh`): as long as the API key that adds it holds.',
  permission: 'jobs:write',
  request: {
    body: {
      required: true,
      description: 'The public key.',
      content: { 'application/json': { schema: newSshKeySchema, example: { publicKey: LINE } } },
    },
  },
  data: sshKeySchema,
  status: 201,
  example: EXAMPLE,
  errors: ['LIMIT_REACHED'],
})

const removeSshKey = operation({
  method: 'delete',
  path: `${PATH}/{id}`,
  operationId: 'removeSshKey',
  tag: 'Auth',
  summary: 'Remove an SSH key',
  description: 'Connections that it opened end at once.',
  permission: 'jobs:write',
  request: { params: z.strictObject({ id: z.string().max(64).describe('Which.') }) },
  data: messageSchema,
  example: { message: 'SSH key successfully removed' },
  errors: ['RESOURCE_NOT_FOUND'],
})

/** `/auth/ssh-keys`: an admin sees and removes every owner’s, others their own. */
export function addSshKeyRoutes(api: Api, { sshKeys, clock }: { sshKeys: SshKeys; clock: Clock }): void {
  const view = (record: SshKeyRecord): z.input<typeof sshKeySchema> => {
    const { id, name, owner, type, keyId } = record
    return {
      ...{ id, name, owner, type, keyId },
      fingerprint: fingerprintOf(Buffer.from(record.blob, 'base64')),
      active: sshKeys.principalOf(record) !== undefined,
      createdAt: isoTime(record.createdAtMs),
    }
  }

  api.openapi(listSshKeys, async (c) => {
    const { items, pagination } = await sshKeys.page(principalOf(c), c.req.valid('query'))
    return c.json(page(items.map(view), pagination), 200)
  })

  api.openapi(addSshKey, async (c) => {
    const { publicKey, name } = c.req.valid('json')
    const { type, blob, comment } = keyOf(publicKey)
    const { owner, keyId } = principalOf(c)
    const same = sshKeys.find(blob).find(({ record }) => record.keyId === keyId)
    if (same !== undefined) return c.json(success(view(same.record)), 201)
    const nowMs = clock.nowMs()
    const added = {
      ...{ id: newId('sshkey', nowMs), owner, keyId, type, createdAtMs: nowMs },
      name: name ?? (toLine(comment, MAX_NAME) || fingerprintOf(blob)),
      blob: blob.toString('base64'),
    }
    const record = await sshKeys.add(added)
    return c.json(success(view(record)), 201)
  })

  api.openapi(removeSshKey, async (c) => {
    const { id } = c.req.valid('param')
    const record = await sshKeys.visible(principalOf(c), id)
    if (record === undefined) throw new GatewayError('RESOURCE_NOT_FOUND', `There is no SSH key ${id}`)
    await sshKeys.del(record)
    return c.json(success({ message: 'SSH key successfully removed' }), 200)
  })
}

/** @throws {GatewayError} VALIDATION_ERROR */
function keyOf(text: string): PublicKey {
  try {
    return parsePublicKey(text)
  } catch (error) {
    if (!(error instanceof PublicKeyError)) throw error
    const fields = [{ path: 'publicKey', message: error.message }]
    throw new GatewayError('VALIDATION_ERROR', `publicKey ${error.message}`, { details: { fields } })
  }
}
