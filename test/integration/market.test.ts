/** Who runs a job: peers over TCP on loopback, containers on the real engine. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BidRecord, JobRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { GIB } from '../../protocol/units.ts'
import { until } from '../support/until.ts'
import { openApi } from './support/api.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

/** Cents an hour, so that prices cannot be mistaken for each other. */
const CHEAP = '0.01'
const DEAR = '0.02'

describe('a market of two sellers', () => {
  let market: TestMarket
  let cheap: Seller
  let dear: Seller

  before(async () => {
    market = await openMarket()
    cheap = await market.addSeller({ name: 'cheap', price: CHEAP })
    dear = await market.addSeller({ name: 'dear', price: DEAR })
  })
  after(() => market?.close())

  async function bidsOf(job: JobRecord): Promise<Record<string, BidRecord['outcome']>> {
    const bids = await market.node.store.bids(job.id)
    return Object.fromEntries(bids.map(({ name, outcome }) => [name, outcome]))
  }

  it('takes the cheaper one, and lets the other go', async () => {
    const job = await market.run('true')
    assert.deepEqual([job.state.status, leaseOf(job)?.provider], ['completed', cheap.id])
    assert.deepEqual(await bidsOf(job), { cheap: 'accepted', dear: 'released' })
    const [winner, loser] = (await market.node.store.bids(job.id)).toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0))
    assert.ok(winner?.score != null && loser?.score != null && winner.score > loser.score)
    assert.equal(BigInt(loser.pricePerHour ?? 0) > BigInt(winner.pricePerHour ?? 0), true)
    await until(() => market.sellers.every(({ agent }) => agent.status().free.cpuMillis === 1_000))
  })

  it('takes the one that is named, whatever it costs', async () => {
    const job = await market.run('true', { provider: dear.id })
    assert.deepEqual([job.state.status, leaseOf(job)?.provider], ['completed', dear.id])
    assert.deepEqual(await bidsOf(job), { dear: 'accepted' })
  })

  it('takes the one that is left where the cheaper one is full', async () => {
    const filling = await market.submit(market.job('sleep 60', { cpu: 1_000 }))
    assert.equal(leaseOf(await market.when(filling.id, ({ state }) => state.status === 'running'))?.provider, cheap.id)
    const job = await market.run('true')
    assert.deepEqual([job.state.status, leaseOf(job)?.provider], ['completed', dear.id])
    const [declined] = (await market.node.store.bids(job.id)).filter(({ name }) => name === 'cheap')
    assert.equal(declined?.outcome, 'declined')
    assert.match(declined?.reason ?? '', /^INSUFFICIENT_CAPACITY: has 0m CPU free, 100m CPU asked/)
    await market.node.requester.cancel(filling.id)
    assert.equal((await market.ended(filling.id)).state.status, 'cancelled')
  })

  it('takes none above the price cap, and says so', async () => {
    const job = await market.run('true', { cpu: 1_000, maxPrice: '0.001', queueTimeout: 5 })
    assert.equal(job.state.status, 'failed')
    if (job.state.status !== 'failed') return
    const { code, details } = job.state.failure
    assert.deepEqual([code, details.declineCode], ['NO_PROVIDER', 'PRICE_ABOVE_CAP'])
    assert.deepEqual(await bidsOf(job), { cheap: 'declined', dear: 'declined' })
  })

  it('fails a job that nobody could ever hold, and names who came closest', async () => {
    const roomy = await market.addSeller({ name: 'roomy', price: DEAR, caps: { memoryBytes: 2 * GIB } })
    const job = await market.run('true', { memory: '4Gi', queueTimeout: 5 })
    assert.equal(job.state.status, 'failed')
    if (job.state.status !== 'failed') return
    const { code, message, remedy, details } = job.state.failure
    assert.equal(code, 'RESOURCE_LIMIT_EXCEEDED')
    assert.deepEqual(details, { reason: 'more-than-any-provider', provider: roomy.id, resources: 'memoryBytes' })
    assert.match(message, /roomy: 4Gi memory asked, 2Gi memory there/)
    assert.match(remedy, /resource requirements/)
    await roomy.agent.stop()
  })
})

describe('a seller that refuses what it bid on', () => {
  it('is passed over for the next bid, and ranked lower from then on', async (test) => {
    const market = await openMarket()
    test.after(market.close)
    let refusing = true
    const fickle = await market.addSeller({
      name: 'fickle',
      price: CHEAP,
      onAward: ({ agent }) => (refusing ? agent.drain() : undefined),
    })
    const steady = await market.addSeller({ name: 'steady', price: '0.011' })
    const job = await market.run('echo ran')
    assert.deepEqual([job.state.status, leaseOf(job)?.provider, job.attempt], ['completed', steady.id, 1])
    const outcomes = (await market.node.store.bids(job.id)).map(({ name, outcome, reason }) => [
      name,
      outcome,
      reason.includes('drain'),
    ])
    assert.deepEqual(outcomes.toSorted(), [
      ['fickle', 'refused', true],
      ['steady', 'accepted', false],
    ])
    refusing = false
    await fickle.agent.resume()
    await until(() => market.node.directory.get(fickle.id)?.pausedReason === '')
    // Whoever is not believed is not waited for, so its bid may come too late for a job.
    const bidOf = async (): Promise<BidRecord> => {
      const next = await market.run('true')
      assert.equal(leaseOf(next)?.provider, steady.id)
      return (await market.node.store.bids(next.id)).find(({ name }) => name === 'fickle') ?? (await bidOf())
    }
    const { reason, outcome } = await bidOf()
    assert.match(reason, /trust/)
    assert.equal(outcome, 'released')
  })
})

describe('a job that is changed while bids come in', () => {
  it('is asked for anew, and nobody is blamed for the old terms', async (test) => {
    const market = await openMarket()
    test.after(market.close)
    const api = await openApi(market)
    const seller = await market.addSeller()
    // Gone without a word: its bid is waited for until the window closes.
    const gone = await market.addSeller()
    await gone.network.stop()
    const id = await api.submit(market.job('true', { cpu: 100 }))
    await until(() => seller.agent.status().free.cpuMillis === 900)
    assert.equal((await api.call('PUT', `/jobs/${id}`, { cpu: 300 })).status, 200)
    const job = await api.ended(id)
    assert.deepEqual([job.status, job.cpu, job.assignedProvider], ['completed', 300, seller.id])
    const { bids } = (await api.call('GET', `/jobs/${id}/bids`)).data
    assert.deepEqual([bids.length, bids[0].outcome], [1, 'accepted'])
    assert.doesNotMatch(bids[0].reason, /trust/)
  })
})

describe('a market without sellers', () => {
  it('fails the job at its queueTimeout', async (test) => {
    const market = await openMarket()
    test.after(market.close)
    const job = await market.run('true', { queueTimeout: 1 })
    assert.equal(job.state.status, 'failed')
    if (job.state.status !== 'failed') return
    const { code, details, remedy } = job.state.failure
    assert.deepEqual([code, details], ['NO_PROVIDER', { reason: 'no-provider-known', providers: 0 }])
    assert.notEqual(remedy, '')
  })

  it('runs it on one that comes in time', async (test) => {
    const market = await openMarket()
    test.after(market.close)
    const job = await market.submit(market.job('true', { queueTimeout: 30 }))
    const late = await market.addSeller()
    assert.equal(leaseOf(await market.ended(job.id))?.provider, late.id)
  })
})
