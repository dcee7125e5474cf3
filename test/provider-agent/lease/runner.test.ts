import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Report_Ended } from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import type { Script } from '../../support/fake-script.ts'
import { until } from '../../support/until.ts'

const figures = ({ outcome, exitCode, failureCode, details }: Report_Ended) => ({
  outcome,
  exitCode: exitCode ?? null,
  failureCode,
  reason: details.reason ?? null,
})

describe('runner', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  const ENDINGS: [name: string, script: Script, ended: ReturnType<typeof figures>, job?: Partial<JobSubmission>][] = [
    ['exit 0', { runMs: 100 }, { outcome: 'exited', exitCode: 0, failureCode: '', reason: null }],
    ['exit 3', { runMs: 100, exitCode: 3 }, { outcome: 'exited', exitCode: 3, failureCode: '', reason: null }],
    [
      'out of memory',
      { runMs: 100, exitCode: 137, oomKilled: true },
      { outcome: 'failed', exitCode: 137, failureCode: 'RESOURCE_LIMIT_EXCEEDED', reason: 'out-of-memory' },
    ],
    [
      'a child out of memory, the program ends well',
      { runMs: 100, exitCode: 0, oomKilled: true },
      { outcome: 'exited', exitCode: 0, failureCode: '', reason: null },
    ],
    [
      'the image is not there',
      { pullError: new EngineError('IMAGE_PULL_ERROR', 'no such image', { reason: 'not-found' }) },
      { outcome: 'failed', exitCode: null, failureCode: 'IMAGE_PULL_ERROR', reason: 'not-found' },
    ],
    [
      'the command is not there',
      { startError: new EngineError('INVALID_COMMAND', 'no such file', {}) },
      { outcome: 'failed', exitCode: 127, failureCode: 'NON_ZERO_EXIT', reason: 'invalid-command' },
    ],
    [
      'the engine cannot create it',
      { createError: new EngineError('ENGINE_ERROR', 'no', {}) },
      { outcome: 'failed', exitCode: null, failureCode: 'INTERNAL', reason: 'engine-error' },
    ],
    [
      'the duration, and it ends well',
      { onStop: 0 },
      { outcome: 'exited', exitCode: 0, failureCode: '', reason: null },
      { duration: 5 },
    ],
    [
      'the duration, and it ends by the signal',
      { onStop: 143 },
      { outcome: 'failed', exitCode: 143, failureCode: 'DURATION_EXCEEDED', reason: null },
      { duration: 5 },
    ],
    [
      'the duration, and it ignores the signal',
      { onStop: 'ignore' },
      { outcome: 'failed', exitCode: 137, failureCode: 'DURATION_EXCEEDED', reason: null },
      { duration: 5, stopGraceSeconds: 2 },
    ],
  ]

  for (const [name, script, expected, job] of ENDINGS) {
    it(`tells how it ended: ${name}`, async () => {
      rig = await createAgentRig()
      rig.engine.script = () => script
      const { follow } = await rig.run(job)
      await rig.clock.advance(10_000)
      const ended = await follow.report('ended')
      assert.deepEqual(figures(ended), expected)
      const expired = follow.reports.some(({ content }) => content.case === 'expired')
      assert.equal(expired, job?.duration === 5)
      assert.ok(ended.receipt)
      await rig.settle({ follow })
      await until(() => rig.engine.containers.size === 0)
      assert.deepEqual(rig.agent.status().free, rig.agent.status().total)
    })
  }

  for (const [what, onStop, seconds] of [
    ['nothing of the grace that it does not use', 143, 5n],
    ['the grace in which it ran on', 'ignore', 35n],
  ] as const) {
    it(`bills a job that reaches its duration ${what}`, async () => {
      rig = await createAgentRig()
      rig.engine.script = () => ({ onStop })
      const { follow } = await rig.run({ duration: 5, stopGraceSeconds: 30 })
      await follow.report('started')
      await rig.clock.advance(5_000)
      await follow.report('expired')
      await rig.clock.advance(30_000)
      const { receipt } = await follow.report('ended')
      assert.ok(receipt)
      assert.equal((await checkReceipt(receipt)).receipt.meteredSeconds, seconds)
    })
  }

  it('meters on the monotonic clock, though the wall clock jumps an hour either way', async () => {
    for (const jump of [3_600_000, -3_600_000]) {
      rig = await createAgentRig()
      const { follow, name } = await rig.run({ duration: 600 })
      const container = await rig.container(name)
      await follow.report('started')
      await rig.clock.advance(5_000)
      rig.clock.jump(jump)
      await rig.clock.advance(5_500)
      assert.equal(container.state, 'running')
      container.exit(0)
      const ended = await follow.report('ended')
      assert.ok(ended.receipt)
      assert.equal((await checkReceipt(ended.receipt)).receipt.meteredSeconds, 11n, `jump ${jump}`)
      await rig.settle({ follow })
      await rig.stop()
    }
  })

  for (const [name, script, seconds] of [
    ['a start that was heard of late', { runMs: 4_500, startToldMs: 3_000 }, 5n],
    ['a start that was heard of after more than a heartbeat', { runMs: 9_500, startToldMs: 8_000 }, 10n],
    ['an end that was heard of late', { runMs: 2_500, endToldMs: 8_000 }, 3n],
    ['both', { runMs: 500, startToldMs: 4_000, endToldMs: 5_000 }, 1n],
  ] satisfies [string, Script, bigint][]) {
    it(`meters by the engine’s times over ${name}`, async () => {
      rig = await createAgentRig()
      rig.engine.script = () => script
      const { follow } = await rig.run({ duration: 600 })
      await rig.clock.advance(20_000)
      const ended = await follow.report('ended')
      assert.ok(ended.receipt)
      assert.equal((await checkReceipt(ended.receipt)).receipt.meteredSeconds, seconds)
      await rig.settle({ follow })
    })
  }

  it('reports a pull’s progress at most twice a second', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ pullMs: 3_000 })
    let progress: ((done: number) => void) | undefined
    rig.engine.onPull = ({ onProgress }) => {
      progress = (done) => onProgress?.({ layersDone: 0, layersTotal: 2, bytesDone: done, bytesTotal: 100 })
    }
    const { follow } = await rig.run()
    await until(() => progress !== undefined)
    for (let i = 0; i <= 100; i += 1) {
      progress?.(i)
      await rig.clock.advance(20)
    }
    await rig.clock.advance(2_000)
    await follow.report('started')
    const pulling = follow.reports.flatMap(({ content }) => (content.case === 'pulling' ? [content.value] : []))
    assert.deepEqual(
      pulling.map(({ bytesDone }) => Number(bytesDone)),
      [0, 25, 50, 75, 100],
    )
  })

  it('hands registry credentials to the pull and nothing else', async () => {
    rig = await createAgentRig()
    const pulls: unknown[] = []
    rig.engine.onPull = ({ credentials, policy }) => pulls.push({ credentials, policy })
    const registryCredentials = { username: 'me', password: 'hidden', serverAddress: 'registry.example' }
    const { name } = await rig.run({ image: 'registry.example/a', registryCredentials, imagePullPolicy: 'Always' })
    const container = await rig.container(name)
    assert.deepEqual(pulls, [{ credentials: registryCredentials, policy: 'Always' }])
    assert.doesNotMatch(JSON.stringify(container.spec), /hidden/)
  })

  it('stops the container itself when the requester is out of touch for the lease’s timeout', async () => {
    rig = await createAgentRig()
    const { follow, name, asked } = await rig.run({ onDisconnect: 'stop', leaseTimeout: 60, duration: 3_600 })
    const container = await rig.container(name)
    rig.hub.rule = ({ kind }) => (kind === 'open' ? 'drop' : 'pass')
    follow.channel.abort(new Error('cut'))
    await rig.clock.advance(59_900)
    assert.equal(container.state, 'running')
    await rig.clock.advance(200)
    assert.equal(container.state, 'exited')
    rig.hub.rule = () => 'pass'
    const again = await rig.requester.follow(rig.provider, asked.jobId)
    const ended = await again.report('ended')
    assert.deepEqual(figures(ended), {
      outcome: 'failed',
      exitCode: 143,
      failureCode: 'NETWORK_ERROR',
      reason: 'disconnected',
    })
  })

  it('runs on without its requester where the job says continue', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run({ onDisconnect: 'continue', duration: 3_600 })
    const container = await rig.container(name)
    rig.hub.rule = ({ kind }) => (kind === 'open' ? 'drop' : 'pass')
    follow.channel.abort(new Error('cut'))
    await rig.clock.advance(600_000)
    assert.equal(container.state, 'running')
  })

  it('does not stop while the requester is heard', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run({ onDisconnect: 'stop', leaseTimeout: 10, duration: 3_600 })
    const container = await rig.container(name)
    await follow.report('started')
    await rig.clock.advance(90_000)
    assert.equal(container.state, 'running')
  })

  it('notices within 10 s that the engine is gone, bids no more and says why; goes on when it is back', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    await follow.report('started')
    container.print('before')
    await rig.clock.advance(100)
    rig.engine.setGone(true)
    await rig.clock.advance(10_000)
    const declined = await (await rig.requester.ask()).answer()
    assert.equal(declined.decline?.code, 'ENGINE_UNAVAILABLE')
    assert.match(rig.agent.status().paused ?? '', /engine/)
    container.print('meanwhile')
    rig.engine.setGone(false)
    await rig.clock.advance(10_000)
    assert.ok((await (await rig.requester.ask()).answer()).bid)
    container.exit(0)
    const ended = await follow.report('ended')
    assert.equal(ended.outcome, 'exited')
    const lines = follow.reports.flatMap(({ content }) =>
      content.case === 'logs' ? content.value.lines.map(({ line }) => line) : [],
    )
    assert.deepEqual(lines, ['before', 'meanwhile'])
  })

  it('does not blame the duration for an end that came before it, though it passed before the engine could say so', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run({ duration: 10 })
    const container = await rig.container(name)
    await follow.report('started')
    rig.engine.setGone(true)
    await rig.clock.advance(3_000)
    container.exit(5)
    await rig.clock.advance(20_000)
    rig.engine.setGone(false)
    await rig.clock.advance(10_000)
    assert.deepEqual(figures(await follow.report('ended')), {
      outcome: 'exited',
      exitCode: 5,
      failureCode: '',
      reason: null,
    })
  })

  it('tries a start again for some seconds while the engine is away, then lets the job go elsewhere', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ createMs: 500 })
    const { follow } = await rig.run()
    await until(() => rig.engine.calls.some((call) => call.startsWith('create')))
    rig.engine.setGone(true)
    await rig.clock.advance(60_000)
    rig.engine.setGone(false)
    await rig.clock.advance(10_000)
    const ended = await follow.report('ended')
    assert.deepEqual(figures(ended), {
      outcome: 'failed',
      exitCode: null,
      failureCode: 'INTERNAL',
      reason: 'engine-unavailable',
    })
    assert.equal(rig.engine.starts.size, 0)
  })

  const stopping = (): EngineError => new EngineError('ENGINE_ERROR', 'database not open', {})

  for (const [errors, onDisconnect, isRemoved] of [
    [3, 'continue', true],
    [3, 'stop', true],
    [30, 'continue', false],
  ] as const) {
    it(`entry 53: tells the end of what did not start where its removal fails ${errors} times, for a job that says ${onDisconnect}`, async () => {
      rig = await createAgentRig()
      const removeErrors = Array.from({ length: errors }, stopping)
      rig.engine.script = () => ({ startError: stopping(), removeErrors })
      const { follow } = await rig.run({ onDisconnect })
      await until(() => rig.engine.calls.some((call) => call.startsWith('start ')))
      await rig.clock.advance(60_000)
      const ended = await follow.report('ended')
      assert.deepEqual([ended.failureCode, ended.details.reason], ['INTERNAL', 'engine-error'])
      assert.equal(removeErrors.length === 0, isRemoved)
    })
  }

  it('entry 53: does not tell the end of what may never run twice while it cannot be removed', async () => {
    rig = await createAgentRig()
    const removeErrors = Array.from({ length: 30 }, stopping)
    rig.engine.script = () => ({ startError: stopping(), removeErrors })
    const { follow } = await rig.run({ onDisconnect: 'stop' })
    await until(() => rig.engine.calls.some((call) => call.startsWith('start ')))
    await rig.clock.advance(20_000)
    assert.ok(follow.reports.every(({ content }) => content.case !== 'ended'))
    removeErrors.length = 0
    await rig.clock.advance(10_000)
    assert.equal((await follow.report('ended')).failureCode, 'INTERNAL')
  })

  it('says in the log when the engine keeps no more of the output, and the job goes on', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    container.print('kept')
    await rig.clock.advance(100)
    rig.engine.failLogs(
      name,
      new EngineError('RESOURCE_LIMIT_EXCEEDED', 'more than 128 MiB of output', { resource: 'logs' }),
    )
    await rig.clock.advance(100)
    assert.equal(container.state, 'running')
    container.exit(0)
    assert.equal((await follow.report('ended')).outcome, 'exited')
    const lines = follow.reports.flatMap(({ content }) =>
      content.case === 'logs' ? content.value.lines.map(({ line }) => line) : [],
    )
    assert.deepEqual(lines, ['kept', '[cortex] further output is not kept: more than 128 MiB of output'])
  })

  it('tells the end after all of the output, however late the engine gives it', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ logLagMs: 3_000, lines: ['one'] })
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    container.print('two', 'three')
    container.exit(0)
    await rig.clock.advance(20_000)
    await follow.report('ended')
    const lines = follow.reports.flatMap(({ content }) =>
      content.case === 'logs' ? content.value.lines.map(({ line }) => line) : [],
    )
    assert.deepEqual(lines, ['one', 'two', 'three'])
    assert.equal(follow.reports.at(-1)?.content.case, 'ended')
  })

  it('does not wait for ever for output that never ends', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ logLagMs: 3_600_000 })
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    container.exit(0)
    await rig.clock.advance(25_000)
    assert.equal((await follow.report('ended')).exitCode, 0)
  })

  it('has the capacity back at the end, before the container is removed', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ runMs: 100, removeMs: 5_000 })
    const { follow, name } = await rig.run()
    await rig.clock.advance(1_000)
    await follow.report('ended')
    assert.equal(rig.engine.containers.has(name), true)
    assert.deepEqual(rig.agent.status().free, rig.agent.status().total)
    await rig.clock.advance(5_000)
    assert.equal(rig.engine.containers.has(name), false)
  })

  it('ends its containers with stopJobs, and leaves them without', async () => {
    rig = await createAgentRig()
    const first = await rig.run()
    const container = await rig.container(first.name)
    await rig.agent.stop()
    assert.equal(container.state, 'running')
    rig.crash()
    await rig.boot()
    const follow = await rig.requester.follow(rig.provider, first.asked.jobId)
    await follow.report('started')
    await rig.agent.stop({ stopJobs: true })
    assert.deepEqual(container.signals, ['SIGTERM'])
    assert.equal(container.state, 'exited')
    assert.equal(figures(await follow.report('ended')).reason, 'provider-shutdown')
  })
})
