import { z } from 'zod'
import type { ClientNode } from '../../node/index.ts'
import type { VolumeRecord } from '../../node/store/index.ts'
import { volumeReceiptViews } from '../../node/views/receipt-view.ts'
import { volumeViews } from '../../node/views/volume-view.ts'
import { page, success } from '../contract/envelope.ts'
import { JOB_EXAMPLE } from '../contract/jobs.ts'
import { listField, pagingFields } from '../contract/list-fields.ts'
import { VOLUME_STATUSES, volumeChangesSchema, volumeReceiptSchema, volumeSchema } from '../contract/volumes.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { pageOf } from '../http/paging.ts'
import { sees, seesAll } from '../http/principal.ts'
import { addContentRoutes, type ContentComponents } from './content-routes.ts'
import { VOLUME_ID_EXAMPLE, volumeParams } from './params.ts'
import { throwInWords } from './volume-errors.ts'

const EXAMPLE: z.input<typeof volumeSchema> = {
  id: VOLUME_ID_EXAMPLE,
  name: 'data',
  provider: JOB_EXAMPLE.assignedProvider ?? '',
  job: JOB_EXAMPLE.id,
  size: '1Gi',
  keep: 604_800,
  status: 'kept',
  inUse: false,
  usedBy: [],
  createdAt: JOB_EXAMPLE.createdAt,
  expiresAt: '2026-02-07T12:00:00.000Z',
  providerStatus: 'online',
  draining: false,
  pricePerGbHour: 0.0001,
  idleSeconds: 7_200,
  cost: { current: 0.0002, signed: 0.0001, most: 0.0168, currency: 'USD' },
}
const RECEIPT_EXAMPLE: z.input<typeof volumeReceiptSchema> = {
  volumeId: EXAMPLE.id,
  network: 'main',
  provider: EXAMPLE.provider,
  requester: '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN',
  number: 1,
  size: '1Gi',
  pricePerGbHour: 0.0001,
  secondsBefore: 0,
  seconds: 3_600,
  cost: 0.0001,
  signedAt: '2026-01-31T13:00:00.000Z',
  signed: { provider: 'CoYB…', requester: 'CoYB…' },
}
const BASE = '/plugin-core/volumes'
const tag = 'Volumes'
const params = volumeParams

const listVolumes = listOperation({
  method: 'get',
  path: BASE,
  operationId: 'listVolumes',
  tag,
  summary: 'List the volumes that jobs left',
  description: 'As their providers told of them last, at most half a minute ago where they are there. Newest first.',
  permission: 'jobs:read',
  request: {
    query: z.strictObject({
      ...pagingFields,
      status: listField(VOLUME_STATUSES),
      provider: z.string().max(128).optional().describe('Those that lie at this provider.'),
    }),
  },
  data: volumeSchema,
  example: EXAMPLE,
})
const getVolume = operation({
  method: 'get',
  path: `${BASE}/{id}`,
  operationId: 'getVolume',
  tag,
  summary: 'Get a volume',
  description: 'Its provider is asked, for five seconds at most.',
  permission: 'jobs:read',
  request: { params },
  data: volumeSchema,
  example: EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})
const listReceipts = listOperation({
  method: 'get',
  path: `${BASE}/{id}/receipts`,
  operationId: 'listVolumeReceipts',
  tag,
  summary: 'What keeping a volume has cost, as both sides have signed it',
  description:
    'One for each hour or more in which no job had it, and one at its end, the first one first. They stay when the volume is gone. A volume without a price has none.',
  permission: 'jobs:read',
  request: { params, query: z.strictObject(pagingFields) },
  data: volumeReceiptSchema,
  example: RECEIPT_EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})
const extendVolume = operation({
  method: 'patch',
  path: `${BASE}/{id}`,
  operationId: 'extendVolume',
  tag,
  summary: 'Change how long a volume is kept after its last use',
  permission: 'jobs:write',
  request: {
    params,
    body: {
      required: true,
      description: 'What is to be changed.',
      content: { 'application/json': { schema: volumeChangesSchema, example: { keep: 604_800 } } },
    },
  },
  data: volumeSchema,
  example: EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND', 'PROVIDER_CONFLICT', 'PROVIDER_UNAVAILABLE'],
})
const deleteVolume = operation({
  method: 'delete',
  path: `${BASE}/{id}`,
  operationId: 'deleteVolume',
  tag,
  summary: 'Delete a volume, with what is in it',
  description:
    'Its provider removes it at once, and it is `deleted`; or once it is back, and it is `deleting` until then.',
  permission: 'jobs:write',
  request: { params },
  data: volumeSchema,
  example: { ...EXAMPLE, status: 'deleted', expiresAt: null },
  errors: ['RESOURCE_NOT_FOUND', 'PROVIDER_CONFLICT'],
})

/** What volumes work with. */
export interface VolumeComponents extends Omit<ContentComponents, 'visible' | 'node'> {
  node: Pick<ClientNode, 'volumes' | 'directory'>
}

/** Volumes of jobs: whose they are is who may see them, whoever asks for whichever id. */
export function addVolumeRoutes(api: Api, { node, revocation, shares }: VolumeComponents): void {
  const { volumes, directory } = node
  const views = async (records: VolumeRecord[]): Promise<z.input<typeof volumeSchema>[]> =>
    await volumeViews(records, { directory, volumes })

  async function view(record: VolumeRecord): Promise<z.input<typeof volumeSchema>> {
    const [shown] = await views([record])
    if (shown === undefined) throw new Error('One record has one view')
    return shown
  }

  function visible(c: GatewayContext, id: string): VolumeRecord {
    const record = volumes.get(id)
    if (record !== undefined && sees(principalOf(c), record.owner)) return record
    throw new GatewayError('RESOURCE_NOT_FOUND', `There is no volume ${id}`)
  }

  async function told(ask: () => Promise<VolumeRecord>): Promise<VolumeRecord> {
    return await ask().catch(throwInWords)
  }

  addContentRoutes(api, { node, visible, revocation, shares })

  api.openapi(listVolumes, async (c) => {
    const { status, provider, ...paging } = c.req.valid('query')
    const principal = principalOf(c)
    const all = volumes
      .list(seesAll(principal) ? undefined : principal.owner)
      .filter(({ state }) => status === undefined || status.includes(state))
      .filter((record) => provider === undefined || record.provider === provider)
    const { items, pagination } = pageOf(all, paging)
    return c.json(page(await views(items), pagination), 200)
  })

  api.openapi(getVolume, async (c) => {
    const { id } = visible(c, c.req.valid('param').id)
    return c.json(success(await view((await volumes.look(id)) ?? visible(c, id))), 200)
  })

  api.openapi(listReceipts, async (c) => {
    const { id } = c.req.valid('param')
    const all = await Array.fromAsync(volumes.receipts(id))
    const [first] = all
    // Those of a volume that is forgotten are its owner's all the same.
    if (first === undefined || !sees(principalOf(c), first.owner)) visible(c, id)
    const { items, pagination } = pageOf(all, c.req.valid('query'))
    return c.json(page(await volumeReceiptViews(items), pagination), 200)
  })

  api.openapi(extendVolume, async (c) => {
    const { id } = visible(c, c.req.valid('param').id)
    const { keep } = c.req.valid('json')
    return c.json(success(await view(await told(async () => await volumes.extend(id, keep)))), 200)
  })

  api.openapi(deleteVolume, async (c) => {
    const { id } = visible(c, c.req.valid('param').id)
    return c.json(success(await view(await told(async () => await volumes.delete(id)))), 200)
  })
}
