/** What is signed for volumes where an answer is lost, a wish refused or a volume told of otherwise: all that is owed, and once. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { left, stopped } from '../../../node/volumes/volume-account.ts'
import { createPayingRig, type PayingRig, told } from './support/paying-rig.ts'

const HOUR = 3_600
const HOUR_MS = HOUR * 1_000
const PRICE = 3_600_000n
const WORLD = 1_000_000

describe('what is signed for a volume that stays, whatever becomes of a word', () => {
  let rig: PayingRig
  beforeEach(async () => {
    rig = await createPayingRig()
  })
  afterEach(async () => await rig.stop())

  const kept = () => rig.receipts.map(({ number, seconds }) => [number, seconds])
  const costOf = (id: string) => rig.volumes.costOf(rig.volumes.get(id) ?? assert.fail())
  const isCut = () => {
    throw new Error('The link is cut')
  }

  /** A volume that a job left this moment. */
  async function unused(jobId = 'job_a', changes: object = {}): Promise<string> {
    return await rig.leave(jobId, { price: PRICE, ...changes })
  }

  it('is one statement of each number where a receipt is signed while its removal is refused', async () => {
    const id = await unused()
    await rig.clock.advance(HOUR_MS)
    rig.script.deletes = async () => {
      rig.tells(id, HOUR)
      await rig.volumes.look(id)
      return 'VOLUME_IN_USE'
    }
    await assert.rejects(rig.volumes.delete(id), { code: 'VOLUME_IN_USE' })
    assert.deepEqual([rig.signed(), rig.volumes.get(id)?.state], [[[1, HOUR]], 'kept'])
    await rig.clock.advance(2 * HOUR_MS)
    rig.tells(id, WORLD)
    await rig.volumes.look(id)
    const all = [
      [1, HOUR],
      [2, 2 * HOUR],
    ]
    assert.deepEqual([rig.signed(), kept()], [all, all])
  })

  it('is not of the time of a job that takes it while its removal is refused', async () => {
    const id = await unused()
    await rig.clock.advance(HOUR_MS)
    rig.script.deletes = async () => {
      await rig.begin('job_b', { volume: id })
      return 'VOLUME_IN_USE'
    }
    await assert.rejects(rig.volumes.delete(id), { code: 'VOLUME_IN_USE' })
    await rig.clock.advance(9 * HOUR_MS)
    rig.tells(id, WORLD, { expiresInSeconds: undefined })
    await rig.volumes.look(id)
    assert.deepEqual([rig.signed(), rig.account(id).users], [[[1, HOUR]], ['job_b-1']])
  })

  it('is signed for those behind one that is to be deleted and that a job has', async () => {
    const [first, second] = [await rig.begin('job_a', { price: PRICE }), await rig.begin('job_b', { price: PRICE })]
    for (const jobId of ['job_a', 'job_b']) rig.end(jobId)
    rig.hub.rule = () => 'drop'
    await rig.volumes.delete(first)
    rig.hub.rule = () => 'pass'
    rig.script.deletes = () => 'VOLUME_IN_USE'
    await rig.clock.advance(HOUR_MS)
    rig.script.tells = () => [told(first, 0, { expiresInSeconds: undefined }), told(second, WORLD)]
    await rig.volumes.look(second)
    assert.deepEqual(
      rig.sent.map(({ receipt }) => receipt.volumeId),
      [second],
    )
    assert.equal(rig.volumes.get(first)?.state, 'deleting')
  })

  it('is signed as long as it was to be kept longer, though the answer to that was lost', async () => {
    const id = await unused('job_a', { keep: HOUR })
    rig.script.extends = isCut
    await assert.rejects(rig.volumes.extend(id, 10 * HOUR), { code: 'UNREACHABLE' })
    await rig.clock.advance(5 * HOUR_MS)
    rig.tells(id, WORLD, { keepSeconds: 10 * HOUR })
    await rig.volumes.look(id)
    assert.deepEqual(rig.signed(), [[1, 5 * HOUR]])
    rig.script.extends = () => 'KEEP_TOO_LONG'
    await assert.rejects(rig.volumes.extend(id, 99 * HOUR), { code: 'KEEP_TOO_LONG' })
    assert.equal(rig.account(id).keepSeconds, 10 * HOUR)
    rig.script.extends = () => undefined
    await rig.volumes.extend(id, 2 * HOUR)
    assert.equal(rig.account(id).keepSeconds, 2 * HOUR)
  })

  it('is all of it where it ended before an earlier receipt was answered', async () => {
    const id = await unused()
    await rig.clock.advance(HOUR_MS)
    rig.tells(id, HOUR)
    const { signs } = rig.script
    rig.script.signs = isCut
    await rig.volumes.look(id)
    await rig.clock.advance(3 * HOUR_MS)
    rig.tells(id, 4 * HOUR, { over: true })
    rig.script.signs = signs
    await rig.restart()
    await rig.clock.advance(60_000)
    assert.deepEqual(kept(), [
      [1, HOUR],
      [2, 3 * HOUR],
    ])
    assert.equal(costOf(id).signed, 4n * PRICE)
  })

  it('is all of it where it had ended before it was to be deleted', async () => {
    const id = await unused()
    await rig.clock.advance(HOUR_MS)
    rig.tells(id, HOUR, { over: true })
    rig.script.deletes = () => 'UNKNOWN_VOLUME'
    assert.equal((await rig.volumes.delete(id)).state, 'deleted')
    assert.deepEqual(kept(), [[1, HOUR]])

    const lost = await unused('job_lost')
    rig.script.tells = () => []
    assert.equal((await rig.volumes.delete(lost)).state, 'deleted')
    assert.equal(costOf(lost).cost, 0n)
  })

  it('goes on where its provider was away long after its time, and has it nevertheless', async () => {
    const id = await unused('job_a', { keep: 2 * HOUR })
    await rig.clock.advance(HOUR_MS)
    rig.tells(id, HOUR)
    await rig.volumes.look(id)
    rig.hub.rule = () => 'drop'
    await rig.restart()
    await rig.clock.advance(26 * HOUR_MS)
    assert.equal(rig.volumes.get(id)?.state, 'gone')
    rig.hub.rule = () => 'pass'
    rig.tells(id, 2 * HOUR)
    await rig.clock.advance(60_000)
    const { state, endedAtMs } = rig.volumes.get(id) ?? assert.fail()
    assert.deepEqual([state, endedAtMs], ['kept', null])
    assert.deepEqual(kept(), [
      [1, HOUR],
      [2, HOUR],
    ])
    await rig.volumes.extend(id, 3 * HOUR)
  })

  it('is not begun anew by a provider that tells of it no more for as long as a job has it', async () => {
    const id = await unused()
    await rig.begin('job_b', { volume: id })
    rig.script.tells = () => []
    await rig.restart()
    await rig.clock.advance(60_000)
    assert.equal(rig.volumes.get(id)?.state, 'gone')
    rig.tells(id, WORLD)
    await rig.clock.advance(9 * HOUR_MS)
    assert.deepEqual([rig.volumes.get(id)?.state, rig.signed()], ['kept', []])
  })

  it('is known by both sides where the answer to the last receipt was lost, and its provider tells of it no more', async () => {
    const id = await unused()
    await rig.clock.advance(HOUR_MS)
    rig.tells(id, HOUR, { over: true })
    const { signs } = rig.script
    rig.script.signs = isCut
    await rig.volumes.look(id)
    rig.script.tells = () => []
    rig.script.signs = signs
    await rig.restart()
    await rig.clock.advance(60_000)
    assert.deepEqual([kept(), costOf(id).signed], [[[1, HOUR]], PRICE])
    const payloads = new Set(rig.sent.map(({ statement: { payload } }) => Buffer.from(payload).toString('hex')))
    assert.equal(payloads.size, 1)
    await rig.clock.advance(HOUR_MS)
    assert.equal(rig.sent.length, 2)
  })

  it('is nothing more where its provider does not know the last receipt either', async () => {
    const id = await unused()
    await rig.clock.advance(HOUR_MS)
    rig.tells(id, HOUR, { over: true })
    rig.script.signs = isCut
    await rig.volumes.look(id)
    rig.script.tells = () => []
    rig.script.signs = async () => 'UNKNOWN_VOLUME'
    await rig.restart()
    await rig.clock.advance(HOUR_MS)
    assert.deepEqual([rig.sent.length, kept(), costOf(id).cost], [2, [], 0n])
  })

  it('counts no time twice where two find the same job ended', async () => {
    const id = await unused()
    await rig.clock.advance(HOUR_MS)
    const record = rig.volumes.get(id) ?? assert.fail()
    const account = record.account ?? assert.fail()
    const users = ['job_a-1']
    const once = left(rig.clock, account, users, HOUR_MS)
    const over = stopped(rig.clock, { ...record, account: once }).account ?? assert.fail()
    assert.deepEqual([once.users, over.idleMs], [[], HOUR_MS])
    assert.deepEqual(left(rig.clock, over, users, HOUR_MS), over)
  })
})
