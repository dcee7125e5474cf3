/** What a provider asks for volumes that stay, and what it signs. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { volumeIdOf } from '../../../protocol/job-volumes.ts'
import { checkVolumeReceipt } from '../../../protocol/volume-receipts.ts'
import { DEFAULT_PRICES } from '../../../provider-agent/prices/default-prices.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { until } from '../../support/until.ts'
import { type Change, createPricedRig, DAY_MS, HOUR, HOUR_MS, KEPT, PRICE, requesterOf } from './support/priced-rig.ts'

describe('the price of volumes that stay, at their provider', () => {
  let rig: AgentRig
  beforeEach(async () => {
    rig = await createPricedRig()
  })
  afterEach(async () => await rig.stop())
  const { say, told, idle, begin, end, leave, statementOf, padded, pay } = requesterOf(() => rig)

  it('is announced, in the bid of a job that leaves one, and in no other', async () => {
    const asked = await rig.requester.ask({ volumes: KEPT })
    assert.equal((await asked.answer()).bid?.volumePerGbHour, PRICE)
    const plain = await rig.requester.ask({ volumes: [{ name: 'data', mountPath: '/data', size: '1Gi' }] })
    assert.equal((await plain.answer()).bid?.volumePerGbHour, 0n)
    assert.equal(rig.agent.status().prices.volumePerGbHour, PRICE)
  })

  it('is asked of nobody who knows of no such price, and of nobody whose cap it is above', async () => {
    const older = await (await rig.requester.ask({ volumes: KEPT }, { takesVolumePrice: false })).answer()
    assert.equal(older.decline?.code, 'VOLUME_PRICE_UNKNOWN')
    const plain = await (await rig.requester.ask({}, { takesVolumePrice: false })).answer()
    assert.notEqual(plain.bid, null)
    // 72 GB-hours at a thousandth, spread over a job of a minute: 4.32 an hour.
    const [low, high] = ['4.32', '4.4'].map(async (maxPrice) => {
      const asked = await rig.requester.ask({ volumes: KEPT, duration: 60, maxPrice })
      return (await asked.answer()).decline?.code
    })
    assert.deepEqual([await low, await high], ['PRICE_ABOVE_CAP', undefined])
  })

  it('is held to by the award', async () => {
    const asked = await rig.requester.ask({ volumes: KEPT })
    const { bid } = await asked.answer()
    assert.ok(bid !== null)
    const reply = await rig.requester.award(asked, bid, { volumePerGbHour: PRICE - 1n })
    assert.deepEqual([reply.accepted, reply.code], [false, 'PRICE_CHANGED'])
  })

  it('counts a taken-up volume as storage of the job that has it', async () => {
    const id = await leave()
    const plain = await (await rig.requester.ask({})).answer()
    const taking = await (await rig.requester.ask({ volumes: [{ volume: id, mountPath: '/d' }] })).answer()
    const [less, more] = [plain.bid?.pricePerHour ?? 0n, taking.bid?.pricePerHour ?? 0n]
    assert.equal(more - less, DEFAULT_PRICES.storagePerGbHour)
    assert.equal(taking.bid?.volumePerGbHour, 0n)
  })

  it('is metered from the end of one job to the beginning of the next, over restarts in the middle', async () => {
    const first = await begin({ volumes: KEPT })
    const id = volumeIdOf(first.asked.jobId, rig.provider, 'data')
    await rig.clock.advance(30_000)
    assert.equal(await idle(id), 0)
    await end(first)
    await rig.clock.holdUp(HOUR_MS)
    await rig.restart()
    await until(() => rig.agent.status().paused === null)
    await rig.clock.holdUp(HOUR_MS)
    const before = (await idle(id)) ?? 0
    assert.ok(before >= 2 * HOUR && before < 2 * HOUR + 60, String(before))
    const second = await begin({ volumes: [{ volume: id, mountPath: '/d' }] })
    const during = await idle(id)
    await rig.clock.advance(20_000)
    assert.equal(await idle(id), during)
    await end(second)
    await rig.clock.holdUp(HOUR_MS)
    assert.ok(((await idle(id)) ?? 0) >= (during ?? 0) + HOUR)
  })

  it('is signed as the requester has it, and the same again for the same bytes', async () => {
    const id = await leave()
    await rig.clock.holdUp(HOUR_MS)
    const first = await pay(id)
    const { receipt, signer } = await checkVolumeReceipt(first.receipt ?? assert.fail())
    assert.deepEqual([signer, receipt.number, receipt.costNanoUsd], [rig.provider, 1, PRICE])
    assert.deepEqual((await pay(id)).receipt, first.receipt)
    await rig.restart()
    await until(() => rig.agent.status().paused === null)
    assert.deepEqual((await pay(id)).receipt, first.receipt)
    await rig.clock.holdUp(HOUR_MS)
    await pay(id, { number: 2, secondsBefore: 3_600n, seconds: 60n })
    const { total, byClient } = await rig.agent.earnings(0)
    assert.equal(total.volumes, PRICE + PRICE / 60n)
    assert.deepEqual(
      byClient.map(({ key, volumes }) => [key, volumes]),
      [[rig.requester.network.peerId, total.volumes]],
    )
    assert.ok(total.earned >= total.volumes && total.signed >= total.volumes)
  })

  const others: [what: string, change: Change][] = [
    ['another size', { sizeBytes: 1n }],
    ['another price', { pricePerGbHour: 1n }],
    ['another network', { network: 'other' }],
    ['a number that was signed, with other content', { number: 1, seconds: 60n }],
    ['hours that were paid before', { number: 2, secondsBefore: 0n }],
  ]
  for (const [what, change] of others) {
    it(`refuses a receipt with ${what}`, async () => {
      const id = await leave()
      await rig.clock.holdUp(2 * HOUR_MS)
      await pay(id)
      await rig.clock.holdUp(HOUR_MS)
      await assert.rejects(pay(id, change), { code: 'NOT_AGREED' })
      await pay(id, { number: 2, secondsBefore: 3_600n })
    })
  }

  it('signs one an hour, though clocks differ, and none with more in it than it reads', async () => {
    const id = await leave()
    await rig.clock.holdUp(HOUR_MS)
    await assert.rejects(say({ case: 'settle', value: { receipt: await padded(id) } }), { code: 'NOT_AGREED' })
    await pay(id)
    const next: Change = { number: 2, secondsBefore: 3_600n, seconds: 1n }
    await rig.clock.holdUp(HOUR_MS - 660_000)
    await assert.rejects(pay(id, next), { code: 'NOT_AGREED' })
    await rig.clock.holdUp(60_000)
    await pay(id, next)
    assert.equal((await rig.agent.earnings(0)).total.volumes, PRICE + (PRICE * 3_601n) / 3_600n - PRICE)
  })

  it('once it is over, signs one at once and the one after which nothing is open, and no others', async () => {
    const id = await leave()
    await rig.clock.holdUp(4 * HOUR_MS)
    await pay(id, { seconds: 60n })
    await say({ case: 'delete', value: { id } })
    await pay(id, { number: 2, secondsBefore: 60n })
    await assert.rejects(pay(id, { number: 3, secondsBefore: 3_660n, seconds: 1n }), { code: 'NOT_AGREED' })
    const seconds = ((await told(id))?.idleSeconds ?? 0n) - 3_660n
    const last: Change = { number: 3, secondsBefore: 3_660n, seconds }
    const { receipt } = await pay(id, last)
    assert.equal(await told(id), undefined)
    // Its answer may have been lost.
    assert.deepEqual((await pay(id, last)).receipt, receipt)
    await assert.rejects(pay(id, { number: 4, secondsBefore: 14_400n }), { code: 'UNKNOWN_VOLUME' })
  })

  it('refuses a receipt of somebody else, for a volume that it has not, and where there is no price', async () => {
    const id = await leave()
    const other = await rig.hub.join(78)
    const receipt = await statementOf(id, { requester: other.network.peerId }, other.privateKey)
    await assert.rejects(say({ case: 'settle', value: { receipt } }), { code: 'NOT_AGREED' })
    await assert.rejects(pay(`vol_${'0'.repeat(26)}`), { code: 'UNKNOWN_VOLUME' })
    await rig.stop()
    rig = await createAgentRig()
    await assert.rejects(pay(await leave()), { code: 'UNKNOWN_VOLUME' })
  })

  it('tells of one that was removed until its last receipt is signed, for a week', async () => {
    const id = await leave()
    await rig.clock.holdUp(HOUR_MS)
    await say({ case: 'delete', value: { id } })
    const over = await told(id)
    assert.deepEqual([over?.over, rig.engine.volumeNames()], [true, []])
    const seconds = over?.idleSeconds ?? 0n
    await rig.clock.holdUp(HOUR_MS)
    await rig.restart()
    await until(() => rig.agent.status().paused === null)
    assert.equal((await told(id))?.idleSeconds, seconds, 'it is not metered any more')
    await say({ case: 'delete', value: { id } })
    assert.equal((await told(id))?.over, true, 'who asks for its end once more still owes for it')
    await pay(id, { seconds })
    assert.equal(await told(id), undefined)

    const unpaid = await leave()
    await rig.clock.holdUp(HOUR_MS)
    await say({ case: 'delete', value: { id: unpaid } })
    await rig.clock.holdUp(8 * DAY_MS)
    await until(async () => (await told(unpaid)) === undefined)
  })
})
