import { z } from 'zod'
import type { Directory, ProviderView } from '../../node/directory/index.ts'
import type { ClientNode } from '../../node/index.ts'
import type { Requester } from '../../node/market/index.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { JobStore } from '../../node/store/index.ts'
import { ANY_PROVIDER } from '../../protocol/job-defaults.ts'
import { JOB_STATUSES } from '../../protocol/lifecycle.ts'
import { page, success } from '../contract/envelope.ts'
import { jobListItemSchema, jobListQuery } from '../contract/job-list.ts'
import { JOB_EXAMPLE } from '../contract/jobs.ts'
import { fieldsField, listField, pagingFields } from '../contract/list-fields.ts'
import { PROVIDER_STATUSES } from '../contract/provider-status.ts'
import {
  NETWORK_EXAMPLE,
  networkSchema,
  PROVIDER_EXAMPLE,
  providerSchema,
  providerStatusSchema,
} from '../contract/providers.ts'
import { principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { pageOf, pick } from '../http/paging.ts'
import { ownerFilter, type Principal } from '../http/principal.ts'
import { type AnswerJobsComponents, answerJobs, listJobs } from '../jobs/index.ts'
import type { AddedProviders } from './added.ts'
import { addedView, seesAdded } from './added-routes.ts'
import { providerParams } from './params.ts'
import { networkView, providerStatusView, providerView } from './view.ts'

const tag = 'Providers'

const listProvidersOperation = listOperation({
  method: 'get',
  path: '/plugin-core/providers',
  operationId: 'listProviders',
  tag,
  summary: 'List providers',
  permission: 'providers:read',
  request: {
    query: z.strictObject({
      status: listField(PROVIDER_STATUSES),
      type: z.string().max(64).optional().describe('`p2p`: there is no other.'),
      fields: fieldsField(providerSchema),
      ...pagingFields,
    }),
  },
  data: providerSchema.partial().meta({
    id: 'ProviderListItem',
    description: 'A provider in a list; where `fields` was asked for, only those are there.',
  }),
  example: PROVIDER_EXAMPLE,
})

const getProviderOperation = operation({
  method: 'get',
  path: '/plugin-core/providers/{id}',
  operationId: 'getProvider',
  tag,
  summary: 'Get a provider',
  permission: 'providers:read',
  request: { params: providerParams },
  data: providerSchema,
  example: PROVIDER_EXAMPLE,
  errors: ['PROVIDER_NOT_FOUND'],
})

const statusOperation = operation({
  method: 'get',
  path: '/plugin-core/providers/{id}/status',
  operationId: 'getProviderStatus',
  tag,
  summary: 'Whether a provider is there, and how busy',
  permission: 'providers:read',
  request: { params: providerParams },
  data: providerStatusSchema,
  example: {
    id: PROVIDER_EXAMPLE.id,
    status: 'online',
    latency: 12,
    lastChecked: '2026-01-31T12:00:00.000Z',
    version: '0.1.0',
    nodeCount: 1,
    networkLoad: { cpu: 65, memory: 70, storage: 45 },
  },
  errors: ['PROVIDER_NOT_FOUND'],
})

const capabilitiesOperation = operation({
  method: 'get',
  path: '/plugin-core/providers/{id}/capabilities',
  operationId: 'getProviderCapabilities',
  tag,
  summary: 'What a provider can do',
  permission: 'providers:read',
  request: { params: providerParams },
  data: providerSchema.pick({ id: true, capabilities: true, architecture: true }).describe('What it can do.'),
  example: { id: PROVIDER_EXAMPLE.id, capabilities: ['extend'], architecture: 'amd64' },
  errors: ['PROVIDER_NOT_FOUND'],
})

const providerJobsOperation = listOperation({
  method: 'get',
  path: '/plugin-core/providers/{id}/jobs',
  operationId: 'listProviderJobs',
  tag,
  summary: 'Jobs that a provider has or had last',
  permission: 'jobs:read',
  request: { params: providerParams, query: jobListQuery },
  data: jobListItemSchema,
  example: JOB_EXAMPLE,
  errors: ['PROVIDER_NOT_FOUND'],
})

const listNetworksOperation = listOperation({
  method: 'get',
  path: '/plugin-core/networks',
  operationId: 'listNetworks',
  tag: 'Networks',
  summary: 'List networks',
  permission: 'providers:read',
  request: { query: z.strictObject(pagingFields) },
  data: networkSchema,
  example: NETWORK_EXAMPLE,
})

const getNetworkOperation = operation({
  method: 'get',
  path: '/plugin-core/networks/{name}',
  operationId: 'getNetwork',
  tag: 'Networks',
  summary: 'Get a network',
  permission: 'providers:read',
  request: {
    params: z.strictObject({
      name: z
        .string()
        .max(64)
        .describe('Which network; there is none but `p2p`.')
        .meta({ examples: [ANY_PROVIDER] }),
    }),
  },
  data: networkSchema,
  example: NETWORK_EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})

/** Who sells, as this peer's directory knows them, and the network they make together. */
interface ProviderComponents extends AnswerJobsComponents {
  store: Pick<JobStore, 'get' | 'list' | 'listIds' | 'costAt'>
  directory: Directory
  network: Pick<PeerNetwork, 'peers' | 'addresses'>
  market: ClientNode['market']
  providerAliases: Readonly<Record<string, string>>
  addedProviders: AddedProviders
  requester: Pick<Requester, 'seen' | 'waiting'>
}

/** Providers and networks as they are now, and the jobs that a provider has or had. */
export function addProviderRoutes(api: Api, components: ProviderComponents): void {
  const { directory, store, network, market, providerAliases, addedProviders } = components

  function known(id: string): ProviderView {
    const provider = directory.get(id)
    if (provider !== undefined) return provider
    throw new GatewayError('PROVIDER_NOT_FOUND', `There is no provider ${id}: GET /plugin-core/providers lists them`)
  }

  async function shown(view: ProviderView, principal: Principal) {
    const cost = await store.costAt(view.provider, ownerFilter(principal))
    return providerView(view, cost, components.requester.seen(view.provider, principal.owner))
  }

  api.openapi(listProvidersOperation, async (c) => {
    const { status, type, fields, ...paging } = c.req.valid('query')
    const principal = principalOf(c)
    const added = addedProviders.list().filter((one) => seesAdded(principal, one))
    const unheard = added.filter(({ id }) => directory.get(id) === undefined)
    const providers = [...directory.list(), ...unheard.map(addedView)].filter(
      (provider) => (status?.includes(provider.status) ?? true) && (type === undefined || type === 'p2p'),
    )
    const { items, pagination } = pageOf(providers, paging)
    const views = items.map(async (one) => {
      const view = 'provider' in one ? await shown(one, principal) : one
      return pick(view, fields)
    })
    return c.json(page(await Promise.all(views), pagination), 200)
  })

  api.openapi(getProviderOperation, async (c) => {
    const { id } = c.req.valid('param')
    const added = addedProviders.get(id)
    if (added !== undefined && directory.get(id) === undefined && seesAdded(principalOf(c), added)) {
      return c.json(success(addedView(added)), 200)
    }
    const provider = known(id)
    return c.json(success(await shown(provider, principalOf(c))), 200)
  })

  api.openapi(statusOperation, (c) => c.json(success(providerStatusView(known(c.req.valid('param').id))), 200))

  api.openapi(capabilitiesOperation, (c) => {
    const { provider: id, capabilities, architecture } = known(c.req.valid('param').id)
    return c.json(success({ id, capabilities, architecture }), 200)
  })

  api.openapi(providerJobsOperation, async (c) => {
    const { provider } = known(c.req.valid('param').id)
    const query = c.req.valid('query')
    const jobs = await listJobs(store, principalOf(c), { ...query, provider } as typeof query)
    return answerJobs(c, components, jobs, query)
  })

  async function theNetwork(owner: string | undefined) {
    const counts = await Promise.all(
      JOB_STATUSES.map(async (status) => {
        const { total } = await store.list({ ...(owner === undefined ? {} : { owner }), statuses: [status], limit: 0 })
        return [status, total] as const
      }),
    )
    const jobs = Object.fromEntries(counts) as z.input<typeof networkSchema>['jobs']
    const join = { network: market.name, private: market.isPrivate, addresses: network.addresses() }
    return networkView(ANY_PROVIDER, directory.list(), { peers: network.peers().length, jobs, join })
  }

  api.openapi(listNetworksOperation, async (c) => {
    const { items, pagination } = pageOf([await theNetwork(ownerFilter(principalOf(c)))], c.req.valid('query'))
    return c.json(page(items, pagination), 200)
  })

  api.openapi(getNetworkOperation, async (c) => {
    const { name } = c.req.valid('param')
    if (name !== ANY_PROVIDER && providerAliases[name] !== ANY_PROVIDER) {
      throw new GatewayError('RESOURCE_NOT_FOUND', `There is no network ${name}: use ${ANY_PROVIDER}`)
    }
    return c.json(success(await theNetwork(ownerFilter(principalOf(c)))), 200)
  })
}
