/** Traffic that has a price, on a real engine: what the job received is what is billed, and no more than it may. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { JobRecord } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { attemptCost, costView } from '../../node/views/cost.ts'
import { openReceipt } from '../../node/views/receipt-view.ts'
import { chargeOf, meteredSeconds, usdNumber } from '../../protocol/money.ts'
import { DEFAULT_PRICES } from '../../provider-agent/prices/default-prices.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const MiB = 2 ** 20
const PER_GB = 50_000_000n

describe('the price of traffic', () => {
  let market: TestMarket
  let port: number
  let lack: string | undefined

  before(async () => {
    market = await openMarket()
    const { agent } = await market.addSeller({ agent: { prices: { ...DEFAULT_PRICES, networkPerGb: PER_GB } } })
    if (!agent.status().capabilities.includes('network-limit')) lack = 'the engine’s networks are not here'
    // Sends what it is asked for.
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined) // a job that was ended
      // One that is gone with its network says no goodbye.
      market.defer(async () => void socket.destroy())
      socket.once('data', (asked) => void socket.end(Buffer.alloc(Number(asked.toString()) * MiB)))
    })
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
    market.defer(async () => void server.close())
    port = (server.address() as { port: number }).port
  })
  after(async () => await market.close())

  const receive = (mebibytes: number): string =>
    `GATEWAY=$(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'); echo ${mebibytes} | nc $GATEWAY ${port} | wc -c`

  async function ran(script: string, maxNetwork: string): Promise<JobRecord> {
    return await market.run(script, { network: 'bridge', maxNetwork, maxAttempts: 1 })
  }

  async function receiptOf(job: JobRecord) {
    const lease = leaseOf(job)
    assert.ok(lease?.receipt, 'both sides signed')
    return { lease, receipt: (await openReceipt(lease.receipt.provider)).receipt }
  }

  it('a job is billed for what it received, within a few percent for the packets’ own headers', async (t) => {
    if (lack !== undefined) return t.skip(lack)
    const job = await ran(receive(20), '100Mi')
    assert.equal(job.state.status, 'completed', JSON.stringify(job.state))
    const { lease, receipt } = await receiptOf(job)
    const bytes = Number(receipt.networkBytes)
    assert.ok(bytes > 20 * MiB && bytes < 21.5 * MiB, `${bytes} bytes`)
    assert.equal(lease.networkBytes, bytes)
    const used = { seconds: meteredSeconds(lease.meteredMs), networkBytes: bytes }
    const cost = chargeOf({ pricePerHour: receipt.pricePerHour, minimumCharge: 0n, pricePerGb: PER_GB }, used)
    assert.deepEqual([receipt.costNanoUsd, attemptCost(lease, true)], [cost, cost])
    const shown = costView(job, () => assert.fail('it ran'))
    assert.equal(shown.final, usdNumber(cost))
    const [bid] = await market.node.store.bids(job.id)
    assert.equal(bid?.pricePerGb, String(PER_GB))
    assert.match(bid?.reason ?? '', /\$0\.05 per GB of traffic/)
  })

  it('the next job on the same network is not billed for that', async (t) => {
    if (lack !== undefined) return t.skip(lack)
    const { receipt } = await receiptOf(await ran(receive(1), '100Mi'))
    assert.ok(receipt.networkBytes < BigInt(2 * MiB), `${receipt.networkBytes} bytes`)
  })

  it('a job beyond what it may is ended, says so, and pays for no more', async (t) => {
    if (lack !== undefined) return t.skip(lack)
    const job = await ran(`${receive(30)}; sleep 300`, '10Mi')
    assert.ok('failure' in job.state, JSON.stringify(job.state))
    const { code, details, remedy } = job.state.failure
    assert.deepEqual(
      [code, details.reason, details.limitBytes],
      ['RESOURCE_LIMIT_EXCEEDED', 'network-limit', String(10 * MiB)],
    )
    assert.match(remedy, /Raise maxNetwork/)
    assert.equal((await receiptOf(job)).receipt.networkBytes, BigInt(10 * MiB))
  })

  it('a job that does not say how much it may be is told so', async (t) => {
    if (lack !== undefined) return t.skip(lack)
    const { id } = await market.submit(market.job('true', { network: 'bridge', queueTimeout: 3 }))
    await market.ended(id)
    const [bid] = await market.node.store.bids(id)
    assert.match(bid?.reason ?? '', /TRAFFIC_UNLIMITED: asks \$0\.05 per GB of traffic: say how much/)
  })
})
