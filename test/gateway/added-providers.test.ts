import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { successSchema } from '../../gateway/contract/envelope.ts'
import { providerMetricsSchema } from '../../gateway/contract/provider-metrics.ts'
import { providerSchema } from '../../gateway/contract/providers.ts'
import { type AddedProvider, openAddedProviders } from '../../gateway/providers/added.ts'
import { SAMPLE_EVERY_MS } from '../../gateway/providers/samples.ts'
import { openTable } from '../../gateway/records/table.ts'
import { systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import { until } from '../support/until.ts'
import { openTestGateway, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER, providerView } from './support/test-node.ts'

const PROVIDERS = '/api/plugin-core/providers'
const ID = '12D3KooWH7a5JPKBKDY3DAYbXP4Urk3BbJNA7EbKxiCYBW9RSY9b'
const OTHER = '12D3KooWLRPJAA5o6hXTtrMzJLzLQ3n5pCHnQ6cMPdZqxQ7KfHnA'
const NEW = { name: 'cellar', type: 'p2p', endpoints: [`/ip4/192.0.2.7/tcp/13100/p2p/${ID}`], config: { rack: '7' } }

let gateway: TestGateway
beforeEach(async () => {
  gateway = await openTestGateway()
})
afterEach(async () => await gateway.close())

describe('entry 32: providers that are added by hand', () => {
  it('are shown offline until they are heard of, changed and deleted', async () => {
    const added = await gateway.ask('POST', PROVIDERS, { json: NEW })
    assert.equal(added.status, 201, JSON.stringify(added.body))
    const { data } = successSchema(providerSchema).parse(added.body)
    assert.deepEqual([data.id, data.name, data.status, data.endpoints], [ID, 'cellar', 'offline', NEW.endpoints])
    assert.equal((await gateway.ask('GET', `${PROVIDERS}/${ID}`)).data.name, 'cellar')
    const listed = async (query = '') =>
      (await gateway.ask('GET', `${PROVIDERS}${query}`)).data.map(({ id }: { id: string }) => id)
    assert.deepEqual(await listed(), [PROVIDER, ID])
    assert.deepEqual(await listed('?status=online'), [PROVIDER])
    const changed = await gateway.ask('PUT', `${PROVIDERS}/${ID}`, { json: { name: 'attic' } })
    assert.deepEqual([changed.status, changed.data.name], [200, 'attic'])
    const foreign = { endpoints: [`/ip4/192.0.2.7/tcp/1/p2p/${OTHER}`] }
    const moved = await gateway.ask('PUT', `${PROVIDERS}/${ID}`, { json: foreign })
    assert.deepEqual([moved.status, moved.code], [400, 'VALIDATION_ERROR'])
    gateway.providers.push(providerView({ provider: ID, name: 'its own name' }))
    assert.equal((await gateway.ask('GET', `${PROVIDERS}/${ID}`)).data.name, 'its own name')
    assert.deepEqual(await listed(), [PROVIDER, ID])
    assert.equal((await gateway.ask('DELETE', `${PROVIDERS}/${ID}`)).status, 200)
    const gone = await gateway.ask('DELETE', `${PROVIDERS}/${ID}`)
    assert.deepEqual([gone.status, gone.code], [404, 'PROVIDER_NOT_FOUND'])
  })

  it('are refused where they cannot be dialled, twice, and by who may not', async () => {
    const bad = [
      'nonsense',
      '',
      '/ip4/192.0.2.7/tcp/13100',
      `/ip4/192.0.2.7/tcp/13100/p2p/${ID}x`,
      `/ip4/169.254.169.254/tcp/80/p2p/${ID}`,
      `/ip4/0.0.0.0/tcp/80/p2p/${ID}`,
      `/unix/var%2Frun%2Fdocker.sock/p2p/${ID}`,
    ]
    for (const endpoint of bad) {
      const answer = await gateway.ask('POST', PROVIDERS, { json: { ...NEW, endpoints: [endpoint] } })
      assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], endpoint)
      assert.equal(answer.body.error.details.fields[0].path, 'endpoints[0]', endpoint)
    }
    const two = [`/ip4/192.0.2.7/tcp/1/p2p/${ID}`, `/ip4/192.0.2.7/tcp/1/p2p/${OTHER}`]
    for (const fields of [
      { endpoints: two },
      { endpoints: [] },
      { type: 'akash' },
      { config: { a: 1 } },
      { more: 1 },
    ]) {
      assert.equal((await gateway.ask('POST', PROVIDERS, { json: { ...NEW, ...fields } })).status, 400)
    }
    assert.equal((await gateway.ask('POST', PROVIDERS, { json: NEW })).status, 201)
    const again = await gateway.ask('POST', PROVIDERS, { json: NEW })
    assert.deepEqual([again.status, again.code], [409, 'PROVIDER_CONFLICT'])
    const reader = await gateway.keyFor('alice', ['providers:read'])
    assert.equal((await gateway.ask('POST', PROVIDERS, { key: reader, json: NEW })).status, 403)
    assert.equal((await gateway.ask('DELETE', `${PROVIDERS}/${ID}`, { key: reader })).status, 403)
  })

  it('belong to who added them, and lead tenants to the open internet only', async () => {
    const [alice, bob] = [await gateway.keyFor('alice', ['providers:*']), await gateway.keyFor('bob', ['providers:*'])]
    for (const address of [
      '/ip4/10.0.0.1/tcp/1',
      '/ip4/127.0.0.1/tcp/1',
      '/ip6/fd00::1/tcp/1',
      '/dns4/a.example/tcp/1',
    ]) {
      const endpoints = ['/ip4/8.8.8.8/tcp/1', address].map((one) => `${one}/p2p/${ID}`)
      const refused = await gateway.ask('POST', PROVIDERS, { key: alice, json: { ...NEW, endpoints } })
      assert.deepEqual([refused.status, refused.body.error.details.fields[0].path], [400, 'endpoints[1]'], address)
    }
    const json = { ...NEW, endpoints: [`/ip4/8.8.8.8/tcp/1/p2p/${ID}`] }
    assert.equal((await gateway.ask('POST', PROVIDERS, { key: alice, json })).status, 201)
    for (const [method, change] of [
      ['PUT', { name: 'theirs' }],
      ['DELETE', undefined],
      ['GET', undefined],
    ] as const) {
      const asked = await gateway.ask(method, `${PROVIDERS}/${ID}`, { key: bob, ...(change && { json: change }) })
      assert.deepEqual([asked.status, asked.code], [404, 'PROVIDER_NOT_FOUND'], method)
    }
    const ids = async (key?: string) =>
      (await gateway.ask('GET', PROVIDERS, key === undefined ? {} : { key })).data.map(({ id }: { id: string }) => id)
    assert.deepEqual([await ids(bob), await ids(alice), await ids()], [[PROVIDER], [PROVIDER, ID], [PROVIDER, ID]])
    const inward = { endpoints: [`/ip4/10.0.0.1/tcp/1/p2p/${ID}`] }
    assert.equal((await gateway.ask('PUT', `${PROVIDERS}/${ID}`, { key: alice, json: inward })).status, 400)
    assert.equal((await gateway.ask('PUT', `${PROVIDERS}/${ID}`, { json: inward })).status, 200)
    assert.equal((await gateway.ask('PUT', `${PROVIDERS}/${ID}`, { key: alice, json: { name: 'mine' } })).status, 200)
    assert.equal((await gateway.ask('DELETE', `${PROVIDERS}/${ID}`, { key: alice })).status, 200)
  })

  it('are dialled until they are connected, also after a restart', async () => {
    await gateway.ask('POST', PROVIDERS, { json: NEW })
    const dialled: unknown[] = []
    const stop = new AbortController()
    const connected: string[] = []
    const network = {
      peers: () => connected,
      open: async (peer: string, _protocol: string, { addresses }: { addresses?: string[] }) => {
        dialled.push([peer, addresses])
        throw new Error('not there')
      },
    }
    const table = openTable<AddedProvider>(gateway.db, 'added-providers')
    const added = await openAddedProviders({ table, network, clock: systemClock, logger: silentLogger })
    const running = added.run(stop.signal)
    await until(() => dialled.length === 1)
    assert.deepEqual(dialled, [[ID, NEW.endpoints]])
    const second = { ...NEW, id: OTHER, createdAtMs: 1, updatedAtMs: 1 }
    connected.push(ID)
    await added.put(second)
    await until(() => dialled.length === 2)
    assert.deepEqual(dialled[1], [OTHER, NEW.endpoints])
    stop.abort()
    await running
  })
})

describe('entry 32: metrics of a provider', () => {
  it('tell how near and how busy it was, and whether it was there, over a month', async () => {
    const path = (query = '', id: string = PROVIDER) => `${PROVIDERS}/${id}/metrics${query}`
    const start = Date.parse('2026-01-31T00:00:00Z')
    const [provider] = gateway.providers
    assert.ok(provider)
    for (let i = 0; i < 24; i += 1) {
      gateway.time.nowMs = start + i * SAMPLE_EVERY_MS
      gateway.providers[0] = { ...provider, status: i < 18 ? 'online' : 'offline', latencyMs: i < 12 ? 10 : 20 }
      await gateway.providerSamples.look()
    }
    const read = async (query = '') => {
      const answer = await gateway.ask('GET', path(query))
      return successSchema(providerMetricsSchema).parse(answer.body).data
    }
    const all = await read()
    assert.deepEqual([all.latency?.length, all.cpu?.length, all.uptime?.length], [18, 18, 24])
    assert.deepEqual(all.cpu?.[0], { timestamp: '2026-01-31T00:00:00.000Z', value: 75 })
    const hours = await read('?period=30d&resolution=1h&metrics=uptime,latency')
    assert.deepEqual(hours, {
      latency: [
        { timestamp: '2026-01-31T00:00:00.000Z', value: 10 },
        { timestamp: '2026-01-31T01:00:00.000Z', value: 20 },
      ],
      uptime: [
        { timestamp: '2026-01-31T00:00:00.000Z', value: 100 },
        { timestamp: '2026-01-31T01:00:00.000Z', value: 50 },
      ],
    })
    assert.equal((await read('?period=1h')).uptime?.length, 13)
    gateway.time.nowMs = start + 40 * 24 * 3_600_000
    await gateway.providerSamples.look()
    assert.deepEqual((await read('?period=30d')).uptime?.length, 1)
    assert.equal((await gateway.records.providerDays.keys().all()).length, 1)
    for (const bad of ['?period=31d', '?resolution=1m', '?metrics=all']) {
      assert.equal((await gateway.ask('GET', path(bad))).status, 400, bad)
    }
    assert.equal((await gateway.ask('GET', path('', 'nobody'))).code, 'PROVIDER_NOT_FOUND')
  })
})
