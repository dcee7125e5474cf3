/** What a provider makes of volumes that nobody signs for, and of what its requester or itself could not know. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { volumeIdOf } from '../../../protocol/job-volumes.ts'
import type { AgentRig } from '../../support/agent-rig.ts'
import { until } from '../../support/until.ts'
import { createPricedRig, DAY_MS, HOUR, HOUR_MS, KEPT, requesterOf } from './support/priced-rig.ts'

describe('volumes that nobody signs for, at their provider', () => {
  let rig: AgentRig
  beforeEach(async () => {
    rig = await createPricedRig()
  })
  afterEach(async () => await rig.stop())
  const { say, filesOf, told, idle, begin, end, leave, pay, declined } = requesterOf(() => rig)

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
