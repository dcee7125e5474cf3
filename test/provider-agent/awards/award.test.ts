import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Bid } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { type Asked, createTestRequester } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

type Changes = NonNullable<Parameters<AgentRig['requester']['award']>[2]>

const GOOD = { image: 'busybox', cpu: 1_000 }

describe('award', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  async function bidOn(
    submission: Parameters<AgentRig['requester']['ask']>[0] = GOOD,
  ): Promise<{ asked: Asked; bid: Bid }> {
    const asked = await rig.requester.ask(submission)
    const { bid } = await asked.answer()
    assert.ok(bid)
    return { asked, bid }
  }

  const changed = (asked: Asked, changes: Partial<Asked['job']>): Changes => ({
    job: { ...asked.job, ...changes } as Asked['job'],
  })

  const REFUSALS: [name: string, code: string, changes: (asked: Asked, bid: Bid) => Changes][] = [
    ['a bid that was never made', 'BID_UNKNOWN', () => ({ bidId: new Uint8Array(16) })],
    ['another request’s id', 'BID_UNKNOWN', () => ({ requestId: new Uint8Array(16) })],
    ['another provider', 'BID_UNKNOWN', (_asked, bid) => ({ provider: bid.requester })],
    ['another digest', 'REQUIREMENTS_CHANGED', () => ({ requirementsDigest: new Uint8Array(32) })],
    ['a lower price', 'PRICE_CHANGED', (_asked, bid) => ({ pricePerHour: bid.pricePerHour - 1n })],
    ['a higher price', 'PRICE_CHANGED', (_asked, bid) => ({ pricePerHour: bid.pricePerHour + 1n })],
    [
      'more CPU than was bid on',
      'REQUIREMENTS_CHANGED',
      (asked) => changed(asked, { resources: { ...asked.job.resources, cpuMillis: 1_001 } as never }),
    ],
    ['another image', 'REQUIREMENTS_CHANGED', (asked) => changed(asked, { image: 'alpine' })],
    ['a longer duration', 'REQUIREMENTS_CHANGED', (asked) => changed(asked, { durationSeconds: 61 })],
    ['no job', 'REQUIREMENTS_CHANGED', () => ({ job: {} })],
    ['a variable name with =', 'INVALID_JOB', (asked) => changed(asked, { env: { 'A=B': '1' } })],
    ['a stop signal that is none', 'INVALID_JOB', (asked) => changed(asked, { stopSignal: 'SIG;rm' })],
    ['a network mode that is none', 'INVALID_JOB', (asked) => changed(asked, { networkMode: 'host' })],
    ['a pull policy that is none', 'INVALID_JOB', (asked) => changed(asked, { imagePullPolicy: 'Perhaps' })],
    [
      'a port beyond 65535',
      'INVALID_JOB',
      (asked) => changed(asked, { ports: [{ port: 65_536, protocol: 'TCP' }] as never }),
    ],
    ['outputs that it does not offer', 'CAPABILITY_MISSING', (asked) => changed(asked, { outputs: '/out' })],
    [
      'several outputs that it does not offer',
      'CAPABILITY_MISSING',
      (asked) => changed(asked, { outputList: [{ name: 'out', path: '/out' }] as never }),
    ],
    [
      'a port that nobody reaches there',
      'CAPABILITY_MISSING',
      (asked) => changed(asked, { ports: [{ port: 80, protocol: 'TCP', expose: true }] as never }),
    ],
    [
      'volumes that it does not offer',
      'CAPABILITY_MISSING',
      (asked) => changed(asked, { volumes: [{ name: 'a', mountPath: '/a', sizeBytes: 1n }] as never }),
    ],
  ]

  for (const [name, code, changes] of REFUSALS) {
    it(`refuses ${name}: ${code}`, async () => {
      rig = await createAgentRig({ offers: { volumes: false } })
      const { asked, bid } = await bidOn()
      const reply = await rig.requester.award(asked, bid, changes(asked, bid))
      assert.deepEqual([reply.accepted, reply.code], [false, code])
      assert.notEqual(reply.message, '')
      assert.deepEqual(rig.agent.status().leases, [])
      assert.deepEqual([...rig.engine.containers], [])
      const honest = await rig.requester.award(asked, bid)
      assert.equal(honest.accepted, true, 'the bid is still good for the honest award')
    })
  }

  it('refuses an award after the bid has expired, and says so', async () => {
    rig = await createAgentRig()
    const { asked, bid } = await bidOn()
    await rig.clock.advance(5_000)
    assert.equal((await rig.requester.award(asked, bid)).code, 'BID_EXPIRED')
  })

  it('refuses an award after the bid was released', async () => {
    rig = await createAgentRig()
    const { asked, bid } = await bidOn()
    await rig.requester.release(bid)
    assert.equal((await rig.requester.award(asked, bid)).code, 'BID_UNKNOWN')
  })

  it('refuses another requester’s award of the bid', async () => {
    rig = await createAgentRig()
    const { asked, bid } = await bidOn()
    const thief = createTestRequester({ peer: await rig.hub.join(7), clock: rig.clock })
    assert.equal((await thief.award(asked, bid)).code, 'NOT_THE_REQUESTER')
  })

  for (const isRestarted of [false, true]) {
    it(`refuses a job that its owner stopped there${isRestarted ? ', after a restart, too' : ''}, and takes others`, async () => {
      rig = await createAgentRig()
      const running = await rig.run(GOOD)
      await rig.container(running.name)
      await rig.agent.stopJob(running.asked.jobId, 'the machine is needed')
      await rig.settle(running)
      if (isRestarted) await rig.restart()
      const again = await bidOn()
      const reply = await rig.requester.award(again.asked, again.bid, { jobId: running.asked.jobId, fence: 2 })
      assert.deepEqual(
        [reply.accepted, reply.code, reply.message],
        [false, 'STOPPED_BY_OWNER', 'The owner of this machine stopped this job here: the machine is needed'],
      )
      assert.equal((await rig.requester.award(again.asked, again.bid)).accepted, true)
    })
  }

  it('refuses while it is drained and while the engine is away', async () => {
    rig = await createAgentRig()
    const { asked, bid } = await bidOn()
    await rig.agent.drain()
    assert.equal((await rig.requester.award(asked, bid)).code, 'DRAINING')
    await rig.agent.resume()
    rig.engine.setGone(true)
    await rig.clock.advance(4_000)
    assert.equal((await rig.requester.award(asked, bid)).code, 'ENGINE_UNAVAILABLE')
  })

  it('answers a repeated award the same: at once, together, after a restart, and after it was settled', async () => {
    rig = await createAgentRig()
    const { asked, bid } = await bidOn()
    const replies = await Promise.all([1, 2, 3].map(async () => await rig.requester.award(asked, bid)))
    assert.deepEqual(
      replies.map(({ accepted }) => accepted),
      [true, true, true],
    )
    assert.equal(rig.agent.status().leases.length, 1)
    await rig.restart()
    assert.equal((await rig.requester.award(asked, bid)).accepted, true)
    const container = await rig.container(`cortex-${asked.jobId}-1`)
    const follow = await rig.requester.follow(rig.provider, asked.jobId)
    container.exit(0)
    await rig.settle({ follow })
    assert.equal((await rig.requester.award(asked, bid)).accepted, true)
    assert.equal(rig.agent.status().leases.length, 0)
    assert.deepEqual([...rig.engine.starts.values()], [1])
  })

  it('refuses a fence that is not higher than any it saw of the job, also after a restart', async () => {
    rig = await createAgentRig()
    const first = await bidOn()
    assert.equal((await rig.requester.award(first.asked, first.bid, { fence: 5 })).accepted, true)
    for (const fence of [4, 5]) {
      const { asked, bid } = await bidOn()
      const reply = await rig.requester.award({ ...asked, jobId: first.asked.jobId }, bid, { fence })
      assert.equal(reply.code, 'STALE_FENCE', `fence ${fence}`)
    }
    const container = await rig.container(`cortex-${first.asked.jobId}-5`)
    const follow = await rig.requester.follow(rig.provider, first.asked.jobId, 5)
    container.exit(0)
    await rig.settle({ follow })
    await rig.restart()
    const { asked, bid } = await bidOn()
    const reply = await rig.requester.award({ ...asked, jobId: first.asked.jobId }, bid, { fence: 5 })
    assert.equal(reply.code, 'STALE_FENCE')
  })

  it('stops an older attempt of the job before it starts a newer one', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ onStop: 'ignore' })
    const first = await bidOn({ ...GOOD, stopGraceSeconds: 2 })
    await rig.requester.award(first.asked, first.bid)
    const older = await rig.container(`cortex-${first.asked.jobId}-1`)
    const next = await bidOn()
    const reply = await rig.requester.award({ ...next.asked, jobId: first.asked.jobId }, next.bid, { fence: 2 })
    assert.equal(reply.accepted, true)
    await until(() => older.signals.length === 1)
    assert.equal(rig.engine.containers.has(`cortex-${first.asked.jobId}-2`), false)
    await rig.clock.advance(2_000)
    await rig.container(`cortex-${first.asked.jobId}-2`)
    assert.equal(rig.engine.containers.has(`cortex-${first.asked.jobId}-1`), false)
    assert.equal(rig.engine.peak.cpuMillis, 1_000)
  })

  it('keeps the capacity of an accepted job until its container has ended', async () => {
    rig = await createAgentRig()
    const { name, follow } = await rig.run({ cpu: 1_500 })
    const container = await rig.container(name)
    await rig.clock.advance(10_000)
    assert.equal(rig.agent.status().free.cpuMillis, 2_500)
    container.exit(0)
    await follow.report('ended')
    assert.equal(rig.agent.status().free.cpuMillis, 4_000)
  })
})
