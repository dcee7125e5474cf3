/** Since when an attempt has a volume no more: by what its provider tells, and never of before this peer last heard of the attempt. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { momentNow } from '../../../node/moment.ts'
import { endedAttempts } from '../../../node/volumes/attempts.ts'
import { createLeaseRig, type LeaseRig } from '../../support/lease-rig.ts'

const HOUR_MS = 3_600_000
/** A word of the last minute before the end proves nothing, and not each one is kept. */
const MOST_MS = 2 * 60_000 + 20_000

/** How long ago the first attempt of the job ended, in ms, as the account of a volume has it. */
async function endedAgo({ store, clock }: LeaseRig, id: string): Promise<number> {
  const users = [`${id}-1`]
  const without = (await endedAttempts({ store, clock }, { users })) ?? assert.fail('it has not ended')
  const account = { award: 'a', pricePerGbHour: '1', keepSeconds: 604_800, idleMs: 0, number: 0, signedSeconds: 0 }
  const { idleSince } = without({ ...account, users, idleSince: null, signedAt: momentNow(clock) })
  return clock.nowMs() - (idleSince ?? assert.fail()).wallMs
}

async function running(rig: LeaseRig): Promise<{ id: string; startedAtMs: bigint }> {
  const id = await rig.place({ duration: 36_000 })
  await rig.beat()
  const startedAtMs = BigInt(rig.providerNow())
  await rig.report({ case: 'started', value: { startedAtMs } })
  return { id, startedAtMs }
}

async function end(rig: LeaseRig, startedAtMs: bigint, seconds: number): Promise<void> {
  const endedAtMs = startedAtMs + BigInt(seconds) * 1_000n
  const receipt = await rig.receipt(seconds, { startedAtMs, endedAtMs })
  await rig.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, receipt } })
}

describe('when an attempt ended, for the volumes that it had', () => {
  const said: [what: string, say: (rig: LeaseRig) => Promise<void>][] = [
    ['heartbeats that tell of no time', async (rig) => await rig.beat(1)],
    [
      'nothing but empty reports',
      async (rig) => await rig.report({ case: 'logs', value: { firstLine: 1n, lines: [] } }),
    ],
    [
      'nothing but answers to what nobody asked',
      async (rig) => await rig.say({ case: 'reply', value: { commandId: 'none', ok: true } }),
    ],
  ]
  for (const [what, say] of said) {
    it(`is not when its provider says, where that sent ${what} for an hour after it`, async (test) => {
      const rig = await createLeaseRig()
      test.after(rig.stop)
      const { id, startedAtMs } = await running(rig)
      for (let ms = 0; ms < HOUR_MS; ms += 20_000) {
        await rig.clock.advance(20_000)
        await say(rig)
      }
      await end(rig, startedAtMs, 1)
      const { state } = await rig.job(id)
      assert.equal(state.status, 'completed')
      assert.ok('lease' in state && state.lease?.receipt !== null, 'a second is signed')
      const agoMs = await endedAgo(rig, id)
      assert.ok(agoMs <= MOST_MS, `${agoMs} ms`)
    })
  }

  it('is not when its provider says either where that lets itself be lost before it tells', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const id = await rig.place({ duration: 36_000, maxAttempts: 3, queueTimeout: 3_600 })
    await rig.beat()
    const startedAtMs = BigInt(rig.providerNow())
    await rig.report({ case: 'started', value: { startedAtMs } })
    for (let ms = 0; ms < HOUR_MS; ms += 20_000) {
      await rig.clock.advance(20_000)
      await rig.beat(1)
    }
    rig.hub.partition([[rig.buyer], [rig.seller]])
    await rig.clock.advance(45_000)
    assert.equal((await rig.job(id)).state.status, 'pending')
    const count = rig.lines.length
    rig.hub.heal()
    await rig.when(() => rig.lines.length > count)
    await rig.beat(1)
    await rig.when(() => rig.lines.length > count + 1)
    await end(rig, startedAtMs, 1)
    assert.equal((await rig.job(id)).state.status, 'completed')
    const agoMs = await endedAgo(rig, id)
    assert.ok(agoMs <= MOST_MS + 60_000, `${agoMs} ms`)
  })

  it('is when its provider says where this peer was away meanwhile, though what waited comes first', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const { id, startedAtMs } = await running(rig)
    for (let s = 5; s <= 600; s += 5) {
      await rig.clock.advance(5_000)
      await rig.beat(s * 1_000)
    }
    const stopped = rig.requester.stop()
    await rig.clock.advance(1_000)
    await stopped
    await rig.clock.advance(5 * HOUR_MS)
    const count = rig.lines.length
    await rig.restart()
    await rig.when(() => rig.lines.length > count)
    await rig.beat(700_000)
    await rig.report({
      case: 'logs',
      value: { firstLine: 1n, lines: [{ timestampMs: startedAtMs + 650_000n, line: 'late' }] },
    })
    await end(rig, startedAtMs, 700)
    const { state } = await rig.job(id)
    assert.equal(state.status, 'completed')
    const agoMs = await endedAgo(rig, id)
    assert.ok(Math.abs(agoMs - (5 * HOUR_MS - 100_000)) < 10_000, `${agoMs} ms`)
  })

  it('is known when the job is not kept any more', async (test) => {
    const rig = await createLeaseRig()
    test.after(rig.stop)
    const { id, startedAtMs } = await running(rig)
    await rig.clock.advance(5_000)
    await rig.beat(5_000)
    await end(rig, startedAtMs, 5)
    // Whatever the wall clock is set to meanwhile.
    rig.clock.jump(-3 * HOUR_MS)
    await rig.clock.advance(7 * HOUR_MS)
    const forgotten = { keepMs: HOUR_MS, isNeeded: async () => false, before: async () => undefined }
    assert.equal(await rig.store.forgetJobs(forgotten, new AbortController().signal), 1)
    assert.equal(await rig.store.get(id), undefined)
    const agoMs = await endedAgo(rig, id)
    assert.ok(Math.abs(agoMs - 7 * HOUR_MS) < 10_000, `${agoMs} ms`)
  })
})
