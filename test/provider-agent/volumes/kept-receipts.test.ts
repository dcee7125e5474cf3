/** What a provider asks for volumes that stay, and what it signs. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { askProvider, volumesAt } from '../../../node/volumes/ask-provider.ts'
import { createVolumeFiles } from '../../../node/volumes/volume-files.ts'
import { encode } from '../../../protocol/codec.ts'
import { VolumeReceiptSchema } from '../../../protocol/gen/cortex/v1/volumes_pb.js'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { volumeIdOf } from '../../../protocol/job-volumes.ts'
import { signStatement } from '../../../protocol/statements.ts'
import { GIB } from '../../../protocol/units.ts'
import { checkVolumeReceipt, costOfKept } from '../../../protocol/volume-receipts.ts'
import type { ContainerAccess } from '../../../provider-agent/engine/access.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { DEFAULT_PRICES } from '../../../provider-agent/prices/default-prices.ts'
import { type AgentRig, createAgentRig, type Running } from '../../support/agent-rig.ts'
import { MARKET } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

const HOUR = 3_600
const HOUR_MS = HOUR * 1_000
const DAY_MS = 24 * HOUR_MS
const PRICE = 1_000_000n
const KEPT = [{ name: 'data', mountPath: '/data', size: '1Gi', keep: 3 * 24 * HOUR }]
const never = new AbortController().signal

type Change = Partial<Parameters<typeof encode<typeof VolumeReceiptSchema>>[1]>

describe('the price of volumes that stay, at their provider', () => {
  let rig: AgentRig
  beforeEach(async () => {
    // Its engine opens no volume: who wants to look into one has asked for it all the same.
    const open = async () => await Promise.reject(new EngineError('ENGINE_ERROR', 'no'))
    const volumeAccess = { open, measure: open, clear: async () => undefined }
    const components = { access: {} as ContainerAccess, volumeAccess }
    rig = await createAgentRig({ prices: { ...DEFAULT_PRICES, volumePerGbHour: PRICE }, components })
  })
  afterEach(async () => await rig.stop())

  const at = () => ({ provider: rig.provider, addresses: [] })
  const say = async (content: Parameters<typeof askProvider>[2]) =>
    await askProvider({ network: rig.requester.network, clock: systemClock }, at(), content, never)
  const filesOf = async (id: string) =>
    await createVolumeFiles({ network: rig.requester.network, clock: systemClock }, at).look(id, '/', {}, never)
  const told = async (id: string) =>
    (await volumesAt({ network: rig.requester.network, clock: systemClock }, at(), never)).volumes.get(id)
  const idle = async (id: string): Promise<number | undefined> => {
    const one = await told(id)
    return one === undefined ? undefined : Number(one.idleSeconds)
  }

  async function begin(submission: Partial<JobSubmission>): Promise<Running> {
    const running = await rig.run(submission)
    await rig.container(running.name)
    return running
  }

  async function end(running: Running): Promise<void> {
    rig.engine.containers.get(running.name)?.exit(0)
    await rig.settle(running)
  }

  async function leave(): Promise<string> {
    const running = await begin({ volumes: KEPT })
    await end(running)
    return volumeIdOf(running.asked.jobId, rig.provider, 'data')
  }

  async function statementOf(volumeId: string, change: Change, key = rig.requester.peer.privateKey) {
    const time = {
      ...{ sizeBytes: BigInt(GIB), pricePerGbHour: PRICE, secondsBefore: 0n, seconds: 3_600n },
      ...(change as object),
    }
    const payload = encode(VolumeReceiptSchema, {
      ...{ network: MARKET, volumeId, requester: rig.requester.network.peerId, provider: rig.provider, number: 1 },
      ...{ costNanoUsd: costOfKept(time), signedAtMs: 1n },
      ...time,
      ...(change as object),
    })
    return await signStatement('volume-receipt', payload, key)
  }

  /** What it says is agreed; behind it are bytes of a field that nobody knows. */
  async function padded(volumeId: string) {
    const { payload } = await statementOf(volumeId, {})
    const more = Buffer.concat([payload, Buffer.from([0x82, 0x7d, 0x03]), Buffer.from('abc')])
    return await signStatement('volume-receipt', more, rig.requester.peer.privateKey)
  }

  const pay = async (id: string, change: Change = {}) =>
    await say({ case: 'settle', value: { receipt: await statementOf(id, change) } })

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

  async function declined(submission: Partial<JobSubmission> = { volumes: KEPT }) {
    const { decline } = await (await rig.requester.ask(submission)).answer()
    await rig.clock.advance(20_000)
    return decline?.code
  }

  it('keeps nothing more for who does not sign, but what it has promised', async () => {
    const id = await leave()
    await rig.clock.holdUp(2 * HOUR_MS - 60_000)
    assert.equal(await declined({ volumes: KEPT }), undefined)
    await rig.clock.advance(60_000)
    assert.equal(await declined({ volumes: KEPT }), 'VOLUME_UNPAID')
    assert.equal(await declined({ volumes: [{ volume: id, mountPath: '/d' }] }), undefined)
    await assert.rejects(say({ case: 'extend', value: { id, keepSeconds: HOUR } }), { code: 'VOLUME_UNPAID' })
    assert.equal(rig.engine.volumeNames().length, 1)
    // A word about one minute is none about two hours.
    await pay(id, { seconds: 60n })
    assert.equal(await declined({ volumes: KEPT }), 'VOLUME_UNPAID')
    await rig.clock.holdUp(HOUR_MS)
    const seconds = BigInt(((await idle(id)) ?? 0) - 60)
    await pay(id, { number: 2, secondsBefore: 60n, seconds })
    assert.equal(await declined({ volumes: KEPT }), undefined)
  })

  it('counts what nobody signs of all volumes of a requester, also of those that it deleted in time', async () => {
    for (let n = 0; n < 2; n += 1) {
      assert.equal(await declined(), undefined)
      const id = await leave()
      await rig.clock.holdUp(2 * HOUR_MS - 60_000)
      await say({ case: 'delete', value: { id } })
    }
    assert.equal(await declined(), 'VOLUME_UNPAID')
  })

  it('lets nobody use one for which nobody signs for longer than it was to be kept', async () => {
    const id = await leave()
    const take: Partial<JobSubmission> = { volumes: [{ volume: id, mountPath: '/d' }] }
    await rig.clock.holdUp(2 * DAY_MS)
    await end(await begin(take))
    await rig.clock.holdUp(2 * DAY_MS)
    assert.equal(await declined(take), 'VOLUME_UNPAID')
    assert.equal(rig.agent.status().leases.length, 0)
    await assert.rejects(filesOf(id), { code: 'FAILED', message: /not signed yet/ })
    await pay(id, { seconds: BigInt((await idle(id)) ?? 0) })
    assert.equal(await declined(take), undefined)
  })

  const knowing: [how: string, use: (id: string) => Promise<unknown>][] = [
    ['takes it up', async (id) => await end(await begin({ volumes: [{ volume: id, mountPath: '/d' }] }))],
    ['extends it', async (id) => await say({ case: 'extend', value: { id, keepSeconds: 7 * 24 * HOUR } })],
    ['looks into it', async (id) => await assert.rejects(filesOf(id), { code: 'FAILED', message: /could not open/ })],
  ]
  for (const [how, use] of knowing) {
    it(`does not count one that its requester gave up unheard, until that ${how}`, async () => {
      const { asked, follow } = await begin({ volumes: KEPT })
      await follow.command({ case: 'stale', value: {} })
      await until(() => rig.agent.status().leases.length === 0)
      const id = volumeIdOf(asked.jobId, rig.provider, 'data')
      await rig.clock.holdUp(3 * HOUR_MS)
      assert.equal(await declined(), undefined)
      await use(id)
      assert.equal(await declined(), undefined, 'what was open till then is let go')
      await rig.clock.holdUp(2 * HOUR_MS)
      assert.equal(await declined(), 'VOLUME_UNPAID')
    })
  }

  it('counts no longer than it was to be kept, wherever this agent was meanwhile, asleep or off', async () => {
    let asleepMs = 0
    const { sinceBoot } = rig.clock
    rig.clock.sinceBoot = () => ({ ...(sinceBoot?.() ?? assert.fail()), asleepMs })
    const asleep = await leave()
    asleepMs += 4 * DAY_MS
    rig.clock.jump(4 * DAY_MS)
    assert.equal(await idle(asleep), KEPT[0]?.keep)
    await rig.clock.advance(20_000)
    await until(() => rig.engine.volumeNames().length === 0)
    await pay(asleep, { seconds: BigInt(KEPT[0]?.keep ?? 0) })
    assert.equal(await told(asleep), undefined, 'nothing is open')

    const off = await leave()
    rig.crash()
    await rig.clock.holdUp(4 * DAY_MS)
    await rig.boot()
    await until(async () => (await told(off))?.over === true)
    assert.equal(await idle(off), KEPT[0]?.keep)
  })

  it('takes what a requester signs next that gave up a lease after its end: it may never have heard of it', async () => {
    const gone = async (submission: Partial<JobSubmission>): Promise<string> => {
      const { asked, name, follow } = await begin(submission)
      const [one] = submission.volumes ?? []
      const id = one?.volume ?? volumeIdOf(asked.jobId, rig.provider, 'data')
      rig.engine.containers.get(name)?.exit(0)
      await follow.report('ended')
      await until(async () => (await told(id))?.expiresInSeconds !== undefined)
      await rig.clock.holdUp(3 * HOUR_MS)
      assert.equal(await declined(), 'VOLUME_UNPAID')
      const { command } = await rig.requester.follow(rig.provider, asked.jobId, 1)
      await command({ case: 'stale', value: {} })
      await until(() => rig.agent.status().leases.length === 0)
      assert.equal(await declined(), undefined)
      return id
    }
    await gone({ volumes: KEPT.map((volume) => ({ ...volume, keep: 2 * HOUR })) })
    const id = await gone({ volumes: KEPT })
    await rig.clock.holdUp(HOUR_MS)
    await pay(id)
    assert.equal(await idle(id), HOUR, 'what was open before is let go')
    await gone({ volumes: [{ volume: id, mountPath: '/d' }] })
    await pay(id, { number: 2, secondsBefore: 3_600n, seconds: 1n })
    assert.equal(await declined(), undefined)
    await rig.clock.holdUp(2 * HOUR_MS)
    assert.equal(await declined(), 'VOLUME_UNPAID')
  })

  it('is metered, and kept from then on, though its agent was killed before the container was gone', async () => {
    rig.engine.script = () => ({ removeMs: 60_000 })
    const { asked, name, follow } = await begin({ volumes: KEPT.map((volume) => ({ ...volume, keep: 60 })) })
    await rig.clock.advance(50_000)
    rig.engine.containers.get(name)?.exit(0)
    await follow.report('ended')
    await follow.ack(follow.reports.at(-1)?.sequence ?? 0n)
    await rig.clock.advance(15_000)
    assert.notEqual(rig.engine.containers.get(name), undefined)
    await rig.restart()
    await until(() => rig.agent.status().paused === null)
    assert.equal(rig.agent.status().leases.length, 0)
    await rig.clock.advance(40_000)
    const one = await told(volumeIdOf(asked.jobId, rig.provider, 'data'))
    await rig.clock.advance(30_000) // the removal has begun, and is waited for
    assert.deepEqual([one?.idleSeconds, one?.expiresInSeconds, one?.over], [40n, 20, false])
  })

  it('goes at its time, and stays owed for, over restarts while its requester does not come for the last report', async () => {
    const { asked, name, follow } = await begin({ volumes: KEPT.map((volume) => ({ ...volume, keep: HOUR })) })
    const id = volumeIdOf(asked.jobId, rig.provider, 'data')
    rig.engine.containers.get(name)?.exit(0)
    await follow.report('ended')
    await until(async () => (await told(id))?.expiresInSeconds !== undefined)
    for (const minutes of [45, 20, 20]) {
      await rig.clock.holdUp(minutes * 60_000)
      await rig.restart()
      await until(() => rig.agent.status().paused === null)
      await rig.clock.advance(16_000)
    }
    const one = await told(id)
    assert.deepEqual([one?.over, one?.idleSeconds, rig.engine.volumeNames()], [true, BigInt(HOUR), []])
    assert.equal(rig.agent.status().leases.length, 1)
  })

  it('takes a last receipt for what it is, though it heard later that the volume was to go', async () => {
    const id = await leave()
    await rig.clock.holdUp(12 * HOUR_MS)
    await say({ case: 'delete', value: { id } })
    assert.equal(await declined(), 'VOLUME_UNPAID')
    await pay(id, { seconds: 1_800n })
    assert.equal(await declined(), undefined)
    assert.equal((await told(id))?.over, true)
  })
})
