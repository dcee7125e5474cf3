import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pageSchema, successSchema } from '../../gateway/contract/envelope.ts'
import { networkSchema, providerSchema, providerStatusSchema } from '../../gateway/contract/providers.ts'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER, providerView } from './support/test-node.ts'

let gateway: TestGateway
const PROVIDERS = '/api/plugin-core/providers'

describe('providers', () => {
  beforeEach(async () => {
    gateway = await openTestGateway({ providerAliases: { akash: 'p2p' } })
    gateway.providers.push(providerView({ provider: 'second', name: 'cellar', status: 'offline' }))
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('are listed, filtered and paged', async () => {
    const names = async (query: string) => {
      const answer = await gateway.ask('GET', `${PROVIDERS}${query}`)
      pageSchema(providerSchema.partial()).parse(answer.body)
      return answer.data.map(({ name }: { name: string }) => name)
    }
    assert.deepEqual(await names(''), ['attic', 'cellar'])
    assert.deepEqual(await names('?status=online'), ['attic'])
    assert.deepEqual(await names('?status=degraded,offline'), ['cellar'])
    assert.deepEqual(await names('?type=p2p&limit=1&page=2'), ['cellar'])
    assert.deepEqual(await names('?type=akash'), [])
    assert.deepEqual(await names('?fields=id'), [undefined, undefined])
  })

  it('show prices, capacity and what my jobs cost there', async () => {
    const alice = await gateway.keyFor('alice')
    for (const key of [alice, undefined]) {
      const id = await submit(gateway, key === undefined ? {} : { name: 'hers' }, key)
      await gateway.play.start(id)
      await gateway.play.complete(id, { meteredMs: 3_600_000 })
    }
    const { data } = successSchema(providerSchema).parse((await gateway.ask('GET', `${PROVIDERS}/${PROVIDER}`)).body)
    assert.equal(data.pricing.cpu, 0.01)
    assert.equal(data.capacity.total.memory, '8Gi')
    assert.equal(data.metrics.costToDate, 0.02)
    const hers = await gateway.ask('GET', `${PROVIDERS}/${PROVIDER}`, { key: alice })
    assert.equal(hers.data.metrics.costToDate, 0.01)
    const jobs = async (query: string, as: { key?: string } = {}): Promise<number> =>
      (await gateway.ask('GET', `${PROVIDERS}/${PROVIDER}/jobs${query}`, as)).body.meta.pagination.total
    assert.equal(await jobs('?status=completed', { key: alice }), 1)
    assert.equal(await jobs('?owner=admin', { key: alice }), 0)
    assert.equal(await jobs(''), 2)
    assert.equal(await jobs('?owner=alice'), 1)
    assert.equal(await jobs('?name=hers'), 0)
    assert.equal(await jobs('?name=hers', { key: alice }), 1)
  })

  it('show how busy they are and what they can do', async () => {
    const answer = await gateway.ask('GET', `${PROVIDERS}/${PROVIDER}/status`)
    const { data } = successSchema(providerStatusSchema).parse(answer.body)
    assert.deepEqual(data.networkLoad, { cpu: 75, memory: 0, storage: 0 })
    const { capabilities } = (await gateway.ask('GET', `${PROVIDERS}/${PROVIDER}/capabilities`)).data
    assert.deepEqual(capabilities, ['extend'])
  })

  it('that are not known are PROVIDER_NOT_FOUND', async () => {
    for (const path of ['', '/status', '/capabilities', '/jobs']) {
      const answer = await gateway.ask('GET', `${PROVIDERS}/nobody${path}`)
      assert.deepEqual([answer.status, answer.code], [404, 'PROVIDER_NOT_FOUND'], path)
    }
  })

  it('make a network together', async () => {
    await submit(gateway)
    for (const name of ['p2p', 'akash']) {
      const answer = await gateway.ask('GET', `/api/plugin-core/networks/${name}`)
      const { data } = successSchema(networkSchema).parse(answer.body)
      assert.deepEqual(data.providers, { online: 1, degraded: 0, offline: 1, total: 2 })
      assert.deepEqual([data.jobs.pending, data.peers, data.capacity.total.cpu], [1, 1, 4000])
    }
    assert.equal((await gateway.ask('GET', '/api/plugin-core/networks')).data[0].name, 'p2p')
    const none = await gateway.ask('GET', '/api/plugin-core/networks/render')
    assert.deepEqual([none.status, none.code], [404, 'RESOURCE_NOT_FOUND'])
  })
})
