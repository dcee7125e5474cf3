import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { afterEach, describe, it } from 'node:test'
import { MemoryLevel } from 'memory-level'
import { silentLogger } from '../../node/logger.ts'
import type { Database } from '../../node/store/database.ts'
import type { Report } from '../../protocol/gen/cortex/v1/market_pb.js'
import { checkReceipt, readAnnouncement } from '../../protocol/market-messages.ts'
import { createAgent } from '../../provider-agent/agent.ts'
import { type AgentRig, createAgentRig } from '../support/agent-rig.ts'
import { MARKET } from '../support/test-requester.ts'
import { until } from '../support/until.ts'

const kinds = (reports: readonly Report[]): (string | undefined)[] => reports.map(({ content }) => content.case)

function lines(reports: readonly Report[]): [number, string][] {
  return reports.flatMap(({ content }) =>
    content.case === 'logs'
      ? content.value.lines.map(({ line }, i): [number, string] => [Number(content.value.firstLine) + i, line])
      : [],
  )
}

describe('restart', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  const calls = (what: string): number => rig.engine.calls.filter((call) => call.startsWith(what)).length

  /** Settles, and sees that nothing is left. */
  async function finish(jobId: string, after = 0) {
    const follow = await rig.requester.follow(rig.provider, jobId, 1, after)
    const ended = await follow.report('ended')
    await rig.settle({ follow })
    await until(() => rig.engine.containers.size === 0)
    assert.deepEqual(rig.agent.status().free, rig.agent.status().total)
    assert.ok(
      [...rig.engine.starts.values()].every((count) => count === 1),
      'nothing was started twice',
    )
    return { ended, follow }
  }

  for (const stage of ['pull', 'create', 'start'] as const) {
    it(`starts a job whose agent was killed during ${stage}`, async () => {
      rig = await createAgentRig()
      rig.engine.script = () => ({ [`${stage}Ms`]: 1_000 })
      const { asked, name } = await rig.run({ env: { KEPT: 'yes' } })
      await until(() => calls(stage) > 0)
      rig.crash()
      await rig.boot()
      await rig.clock.advance(2_000)
      const container = await rig.container(name)
      assert.partialDeepStrictEqual(container.spec.env, { KEPT: 'yes', CORTEX_DURATION: '60' })
      assert.equal(rig.agent.status().free.cpuMillis, 3_000)
      container.exit(0)
      const { ended, follow } = await finish(asked.jobId)
      assert.equal(ended.exitCode, 0)
      assert.deepEqual(kinds(follow.reports), ['started', 'ended'])
    })
  }

  it('does not run a job whose secrets are gone, and says so', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ pullMs: 1_000 })
    const { asked } = await rig.run({ secrets: { TOKEN: 'abc' } })
    await until(() => calls('pull') > 0)
    await rig.restart()
    const { ended } = await finish(asked.jobId)
    assert.deepEqual([ended.outcome, ended.failureCode, ended.details.reason], ['failed', 'INTERNAL', 'secrets-lost'])
    assert.equal(rig.engine.starts.size, 0)
  })

  it('starts a made container whose agent was killed before the start: it holds its secrets itself', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ startMs: 1_000 })
    const { asked, name } = await rig.run({ secrets: { TOKEN: 'abc' } })
    await until(() => calls('start') > 0)
    rig.crash()
    await until(async () => {
      await rig.clock.advance(100)
      return rig.engine.containers.get(name)?.state === 'running'
    })
    await rig.boot()
    const container = await rig.container(name)
    container.exit(4)
    assert.equal((await finish(asked.jobId)).ended.exitCode, 4)
  })

  it('adopts a running container, and goes on with its output at the right line', async () => {
    rig = await createAgentRig()
    const { asked, name, follow } = await rig.run()
    const container = await rig.container(name)
    container.print('1', '2')
    await rig.clock.advance(100)
    await follow.report('logs')
    rig.crash()
    container.print('3')
    await rig.clock.advance(5_000)
    await rig.boot()
    container.print('4')
    await rig.clock.advance(2_000)
    container.exit(7)
    const { ended, follow: again } = await finish(asked.jobId)
    assert.equal(ended.exitCode, 7)
    assert.deepEqual(lines(again.reports), [
      [1, '1'],
      [2, '2'],
      [3, '3'],
      [4, '4'],
    ])
    const sequences = again.reports.map(({ sequence }) => Number(sequence))
    assert.deepEqual(
      sequences,
      sequences.map((_, i) => i + 1),
    )
    assert.ok(ended.receipt)
    const { receipt } = await checkReceipt(ended.receipt)
    assert.equal(receipt.meteredSeconds, 8n, 'the time without an agent counts: the container ran')
  })

  it('reports a container that ended meanwhile with its own exit code, end and output', async () => {
    rig = await createAgentRig()
    const { asked, name } = await rig.run()
    const container = await rig.container(name)
    await rig.clock.advance(1_000)
    rig.crash()
    await rig.clock.advance(2_000)
    container.print('last words')
    container.exit(9)
    const endedAtMs = rig.clock.nowMs()
    await rig.clock.advance(60_000)
    await rig.boot()
    const { ended, follow } = await finish(asked.jobId)
    assert.deepEqual([ended.outcome, ended.exitCode, Number(ended.endedAtMs)], ['exited', 9, endedAtMs])
    assert.deepEqual(lines(follow.reports), [[1, 'last words']])
    assert.ok(ended.receipt)
    assert.equal((await checkReceipt(ended.receipt)).receipt.meteredSeconds, 3n)
  })

  it('reports a container that started and ended before anybody heard of it, and does not start it again', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ startMs: 1_000, runMs: 500, lines: ['hello'], exitCode: 2 })
    const { asked, name } = await rig.run()
    await until(() => calls('start') > 0)
    rig.crash()
    await rig.clock.advance(10_000)
    assert.equal(rig.engine.containers.get(name)?.state, 'exited')
    await rig.boot()
    const { ended, follow } = await finish(asked.jobId)
    assert.equal(ended.exitCode, 2)
    assert.deepEqual(kinds(follow.reports), ['started', 'logs', 'ended'])
  })

  it('reports a lease whose container is gone', async () => {
    rig = await createAgentRig()
    const { asked, name } = await rig.run()
    await rig.container(name)
    rig.crash()
    await rig.engine.remove(name)
    await rig.boot()
    const { ended } = await finish(asked.jobId)
    assert.deepEqual([ended.outcome, ended.failureCode, ended.details.reason], ['failed', 'INTERNAL', 'container-lost'])
  })

  it('tells again what was not acknowledged, and settles what was', async () => {
    rig = await createAgentRig()
    const { asked, name, follow } = await rig.run()
    const container = await rig.container(name)
    container.exit(0)
    await follow.report('ended')
    await rig.restart()
    assert.equal(rig.agent.status().leases.length, 1)
    await finish(asked.jobId)
    await rig.restart()
    assert.equal(rig.agent.status().leases.length, 0)
    assert.equal(rig.agent.status().completed, 1)
  })

  it('keeps commands that were under way: a cancelled job is cancelled, a repeated command does nothing', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ onStop: 'ignore' })
    const { asked, name, follow } = await rig.run({ stopGraceSeconds: 100, duration: 600 })
    await rig.container(name)
    await follow.command({ case: 'extend', value: { commandId: 'e', additionalSeconds: 5 } })
    await follow.command({ case: 'cancel', value: { commandId: 'c' } })
    await until(() => follow.messages.filter(({ content }) => content.case === 'reply').length === 2)
    rig.crash()
    await rig.boot()
    const again = await rig.requester.follow(rig.provider, asked.jobId)
    await again.command({ case: 'extend', value: { commandId: 'e', additionalSeconds: 5 } })
    const { content } = await again.message((message) => message.content.case === 'reply')
    assert.equal(content.case === 'reply' && content.value.ok, true, 'the answer it gave before')
    await rig.clock.advance(100_000)
    const { ended, follow: last } = await finish(asked.jobId)
    assert.deepEqual([ended.outcome, ended.exitCode], ['cancelled', 137])
    assert.equal(kinds(last.reports).filter((kind) => kind === 'extended').length, 1)
  })

  it('counts the duration over the restart', async () => {
    rig = await createAgentRig()
    const { asked, name } = await rig.run({ duration: 30 })
    const container = await rig.container(name)
    await rig.clock.advance(10_000)
    rig.crash()
    await rig.clock.advance(10_000)
    await rig.boot()
    await rig.clock.advance(9_900)
    assert.equal(container.state, 'running')
    await rig.clock.advance(200)
    assert.equal(container.state, 'exited')
    assert.equal((await finish(asked.jobId)).ended.failureCode, 'DURATION_EXCEEDED')
  })

  it('meters over a restart by time that does not jump', async () => {
    for (const jump of [3_600_000, -3_600_000]) {
      rig = await createAgentRig()
      const { asked, name } = await rig.run({ duration: 600 })
      const container = await rig.container(name)
      await rig.clock.advance(10_000)
      rig.crash()
      rig.clock.jump(jump)
      await rig.clock.advance(10_000)
      await rig.boot()
      await rig.clock.advance(10_000)
      assert.equal(container.state, 'running', `jump ${jump}`)
      container.exit(0)
      const { ended } = await finish(asked.jobId)
      assert.ok(ended.receipt)
      assert.equal((await checkReceipt(ended.receipt)).receipt.meteredSeconds, 30n, `jump ${jump}`)
      await rig.stop()
    }
  })

  it('bills nothing that it did not see where the clock went back and the end with it', async () => {
    rig = await createAgentRig()
    const { asked, name } = await rig.run({ duration: 600 })
    const container = await rig.container(name)
    await rig.clock.advance(10_000)
    rig.crash()
    rig.clock.jump(-3_600_000)
    await rig.clock.advance(5_000)
    container.exit(0)
    await rig.clock.advance(5_000)
    await rig.boot()
    const { ended } = await finish(asked.jobId)
    assert.ok(ended.receipt)
    const seconds = Number((await checkReceipt(ended.receipt)).receipt.meteredSeconds)
    assert.ok(seconds >= 5 && seconds <= 10, `${seconds} s`)
  })

  it('meters over a restart by the wall clock where the system tells no time since its boot', async () => {
    rig = await createAgentRig({ bootId: null })
    const { asked, name } = await rig.run({ duration: 600 })
    const container = await rig.container(name)
    await rig.clock.advance(10_000)
    rig.crash()
    await rig.clock.advance(10_000)
    await rig.boot()
    container.exit(0)
    const { ended } = await finish(asked.jobId)
    assert.ok(ended.receipt)
    assert.equal((await checkReceipt(ended.receipt)).receipt.meteredSeconds, 20n)
  })

  it('leaves nothing behind when it cannot start', async () => {
    rig = await createAgentRig()
    await rig.agent.stop()
    let closed = 0
    const disk = new MemoryLevel<string, string>()
    await disk.open()
    await disk.put('!leases!job_000000000000-1', '{}')
    const close = disk.close.bind(disk)
    disk.close = async () => {
      closed += 1
      await close()
    }
    const { network, privateKey } = await rig.hub.join(9)
    const agent = createAgent(
      {
        ...{ engine: rig.engine, network, privateKey, clock: rig.clock, logger: silentLogger },
        openDatabase: async () => disk as unknown as Database,
      },
      { marketName: MARKET, dataFolder: tmpdir() },
    )
    await assert.rejects(agent.start(), /no progress of lease/)
    assert.equal(closed, 1)
    assert.throws(() => agent.status(), /not running/)
  })

  it('removes what carries its label and belongs to no lease', async () => {
    rig = await createAgentRig()
    await rig.engine.create({
      name: 'cortex-job_strayxxxxxxx-1',
      owner: rig.provider,
      cpuMillis: 1,
      memoryBytes: 1,
    } as never)
    await rig.engine.create({ name: 'another-agents', owner: 'other', cpuMillis: 1, memoryBytes: 1 } as never)
    await rig.restart()
    await until(() => !rig.engine.containers.has('cortex-job_strayxxxxxxx-1'))
    assert.equal(rig.engine.containers.has('another-agents'), true)
    await rig.engine.remove('another-agents')
  })

  it('removes what a killed agent had asked the engine for, however late it comes up, and nothing of its leases', async () => {
    rig = await createAgentRig()
    const { name } = await rig.run({ duration: 600 })
    const stray = 'cortex-job_strayxxxxxxx-1'
    await rig.engine.create({ name: stray, owner: rig.provider, cpuMillis: 1, memoryBytes: 1 } as never)
    await rig.clock.advance(30_000)
    assert.equal(rig.engine.containers.has(stray), true, 'what was seen once may be on its way')
    await rig.clock.advance(30_000)
    await until(() => !rig.engine.containers.has(stray))
    assert.equal(rig.engine.containers.has(name), true)
  })

  it('starts without its engine, serves its leases meanwhile, and takes up containers when it comes', async () => {
    rig = await createAgentRig()
    const { asked, name } = await rig.run({ duration: 600 })
    const container = await rig.container(name)
    rig.crash()
    rig.engine.setGone(true)
    let isUp = false
    const booted = rig.boot().then(() => {
      isUp = true
    })
    // Its start waits for the engine, after work on the disk that takes its own time.
    while (!isUp) await rig.clock.advance(1_000)
    await booted
    assert.equal((await (await rig.requester.ask()).answer()).decline?.code, 'OVER_TOTAL_CAPACITY')
    const follow = await rig.requester.follow(rig.provider, asked.jobId)
    await follow.report('started')
    rig.engine.setGone(false)
    await rig.clock.advance(10_000)
    container.print('back')
    await rig.clock.advance(2_000)
    await follow.report('logs')
    const { bid } = await (await rig.requester.ask()).answer()
    assert.ok(bid)
    await rig.requester.release(bid)
    container.exit(0)
    await finish(asked.jobId)
  })

  it('takes an ended container away that it had no time to remove', async () => {
    rig = await createAgentRig()
    const { asked, name, follow } = await rig.run()
    const container = await rig.container(name)
    rig.engine.setGone(true)
    container.exit(0)
    rig.engine.setGone(false)
    await rig.clock.advance(5_000)
    await follow.report('ended')
    await rig.restart()
    await until(() => !rig.engine.containers.has(name))
    await finish(asked.jobId)
  })

  it('announces itself as a new incarnation, also when the clock went back', async () => {
    rig = await createAgentRig()
    const heard: Uint8Array[] = []
    rig.requester.network.subscribe('announcements', {
      validate: () => 'accept',
      deliver: (data) => void heard.push(data),
    })
    await rig.clock.advance(15_000)
    rig.clock.jump(-3_600_000)
    await rig.restart()
    await rig.clock.advance(15_000)
    const announcements = await Promise.all(heard.map(async (data) => await readAnnouncement(data, MARKET)))
    const incarnations = announcements.map(({ incarnation }) => incarnation)
    assert.equal(new Set(incarnations).size, 2)
    assert.deepEqual(
      incarnations,
      incarnations.toSorted((a, b) => a - b),
    )
  })
})
