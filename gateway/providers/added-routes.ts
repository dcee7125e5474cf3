import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Directory } from '../../node/directory/index.ts'
import { isPublicEndpoint } from '../../node/network/addresses.ts'
import { isoTime } from '../../node/views/time.ts'
import { dialledPeer, newProviderSchema, providerChangesSchema } from '../contract/added-providers.ts'
import { messageSchema, success } from '../contract/envelope.ts'
import { PROVIDER_EXAMPLE, providerSchema } from '../contract/providers.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { isAdmin, type Principal, sees } from '../http/principal.ts'
import { type AddedProvider, type AddedProviders, MAX_ADDED, MAX_ADDED_OF_OWNER } from './added.ts'
import { providerView } from './view.ts'

const tag = 'Providers'
const EXAMPLE = { name: 'attic', type: 'p2p' as const, endpoints: PROVIDER_EXAMPLE.endpoints }
const params = z.strictObject({ id: z.string().max(128).describe('Which.') })

const addOperation = operation({
  method: 'post',
  path: '/plugin-core/providers',
  operationId: 'addProvider',
  tag,
  summary: 'Add a provider to dial',
  description:
    'This gateway keeps a connection to it. What it sells it announces itself; until then it is offline. It is yours: no other owner changes or deletes it. Names, and addresses that are not of the open internet, take an admin.',
  permission: 'providers:write',
  request: {
    body: {
      required: true,
      description: 'Whom to dial.',
      content: { 'application/json': { schema: newProviderSchema, example: EXAMPLE } },
    },
  },
  data: providerSchema,
  status: 201,
  example: PROVIDER_EXAMPLE,
  errors: ['PROVIDER_CONFLICT'],
})

const changeOperation = operation({
  method: 'put',
  path: '/plugin-core/providers/{id}',
  operationId: 'updateProvider',
  tag,
  summary: 'Change a provider that was added',
  permission: 'providers:write',
  request: {
    params,
    body: {
      required: true,
      description: 'What is to be changed.',
      content: { 'application/json': { schema: providerChangesSchema, example: { name: 'attic' } } },
    },
  },
  data: providerSchema,
  example: PROVIDER_EXAMPLE,
  errors: ['PROVIDER_NOT_FOUND'],
})

const deleteOperation = operation({
  method: 'delete',
  path: '/plugin-core/providers/{id}',
  operationId: 'deleteProvider',
  tag,
  summary: 'Dial a provider that was added no more',
  description: 'It is listed while it announces itself.',
  permission: 'providers:write',
  request: { params },
  data: messageSchema,
  example: { message: 'Provider successfully deleted' },
  errors: ['PROVIDER_NOT_FOUND'],
})

/** Providers that are added by hand, besides those that the network tells of. */
export function addAddedProviderRoutes(
  api: Api,
  { addedProviders, directory, clock }: { addedProviders: AddedProviders; directory: Directory; clock: Clock },
): void {
  const view = (added: AddedProvider): z.input<typeof providerSchema> => {
    const known = directory.get(added.id)
    return known === undefined ? addedView(added) : providerView(known, 0n)
  }
  const known = (c: GatewayContext, id: string): AddedProvider => {
    const added = addedProviders.get(id)
    if (added !== undefined && seesAdded(principalOf(c), added)) return added
    throw new GatewayError(
      'PROVIDER_NOT_FOUND',
      `No provider ${id} was added here: POST /plugin-core/providers adds one`,
    )
  }

  api.openapi(addOperation, async (c) => {
    const { name, endpoints, config } = c.req.valid('json')
    const id = dialledPeer(endpoints[0] ?? '') ?? ''
    if (addedProviders.get(id) !== undefined) {
      throw new GatewayError('PROVIDER_CONFLICT', `The provider ${id} was added already: PUT changes it`)
    }
    const principal = principalOf(c)
    const { owner } = principal
    assertOutward(principal, endpoints)
    const own = addedProviders.list().filter((one) => one.owner === owner)
    if (!isAdmin(principal) && own.length >= MAX_ADDED_OF_OWNER) {
      throw new GatewayError('PROVIDER_CONFLICT', `You added ${MAX_ADDED_OF_OWNER} providers: delete one first`)
    }
    if (addedProviders.list().length >= MAX_ADDED) {
      throw new GatewayError('PROVIDER_CONFLICT', `${MAX_ADDED} providers were added: delete one first`)
    }
    const nowMs = clock.nowMs()
    const added = { id, owner, name, endpoints, config, createdAtMs: nowMs, updatedAtMs: nowMs }
    await addedProviders.put(added)
    return c.json(success(view(added)), 201)
  })

  api.openapi(changeOperation, async (c) => {
    const before = known(c, c.req.valid('param').id)
    const { endpoints = before.endpoints, name = before.name, config = before.config } = c.req.valid('json')
    if (dialledPeer(endpoints[0] ?? '') !== before.id) {
      const details = { fields: [{ path: 'endpoints[0]', message: `must end with /p2p/${before.id}` }] }
      throw new GatewayError('VALIDATION_ERROR', 'endpoints are of another peer: add that one', { details })
    }
    if (c.req.valid('json').endpoints !== undefined) assertOutward(principalOf(c), endpoints)
    const added = { ...before, name, endpoints, config, updatedAtMs: clock.nowMs() }
    await addedProviders.put(added)
    return c.json(success(view(added)), 200)
  })

  api.openapi(deleteOperation, async (c) => {
    await addedProviders.del(known(c, c.req.valid('param').id).id)
    return c.json(success({ message: 'Provider successfully deleted' }), 200)
  })
}

/** Whether somebody may see one that is not heard of, and change it: who added it, and admins. */
export function seesAdded(principal: Principal, { owner }: AddedProvider): boolean {
  return owner === undefined ? isAdmin(principal) : sees(principal, owner)
}

/** @throws {GatewayError} VALIDATION_ERROR where a tenant would have the gateway dial inside its own networks */
function assertOutward(principal: Principal, endpoints: string[]): void {
  if (isAdmin(principal)) return
  const message = 'must be an address of the open internet, by its number: others take an admin'
  const fields = endpoints.flatMap((one, i) => (isPublicEndpoint(one) ? [] : [{ path: `endpoints[${i}]`, message }]))
  const [first] = fields
  if (first === undefined) return
  throw new GatewayError('VALIDATION_ERROR', `${first.path} ${message}`, { details: { fields, in: 'body' } })
}

/** One that was never heard of. */
export function addedView(added: AddedProvider): z.input<typeof providerSchema> {
  const { id, name, endpoints, createdAtMs, updatedAtMs } = added
  const nothing = { cpu: 0, memory: '0', storage: '0', gpu: [] }
  return {
    ...{ id, name, type: 'p2p', status: 'offline', version: '', endpoints, region: '', labels: {}, architecture: '' },
    ...{ platforms: [], emulatedPlatforms: [], isolations: [] },
    capacity: { total: nothing, free: nothing },
    metrics: { latency: null, uptime: 0, jobsCompleted: 0, jobsFailed: 0, costToDate: 0 },
    pricing: { cpu: 0, memory: 0, storage: 0, gpu: 0, network: 0, volume: 0, minimum: 0, currency: 'USD' },
    ...{
      hardware: null,
      measured: null,
      seen: null,
      capabilities: [],
      storageQuota: 'measured',
      paused: 'not heard of yet',
    },
    createdAt: isoTime(createdAtMs),
    updatedAt: isoTime(updatedAtMs),
  }
}
