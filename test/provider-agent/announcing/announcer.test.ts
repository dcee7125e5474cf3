import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type Announcement, readAnnouncement } from '../../../protocol/market-messages.ts'
import { type AgentRig, createAgentRig, type RigInit } from '../../support/agent-rig.ts'
import { MARKET } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

describe('announcements', () => {
  let rig: AgentRig
  let heard: Uint8Array[]

  afterEach(async () => await rig.stop())

  /** Listens before the agent starts. */
  async function setUp(init: RigInit = {}): Promise<void> {
    heard = []
    rig = await createAgentRig(init)
    rig.requester.network.subscribe('announcements', {
      validate: () => 'accept',
      deliver: (data) => void heard.push(data),
    })
    await rig.restart()
    await until(() => heard.length > 0)
  }

  const read = async (): Promise<Announcement[]> =>
    await Promise.all(heard.map(async (data) => await readAnnouncement(data, MARKET)))

  it('says at the start what there is, under which conditions', async () => {
    await setUp({
      region: 'eu',
      labels: { disk: 'ssd' },
      capabilities: ['volumes'],
      name: 'box',
      version: '1.2.3',
      ownerShare: 0.5,
    })
    const [first] = await read()
    assert.ok(first)
    assert.equal(first.provider, rig.provider)
    assert.deepEqual(
      [first.region, first.labels, first.capabilities, first.name, first.version, first.architecture],
      [
        'eu',
        { disk: 'ssd' },
        [
          'volumes',
          'extend',
          'kept-volumes',
          'container-options',
          'process-options',
          'gpu-requirements',
          'platforms',
          'isolation',
          'ordinary-privileges',
          'tty',
        ],
        ...['box', '1.2.3', 'amd64'],
      ],
    )
    assert.deepEqual([first.total.cpuMillis, first.free.cpuMillis], [2_000, 2_000])
    assert.deepEqual([first.intervalMs, first.pausedReason, first.sequence], [15_000, '', 1])
    assert.deepEqual(first.addresses, rig.network.addresses())
  })

  it('repeats itself every 15 s', async () => {
    await setUp()
    await rig.clock.advance(45_500)
    const sequences = (await read()).map(({ sequence }) => sequence)
    assert.deepEqual(sequences, [1, 2, 3, 4])
  })

  it('tells changes of free capacity together, and none that came to nothing', async () => {
    await setUp()
    const { follow, name } = await rig.run({ cpu: 1_000 })
    ;(await rig.container(name)).exit(0)
    await rig.settle({ follow })
    await rig.clock.advance(2_000)
    heard.length = 0
    const passing = await rig.requester.ask()
    const { bid } = await passing.answer()
    assert.ok(bid)
    await rig.requester.release(bid)
    await rig.clock.advance(1_500)
    assert.equal(heard.length, 0, 'a bid that was released at once is no news')
    await Promise.all([1, 2, 3].map(async () => await (await rig.requester.ask({ cpu: 500 })).answer()))
    await rig.clock.advance(1_000)
    assert.deepEqual(
      (await read()).map(({ free }) => free.cpuMillis),
      [2_500],
    )
  })

  it('says nothing of what it has only bid to strangers', async () => {
    await setUp()
    await (await rig.requester.ask({ cpu: 500 })).answer()
    await rig.clock.advance(15_000)
    assert.deepEqual(
      (await read()).map(({ free }) => free.cpuMillis),
      [4_000, 4_000],
    )
  })

  it('tells at once that it takes nothing, and that it does again', async () => {
    await setUp()
    await rig.agent.drain()
    await until(() => heard.length === 2)
    await rig.agent.resume()
    await until(() => heard.length === 3)
    const reasons = (await read()).map(({ pausedReason }) => pausedReason)
    assert.deepEqual(reasons, ['', 'takes no new jobs: it is being drained', ''])
  })

  it('says why when the engine is gone', async () => {
    await setUp()
    rig.engine.setGone(true)
    await rig.clock.advance(8_000)
    await until(async () => (await read()).at(-1)?.pausedReason === 'has no container engine at the moment')
  })

  it('says goodbye', async () => {
    await setUp()
    await rig.agent.stop()
    await until(async () => (await read()).at(-1)?.pausedReason === 'offline')
  })

  it('counts the jobs it has done', async () => {
    await setUp()
    rig.engine.script = () => ({ runMs: 10 })
    const { follow } = await rig.run()
    await rig.clock.advance(100)
    await rig.settle({ follow })
    await rig.clock.advance(15_000)
    const last = (await read()).at(-1)
    assert.deepEqual([last?.jobsCompleted, last?.jobsFailed], [1, 0])
  })
})
