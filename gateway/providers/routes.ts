import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { ProviderView } from '../../node/directory/index.ts'
import type { JobStore } from '../../node/store/index.ts'
import { ANY_PROVIDER } from '../../protocol/job-spec.ts'
import { JOB_STATUSES } from '../../protocol/lifecycle.ts'
import type { NanoUsd } from '../../protocol/money.ts'
import { ownerFilter } from '../auth/principal.ts'
import { type GatewayEnv, principalOf } from '../context.ts'
import { page, success } from '../envelope.ts'
import { GatewayError } from '../errors.ts'
import { currentCost } from '../jobs/cost.ts'
import { jobListQuery, listJobs } from '../jobs/list.ts'
import { JOB_EXAMPLE, jobListItemSchema } from '../jobs/schemas.ts'
import { jobView } from '../jobs/view.ts'
import { listOperation, operation } from '../operation.ts'
import { fieldsField, listField, pageOf, pagingFields, pick } from '../paging.ts'
import type { GatewayParts } from '../parts.ts'
import {
  NETWORK_EXAMPLE,
  networkSchema,
  PROVIDER_EXAMPLE,
  PROVIDER_STATUSES,
  providerSchema,
  providerStatusSchema,
} from './schemas.ts'
import { networkView, providerStatusView, providerView } from './view.ts'

const providerParams = z.strictObject({
  id: z
    .string()
    .max(128)
    .meta({ examples: [PROVIDER_EXAMPLE.id] }),
})
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
  data: providerSchema.partial().meta({ id: 'ProviderListItem' }),
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
  data: z.strictObject({ id: z.string(), capabilities: z.array(z.string()), architecture: z.string() }),
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
        .meta({ examples: [ANY_PROVIDER] }),
    }),
  },
  data: networkSchema,
  example: NETWORK_EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})

/** Who sells, as this peer's directory knows them, and the network they make together. */
export function addProviderRoutes(api: OpenAPIHono<GatewayEnv>, { node, providerAliases }: GatewayParts): void {
  const { directory, store, network } = node

  function known(id: string): ProviderView {
    const provider = directory.get(id)
    if (provider !== undefined) return provider
    throw new GatewayError('PROVIDER_NOT_FOUND', `There is no provider ${id}: GET /plugin-core/providers lists them`)
  }

  api.openapi(listProvidersOperation, async (c) => {
    const { status, type, fields, ...paging } = c.req.valid('query')
    const providers = directory
      .list()
      .filter((provider) => (status?.includes(provider.status) ?? true) && (type === undefined || type === 'p2p'))
    const { items, pagination } = pageOf(providers, paging)
    const owner = ownerFilter(principalOf(c))
    const views = items.map(async (one) => pick(providerView(one, await costAt(store, one.provider, owner)), fields))
    return c.json(page(await Promise.all(views), pagination), 200)
  })

  api.openapi(getProviderOperation, async (c) => {
    const provider = known(c.req.valid('param').id)
    const cost = await costAt(store, provider.provider, ownerFilter(principalOf(c)))
    return c.json(success(providerView(provider, cost)), 200)
  })

  api.openapi(statusOperation, (c) => c.json(success(providerStatusView(known(c.req.valid('param').id))), 200))

  api.openapi(capabilitiesOperation, (c) => {
    const { provider: id, capabilities, architecture } = known(c.req.valid('param').id)
    return c.json(success({ id, capabilities, architecture }), 200)
  })

  api.openapi(providerJobsOperation, async (c) => {
    const { provider } = known(c.req.valid('param').id)
    const query = c.req.valid('query')
    const { jobs, pagination } = await listJobs(store, ownerFilter(principalOf(c)), {
      ...query,
      provider,
    } as typeof query)
    const views = jobs.map((job) => pick(jobView(job, directory), query.fields))
    return c.json(page(views, pagination), 200)
  })

  async function theNetwork(owner: string | undefined) {
    const counts = await Promise.all(
      JOB_STATUSES.map(async (status) => {
        const { total } = await store.list({ ...(owner === undefined ? {} : { owner }), statuses: [status], limit: 0 })
        return [status, total] as const
      }),
    )
    const jobs = Object.fromEntries(counts) as z.input<typeof networkSchema>['jobs']
    return networkView(ANY_PROVIDER, directory.list(), { peers: network.peers().length, jobs })
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

const COST_BATCH = 500

/** What an owner's jobs cost at the provider that they have or had last. */
async function costAt(store: Pick<JobStore, 'list'>, provider: string, owner: string | undefined): Promise<NanoUsd> {
  let sum = 0n
  let after: string | undefined
  for (;;) {
    const { jobs, hasMore } = await store.list({
      provider,
      limit: COST_BATCH,
      ...(owner === undefined ? {} : { owner }),
      ...(after === undefined ? {} : { after }),
    })
    sum += jobs.reduce((total, job) => total + currentCost(job), 0n)
    after = jobs.at(-1)?.id
    if (!hasMore || after === undefined) return sum
  }
}
