/** What a requester signs for volumes that stay: its own figure, whatever their provider says. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { encode } from '../../../protocol/codec.ts'
import { VolumeReceiptSchema } from '../../../protocol/gen/cortex/v1/volumes_pb.js'
import { signStatement } from '../../../protocol/statements.ts'
import { GIB } from '../../../protocol/units.ts'
import { costOfKept } from '../../../protocol/volume-receipts.ts'
import { createPayingRig, type PayingRig } from './support/paying-rig.ts'

const HOUR = 3_600
const HOUR_MS = HOUR * 1_000
const PRICE = 3_600_000n
const WORLD = 1_000_000

describe('what is signed for a volume that stays', () => {
  let rig: PayingRig
  beforeEach(async () => {
    rig = await createPayingRig()
  })
  afterEach(async () => await rig.stop())

  /** A volume that a job left this moment, which costs {@link PRICE} for a GB-hour. */
  async function left(changes: object = {}): Promise<string> {
    return await rig.leave('job_a', { price: PRICE, ...changes })
  }

  it('are the hours in which no job had it, once an hour, at the price that was awarded', async () => {
    const id = await left()
    await rig.clock.advance(HOUR_MS / 2)
    rig.tells(id, 1_800)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [[1, 1_800]], 'an hour after the price was agreed to the first is due')
    await rig.clock.advance(HOUR_MS / 2)
    rig.tells(id, 3_600)
    await rig.volumes.look(id)
    assert.equal(rig.sent.length, 1, 'not before another hour')
    await rig.clock.advance(HOUR_MS / 2)
    rig.tells(id, 5_400)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [
      [1, 1_800],
      [2, 3_600],
    ])
    const last = rig.sent.at(-1)?.receipt
    assert.deepEqual(
      [last?.pricePerGbHour, last?.sizeBytes, last?.secondsBefore, last?.costNanoUsd],
      [PRICE, BigInt(GIB), 1_800n, PRICE],
    )
    assert.deepEqual(
      rig.receipts.map(({ owner, number, seconds, cost }) => [owner, number, seconds, cost]),
      [
        ['me', 1, 1_800, '1800000'],
        ['me', 2, 3_600, '3600000'],
      ],
    )
    const record = rig.volumes.get(id) ?? assert.fail()
    const { cost, signed: paid, idleSeconds } = rig.volumes.costOf(record)
    assert.deepEqual([cost, paid, idleSeconds], [5_400_000n, 5_400_000n, 5_400])
  })

  it('is nothing while a job has it, whatever the provider claims', async () => {
    const id = await rig.begin('job_a', { price: PRICE })
    await rig.clock.advance(9 * HOUR_MS)
    rig.tells(id, WORLD)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [])
    rig.end('job_a')
    await rig.clock.advance(HOUR_MS)
    await rig.begin('job_b', { volume: id })
    await rig.clock.advance(9 * HOUR_MS)
    rig.tells(id, WORLD, { expiresInSeconds: undefined })
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [[1, HOUR]])
    rig.end('job_b')
    await rig.clock.advance(2 * HOUR_MS)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [
      [1, HOUR],
      [2, 2 * HOUR],
    ])
  })

  it('counts a shared one as had until the last job has ended', async () => {
    const id = await rig.begin('job_a', { price: PRICE, shared: true })
    await rig.begin('job_b', { volume: id, shared: true })
    rig.end('job_a')
    await rig.clock.advance(3 * HOUR_MS)
    rig.end('job_b')
    await rig.clock.advance(2 * HOUR_MS)
    rig.tells(id, WORLD)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [[1, 2 * HOUR]])
  })

  it('is no more than the provider says, where that is less', async () => {
    const id = await left()
    await rig.clock.advance(4 * HOUR_MS)
    rig.tells(id, 100)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [[1, 100]])
  })

  it('is for one stretch no more than the time that it was to be kept, though its provider says that it is there', async () => {
    const id = await left({ keep: 2 * HOUR })
    await rig.clock.advance(90 * HOUR_MS)
    rig.tells(id, WORLD, { keepSeconds: 31_000_000 })
    await rig.volumes.look(id)
    await rig.clock.advance(90 * HOUR_MS)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [[1, 2 * HOUR]])
  })

  it('ends with its removal: by wish, by time, and where its provider has lost it', async () => {
    const id = await left()
    await rig.clock.advance(HOUR_MS / 4)
    // Deleted, and told as over from then on.
    rig.script.deletes = () => rig.tells(id, WORLD, { over: true })
    rig.tells(id, 900)
    await rig.volumes.delete(id)
    assert.deepEqual([rig.signed(), rig.volumes.get(id)?.state], [[[1, 900]], 'deleted'])
    await rig.clock.advance(9 * HOUR_MS)
    await rig.volumes.look(id)
    assert.equal(rig.sent.length, 1)

    const lost = await rig.begin('job_lost', { price: PRICE })
    rig.end('job_lost')
    await rig.clock.advance(HOUR_MS)
    rig.script.tells = () => []
    await rig.volumes.look(lost)
    assert.equal(rig.volumes.get(lost)?.state, 'gone')
    rig.tells(lost, WORLD, { over: true })
    await rig.volumes.look(lost)
    assert.equal(rig.sent.length, 1, 'what is not told of is not paid')
    assert.equal(rig.volumes.costOf(rig.volumes.get(lost) ?? assert.fail()).cost, 0n)
  })

  it('is paid no longer once it is to be deleted, however long its provider is away', async () => {
    const id = await left()
    await rig.clock.advance(HOUR_MS / 4)
    rig.hub.rule = () => 'drop'
    await rig.volumes.delete(id)
    assert.equal(rig.volumes.get(id)?.state, 'deleting')
    rig.hub.rule = () => 'pass'
    await rig.clock.advance(50 * HOUR_MS)
    rig.tells(id, WORLD, { over: true })
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [[1, 900]])
  })

  const otherwise: [what: string, change: (time: Record<string, unknown>) => Record<string, unknown>][] = [
    ['more hours', (time) => ({ ...time, seconds: 7_200n })],
    ['an earlier time again', (time) => ({ ...time, secondsBefore: 3_600n })],
    ['another size', (time) => ({ ...time, sizeBytes: 2n ** 40n })],
    ['another price', (time) => ({ ...time, pricePerGbHour: PRICE * 2n })],
    ['another number', (time) => ({ ...time, number: 9 })],
    ['another volume', (time) => ({ ...time, volumeId: `vol_${'0'.repeat(26)}` })],
  ]
  for (const [what, change] of otherwise) {
    it(`takes no signature under ${what}, and sends the same again`, async () => {
      const id = await left()
      await rig.clock.advance(HOUR_MS)
      rig.tells(id, WORLD)
      rig.script.signs = async () => {
        const receipt = rig.sent.at(-1)?.receipt ?? assert.fail()
        const other = change({ ...receipt }) as unknown as typeof receipt
        const payload = encode(VolumeReceiptSchema, { ...other, costNanoUsd: costOfKept(other) })
        return await signStatement('volume-receipt', payload, rig.seller.privateKey)
      }
      await rig.volumes.look(id)
      await rig.clock.advance(3 * HOUR_MS)
      await rig.volumes.look(id)
      assert.deepEqual(rig.receipts, [])
      assert.deepEqual(rig.signed(), [
        [1, HOUR],
        [1, HOUR],
      ])
      const [first, second] = rig.sent
      assert.deepEqual(first?.statement.payload, second?.statement.payload)
    })
  }

  it('is sent again as it was signed, over a restart, where the answer did not come', async () => {
    const id = await left()
    await rig.clock.advance(HOUR_MS)
    rig.tells(id, WORLD)
    const { signs } = rig.script
    rig.script.signs = async () => 'NOT_AGREED'
    await rig.volumes.look(id)
    await rig.restart()
    rig.script.signs = signs
    await rig.clock.advance(60_000)
    assert.equal(rig.receipts.length, 1)
    assert.deepEqual(
      new Set(rig.sent.map(({ statement: { payload } }) => Buffer.from(payload).toString('hex'))).size,
      1,
    )
    await rig.clock.advance(HOUR_MS)
    assert.equal(rig.signed().at(-1)?.[0], 2)
  })

  it('goes on over a restart in the middle of a time, and over a wall clock that is set', async () => {
    const id = await left()
    await rig.clock.advance(HOUR_MS / 2)
    rig.clock.jump(HOUR_MS)
    rig.tells(id, WORLD)
    await rig.restart()
    await rig.clock.advance(HOUR_MS / 2)
    rig.clock.jump(-5 * HOUR_MS)
    await rig.volumes.look(id)
    await rig.clock.advance(HOUR_MS)
    await rig.volumes.look(id)
    assert.equal(rig.volumes.costOf(rig.volumes.get(id) ?? assert.fail()).idleSeconds, 2 * HOUR)
    assert.deepEqual(rig.signed(), [
      [1, HOUR / 2],
      [2, HOUR],
    ])
  })

  it('begins anew with another award of its job, and no number is signed twice', async () => {
    const id = await left()
    await rig.clock.advance(HOUR_MS)
    rig.tells(id, WORLD)
    await rig.volumes.look(id)
    await rig.begin('job_a', { price: PRICE * 2n, fence: 2 })
    assert.deepEqual([rig.account(id).number, rig.account(id).signedSeconds], [1, 0])
    await rig.begin('job_a', { price: PRICE * 2n, fence: 2 })
    assert.deepEqual(rig.account(id).users, ['job_a-2'])
    rig.end('job_a')
    await rig.clock.advance(HOUR_MS)
    await rig.volumes.look(id)
    assert.deepEqual(rig.sent.map(({ receipt }) => [receipt.number, receipt.seconds, receipt.pricePerGbHour]).at(-1), [
      2,
      3_600n,
      PRICE * 2n,
    ])
  })

  it('is nothing where the award names no price', async () => {
    const id = await rig.begin('job_a', {})
    rig.end('job_a')
    await rig.clock.advance(9 * HOUR_MS)
    rig.tells(id, WORLD)
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [])
    assert.equal(rig.volumes.costOf(rig.volumes.get(id) ?? assert.fail()).most, 0n)
  })
})
