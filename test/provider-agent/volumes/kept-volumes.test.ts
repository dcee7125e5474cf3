import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { askProvider, volumesAt } from '../../../node/volumes/ask-provider.ts'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { volumeIdOf } from '../../../protocol/job-volumes.ts'
import { GIB } from '../../../protocol/units.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { type AgentRig, createAgentRig, type Running } from '../../support/agent-rig.ts'
import { until } from '../../support/until.ts'

const HOUR = 3_600
const KEPT = [{ name: 'data', mountPath: '/data', size: '1Gi', keep: HOUR }]
const never = new AbortController().signal

describe('volumes that outlive their jobs', () => {
  let rig: AgentRig
  beforeEach(async () => {
    rig = await createAgentRig({ maxKept: 4 })
  })
  afterEach(async () => await rig.stop())

  const at = () => ({ provider: rig.provider, addresses: [] })
  /** As a requester hears of them. */
  const told = async (network = rig.requester.network) => {
    const { volumes, draining } = await volumesAt({ network, clock: systemClock }, at(), never)
    return { volumes: [...volumes.values()].map(({ $typeName: _t, ...one }) => one), draining }
  }
  const say = async (content: Parameters<typeof askProvider>[2], network = rig.requester.network) =>
    await askProvider({ network, clock: systemClock }, at(), content, never)
  const remove = async (id: string) => await say({ case: 'delete', value: { id } })

  async function begin(submission: Partial<JobSubmission>): Promise<Running> {
    const running = await rig.run(submission)
    await rig.container(running.name)
    return running
  }

  /** Runs a job to its end, and answers the id of the volume that it leaves. */
  async function leave(submission: Partial<JobSubmission> = { volumes: KEPT }): Promise<string> {
    const running = await begin(submission)
    rig.engine.containers.get(running.name)?.exit(0)
    await rig.settle(running)
    return volumeIdOf(running.asked.jobId, rig.provider, 'data')
  }

  async function declined(submission: Partial<JobSubmission>): Promise<string> {
    const answer = await (await rig.requester.ask(submission)).answer()
    if (answer.bid !== null) {
      // Nobody takes it: the reservation would stand in the way of the next question.
      await rig.clock.advance(20_000)
      return 'bid'
    }
    return `${answer.decline.code}: ${answer.decline.message}`
  }

  const free = () => rig.agent.status().free.storageBytes

  it('one stays after its job, is told to its requester, and holds its room; a later job takes it up', async () => {
    const before = free()
    const first = await begin({ volumes: KEPT })
    assert.equal(free(), before - 2 * GIB)
    rig.engine.containers.get(first.name)?.exit(0)
    await rig.settle(first)
    const id = volumeIdOf(first.asked.jobId, rig.provider, 'data')
    assert.equal(free(), before - GIB)
    const [name] = rig.engine.volumeNames()
    assert.match(name ?? '', new RegExp(`^cortex-${id}-`))
    const one = { id, sizeBytes: BigInt(GIB), keepSeconds: HOUR, deleting: false, over: false, idleSeconds: 0n }
    assert.deepEqual(await told(), { volumes: [{ ...one, expiresInSeconds: HOUR }], draining: false })

    const second = await begin({ volumes: [{ volume: id, mountPath: '/there' }] })
    assert.deepEqual(rig.engine.containers.get(second.name)?.spec.volumes, [
      { name, mountPath: '/there', sizeBytes: GIB, kept: { id, isThere: true } },
    ])
    assert.equal(free(), before - 2 * GIB)
    assert.equal((await told()).volumes[0]?.expiresInSeconds, undefined)
    rig.engine.containers.get(second.name)?.exit(1)
    await rig.settle(second)
    assert.deepEqual(rig.engine.volumeNames(), [name])
  })

  it('goes so long after its last use, and not before, over restarts of its agent', async () => {
    const before = free()
    const id = await leave()
    await rig.clock.advance((HOUR / 2) * 1000)
    await rig.restart()
    await until(() => rig.agent.status().paused === null)
    const again = await begin({ volumes: [{ volume: id, mountPath: '/data' }] })
    rig.engine.containers.get(again.name)?.exit(0)
    await rig.settle(again)
    await rig.clock.advance((HOUR - 60) * 1000)
    assert.equal(rig.engine.volumeNames().length, 1)
    await rig.clock.advance(120_000)
    await until(() => rig.engine.volumeNames().length === 0)
    assert.deepEqual((await told()).volumes, [])
    assert.equal(free(), before)
    assert.match(await declined({ volumes: [{ volume: id, mountPath: '/data' }] }), /^VOLUME_UNKNOWN: has no volume/)
  })

  it('has its running job after a restart, too', async () => {
    const { asked, name } = await begin({ volumes: KEPT, duration: 3 * HOUR })
    await rig.restart()
    const id = volumeIdOf(asked.jobId, rig.provider, 'data')
    await assert.rejects(remove(id), { code: 'VOLUME_IN_USE' })
    await rig.clock.advance(2 * HOUR * 1000)
    assert.equal(rig.engine.volumeNames().length, 1)
    rig.engine.containers.get(name)?.exit(0)
    await until(async () => (await told()).volumes[0]?.expiresInSeconds !== undefined)
  })

  it('one writer at a time, unless both say that they share it', async () => {
    const shared = await begin({ volumes: KEPT.map((volume) => ({ ...volume, shared: true })) })
    const id = volumeIdOf(shared.asked.jobId, rig.provider, 'data')
    assert.match(await declined({ volumes: [{ volume: id, mountPath: '/data' }] }), /^VOLUME_IN_USE/)
    await begin({ volumes: [{ volume: id, mountPath: '/data', shared: true }] })
    await assert.rejects(remove(id), { code: 'VOLUME_IN_USE' })
  })

  it('two jobs that were both bid on have it one after the other: the second award is refused', async () => {
    const id = await leave()
    const wish = { volumes: [{ volume: id, mountPath: '/data' }], cpu: 100 }
    const [first, second] = [await rig.requester.ask(wish), await rig.requester.ask(wish)]
    const [one, other] = [await first.answer(), await second.answer()]
    assert.ok(one.bid !== null && other.bid !== null)
    assert.equal((await rig.requester.award(first, one.bid)).accepted, true)
    const reply = await rig.requester.award(second, other.bid)
    assert.deepEqual([reply.accepted, reply.code], [false, 'VOLUME_IN_USE'])
  })

  it('another requester neither has, sees, extends nor deletes it, whatever it knows', async () => {
    const id = await leave()
    const { network } = await rig.hub.join(77)
    assert.deepEqual((await told(network)).volumes, [])
    await assert.rejects(say({ case: 'delete', value: { id } }, network), { code: 'UNKNOWN_VOLUME' })
    await assert.rejects(say({ case: 'extend', value: { id, keepSeconds: HOUR } }, network), { code: 'UNKNOWN_VOLUME' })
    assert.equal(rig.engine.volumeNames().length, 1)
  })

  it('is removed when it is deleted; at once, or when the engine is back', async () => {
    const before = free()
    await remove(await leave())
    assert.deepEqual([rig.engine.volumeNames(), (await told()).volumes, free()], [[], [], before])
    const id = await leave()
    rig.engine.setGone(true)
    await remove(id)
    assert.equal((await told()).volumes[0]?.deleting, true)
    rig.crash()
    rig.engine.setGone(false)
    await rig.boot()
    await until(async () => {
      await rig.clock.advance(15_000)
      return rig.engine.volumeNames().length === 0
    })
    assert.deepEqual((await told()).volumes, [])
  })

  it('is kept longer where that is said, and no longer than this provider keeps any', async () => {
    const id = await leave()
    const reply = await say({ case: 'extend', value: { id, keepSeconds: 3 * HOUR } })
    assert.equal(reply.volumes[0]?.expiresInSeconds, 3 * HOUR)
    await rig.clock.advance(2 * HOUR * 1000)
    assert.equal(rig.engine.volumeNames().length, 1)
    const tooLong = say({ case: 'extend', value: { id, keepSeconds: 8 * 24 * HOUR } })
    await assert.rejects(tooLong, { code: 'KEEP_TOO_LONG' })
    const asked = await declined({ volumes: KEPT.map((volume) => ({ ...volume, keep: 8 * 24 * HOUR })) })
    assert.match(asked, /^KEEP_TOO_LONG: keeps volumes up to 604800s/)
  })

  it('a requester keeps half of what is kept at most, and volumes no more than half of the storage', async () => {
    const large = KEPT.map((volume) => ({ ...volume, size: '51Gi' }))
    assert.match(await declined({ volumes: large }), /^KEEPS_TOO_MUCH: keeps up to 50Gi in volumes/)
    await leave()
    await leave()
    assert.match(
      await declined({ volumes: KEPT }),
      /^KEEPS_TOO_MUCH: keeps up to 2 volumes of one requester, and has 2/,
    )
    assert.equal(await declined({ volumes: [{ name: 'data', mountPath: '/data', size: '1Gi' }] }), 'bid')
  })

  it('one whose job never began is none; one that the engine has lost is told of no more', async () => {
    rig.engine.script = () => ({ createError: new EngineError('ENGINE_ERROR', 'no') })
    const { follow } = await rig.run({ volumes: KEPT })
    await follow.report('ended')
    await until(async () => {
      await rig.clock.advance(15_000)
      return (await told()).volumes.length === 0
    })
  })

  it('a provider that is drained says so', async () => {
    await leave()
    await rig.agent.drain()
    assert.equal((await told()).draining, true)
    await rig.agent.resume()
    assert.equal((await told()).draining, false)
  })

  it('an agent that keeps none has no such capability', async () => {
    await rig.stop()
    rig = await createAgentRig({ maxKept: 0 })
    assert.equal(rig.agent.status().capabilities.includes('kept-volumes'), false)
    assert.match(await declined({ volumes: KEPT }), /^CAPABILITY_MISSING: does not offer kept-volumes/)
  })
})
