import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { encode } from '../../../protocol/codec.ts'
import { LeaseCommandSchema, type Report, SignedStatementSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { signStatement } from '../../../protocol/statements.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { attach } from '../../support/test-requester.ts'
import { until } from '../../support/until.ts'

const sequences = (reports: readonly Report[]): number[] => reports.map(({ sequence }) => Number(sequence))

/** The lines in reports, with their numbers. */
function linesOf(reports: readonly Report[]): [number, string][] {
  return reports.flatMap(({ content }) =>
    content.case === 'logs'
      ? content.value.lines.map(({ line }, i): [number, string] => [Number(content.value.firstLine) + i, line])
      : [],
  )
}

describe('lease stream', () => {
  let rig: AgentRig

  afterEach(async () => await rig.stop())

  it('goes on after any report without gap or repeat, over a new stream', async () => {
    rig = await createAgentRig()
    const { asked, name, follow } = await rig.run()
    const container = await rig.container(name)
    for (let i = 1; i <= 6; i += 1) {
      container.print(`line ${i}`)
      await rig.clock.advance(1_000)
    }
    container.exit(0)
    await follow.report('ended')
    const all = sequences(follow.reports)
    const last = all.at(-1) ?? 0
    assert.deepEqual(
      all,
      Array.from({ length: last }, (_, i) => i + 1),
    )
    assert.ok(last >= 8, 'reports of several kinds')
    follow.channel.abort(new Error('broken'))
    for (let after = 0; after < last; after += 1) {
      const again = await rig.requester.follow(rig.provider, asked.jobId, 1, after)
      await again.report('ended')
      const expected = all.slice(after)
      assert.deepEqual(sequences(again.reports), expected, `after ${after}`)
      const numbers = linesOf(again.reports).map(([number]) => number)
      assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6].slice(6 - numbers.length), `lines after ${after}`)
      again.channel.abort(new Error('broken'))
    }
  })

  it('does not send again what was acknowledged, and keeps the rest', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ lines: ['a'] })
    const { asked, follow } = await rig.run()
    await follow.report('logs')
    await follow.ack(1)
    await until(() => (rig.agent.status().leases[0]?.unsentBytes ?? 0) < 250)
    follow.channel.abort(new Error('broken'))
    const again = await rig.requester.follow(rig.provider, asked.jobId, 1, 0)
    await again.report('logs')
    assert.deepEqual(sequences(again.reports), [2])
  })

  it('takes what the requester names when it attaches as stored', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ lines: ['a'], runMs: 1_000 })
    const { asked, follow } = await rig.run()
    await rig.clock.advance(1_500)
    await follow.report('ended')
    follow.channel.abort(new Error('broken'))
    const last = Number(follow.reports.at(-1)?.sequence)
    const before = rig.agent.status().leases[0]?.unsentBytes ?? 0
    const again = await rig.requester.follow(rig.provider, asked.jobId, 1, last)
    await until(() => (rig.agent.status().leases[0]?.unsentBytes ?? 0) < before)
    again.channel.abort(new Error('broken'))
    const third = await rig.requester.follow(rig.provider, asked.jobId, 1, 0)
    await third.report('ended')
    assert.deepEqual(sequences(third.reports), [last], 'the last report waits for an acknowledgement of its own')
  })

  it('sends on while a slow requester reads, from the journal and not from memory', async () => {
    rig = await createAgentRig()
    const { name, follow } = await rig.run()
    const container = await rig.container(name)
    await follow.report('started')
    const line = 'x'.repeat(60_000)
    for (let i = 0; i < 40; i += 1) container.print(`${i} ${line}`)
    container.exit(0)
    await follow.report('ended')
    assert.deepEqual(
      linesOf(follow.reports).map(([number]) => number),
      Array.from({ length: 40 }, (_, i) => i + 1),
    )
    const sizes = follow.reports.flatMap(({ content }) =>
      content.case === 'logs' ? [content.value.lines.reduce((sum, { line: text }) => sum + text.length, 0)] : [],
    )
    assert.ok(Math.max(...sizes) <= 256 * 1024, 'batches stay within their bound')
  })

  it('gives way to a newer stream of the same lease', async () => {
    rig = await createAgentRig()
    const { asked, name, follow } = await rig.run()
    await follow.report('started')
    const newer = await rig.requester.follow(rig.provider, asked.jobId, 1, 0)
    await follow.over
    const container = await rig.container(name)
    container.exit(0)
    await newer.report('ended')
  })

  it('dials when the requester does not come, and again after a break, with growing pauses', async () => {
    rig = await createAgentRig()
    const { asked, follow } = await rig.run()
    await follow.report('started')
    follow.channel.abort(new Error('broken'))
    await follow.over
    await rig.clock.advance(2_500)
    const call = await rig.requester.called()
    assert.deepEqual([call.jobId, call.fence], [asked.jobId, 1])
    const again = await attach(call.channel, 0)
    await again.report('started')
    assert.deepEqual(sequences(again.reports), [1])
    let dials = 0
    rig.hub.rule = ({ kind, from }) => {
      if (kind !== 'open' || from !== rig.provider) return 'pass'
      dials += 1
      return 'drop'
    }
    again.channel.abort(new Error('broken'))
    await again.over
    await rig.clock.advance(60_000)
    assert.ok(dials >= 12 && dials <= 30, `${dials} dials in a minute: 0.2 s doubled up to 5 s, half of it random`)
  })

  it('waits when the requester answers its call with nothing yet', async () => {
    rig = await createAgentRig()
    const { asked, follow, name } = await rig.run()
    follow.channel.abort(new Error('broken'))
    await rig.clock.advance(2_500)
    await (await rig.requester.called()).channel.close()
    await rig.clock.advance(5_000)
    const { jobId, channel } = await rig.requester.called()
    assert.equal(jobId, asked.jobId)
    await attach(channel, 0)
    assert.equal(rig.engine.containers.get(name)?.state, 'running')
  })

  it('gives up a stream on which nothing comes', async () => {
    rig = await createAgentRig()
    const { follow } = await rig.run({}, { silent: true })
    await rig.clock.advance(41_000)
    await follow.over
    assert.equal((await rig.requester.called()).fence, 1)
  })

  it('stays while heartbeats come', async () => {
    rig = await createAgentRig()
    const { follow } = await rig.run()
    await rig.clock.advance(60_000)
    assert.equal(await Promise.race([follow.over.then(() => 'over'), rig.hub.settled().then(() => 'open')]), 'open')
  })

  it('says unknown to a lease that it does not have', async () => {
    rig = await createAgentRig()
    const { asked } = await rig.run()
    for (const [jobId, fence] of [
      [asked.jobId, 2],
      ['job_000000000000', 1],
    ] as const) {
      const follow = await rig.requester.follow(rig.provider, jobId, fence)
      assert.equal((await follow.message(() => true)).content.case, 'unknown', `${jobId} ${fence}`)
      await follow.over
    }
  })

  it('cancels: stops the container with the job’s signal and grace, once, and says so', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ onStop: 'ignore' })
    const { follow, name } = await rig.run({ stopSignal: 'SIGINT', stopGraceSeconds: 3 })
    const container = await rig.container(name)
    await follow.report('started')
    await follow.command({ case: 'cancel', value: { commandId: 'c1' } })
    await follow.command({ case: 'cancel', value: { commandId: 'c1' } })
    const reply = await follow.message(({ content }) => content.case === 'reply')
    assert.deepEqual(reply.content.case === 'reply' && [reply.content.value.commandId, reply.content.value.ok], [
      'c1',
      true,
    ])
    await until(() => container.signals.length === 1)
    await rig.clock.advance(3_000)
    const ended = await follow.report('ended')
    assert.deepEqual([ended.outcome, ended.exitCode, ended.failureCode], ['cancelled', 137, ''])
    assert.deepEqual(container.signals, ['SIGINT', 'SIGKILL'])
    const all = sequences(follow.reports)
    assert.deepEqual(
      all,
      all.map((_, i) => i + 1),
      'commands that report nothing leave no gap',
    )
    await rig.settle({ follow })
  })

  it('cancels a job whose image is still being pulled, without ever starting it', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ pullMs: 60_000 })
    const { follow } = await rig.run()
    await until(() => rig.engine.calls.some((call) => call.startsWith('pull')))
    await follow.command({ case: 'cancel', value: { commandId: 'c1' } })
    const ended = await follow.report('ended')
    assert.deepEqual([ended.outcome, ended.exitCode], ['cancelled', undefined])
    assert.equal(rig.engine.starts.size, 0)
    await rig.settle({ follow })
  })

  it('answers a cancel that came too late', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    container.exit(0)
    await follow.report('ended')
    await follow.command({ case: 'cancel', value: { commandId: 'late' } })
    const { content } = await follow.message((message) => message.content.case === 'reply')
    assert.deepEqual(content.case === 'reply' && [content.value.ok, content.value.code], [false, 'LEASE_ENDED'])
  })

  it('extends once for each command, tells the new duration, and then ends at it', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run({ duration: 10 })
    const container = await rig.container(name)
    await follow.report('started')
    for (let i = 0; i < 3; i += 1) {
      await follow.command({ case: 'extend', value: { commandId: 'e1', additionalSeconds: 20 } })
    }
    assert.equal((await follow.report('extended')).durationSeconds, 30)
    await until(() => follow.messages.filter(({ content }) => content.case === 'reply').length === 3)
    assert.equal(follow.reports.filter(({ content }) => content.case === 'extended').length, 1)
    await rig.clock.advance(29_900)
    assert.equal(container.state, 'running')
    await rig.clock.advance(100)
    await follow.report('expired')
    await follow.report('ended')
  })

  for (const [name, init, additionalSeconds] of [
    ['where it does not extend', { allowExtension: false }, 5],
    ['beyond its longest duration', { maxDurationSeconds: 60 }, 1],
  ] as const) {
    it(`refuses an extension ${name}`, async () => {
      rig = await createAgentRig(init)
      const { follow } = await rig.run({ duration: 60 })
      await follow.report('started')
      await follow.command({ case: 'extend', value: { commandId: 'e', additionalSeconds } })
      const { content } = await follow.message((message) => message.content.case === 'reply')
      assert.deepEqual(content.case === 'reply' && [content.value.ok, content.value.code], [false, 'EXTENSION_REFUSED'])
      assert.equal(
        follow.reports.some((report) => report.content.case === 'extended'),
        false,
      )
    })
  }

  it('refuses an extension of a job that is already stopping', async () => {
    rig = await createAgentRig()
    rig.engine.script = () => ({ onStop: 'ignore' })
    const { follow } = await rig.run({ duration: 10, stopGraceSeconds: 60 })
    await follow.report('started')
    await rig.clock.advance(10_000)
    await follow.report('expired')
    await follow.command({ case: 'extend', value: { commandId: 'e', additionalSeconds: 60 } })
    const { content } = await follow.message((message) => message.content.case === 'reply')
    assert.deepEqual(content.case === 'reply' && content.value.code, 'EXTENSION_REFUSED')
  })

  it('stops and forgets a stale lease, and tells nothing more', async () => {
    rig = await createAgentRig()
    const { asked, follow, name } = await rig.run()
    await rig.container(name)
    await follow.report('started')
    await follow.command({ case: 'stale', value: {} })
    await follow.over
    await until(() => rig.engine.containers.size === 0 && rig.agent.status().leases.length === 0)
    assert.equal(
      follow.reports.some(({ content }) => content.case === 'ended'),
      false,
    )
    const again = await rig.requester.follow(rig.provider, asked.jobId)
    assert.equal((await again.message(() => true)).content.case, 'unknown')
    assert.equal(rig.agent.status().free.cpuMillis, 4_000)
  })

  it('takes stale, or the last acknowledgement, as the first word of a stream that it opened itself', async () => {
    for (const word of ['stale', 'ack'] as const) {
      rig = await createAgentRig()
      const { follow, name } = await rig.run()
      const container = await rig.container(name)
      container.exit(0)
      await follow.report('ended')
      const sequence = follow.reports.at(-1)?.sequence ?? 0n
      follow.channel.abort(new Error('broken'))
      await rig.clock.advance(2_500)
      const { channel } = await rig.requester.called()
      const content = word === 'ack' ? { case: word, value: { sequence } } : { case: word, value: {} }
      await channel.send(encode(LeaseCommandSchema, { content: content as never }))
      await until(() => rig.agent.status().leases.length === 0)
      await rig.stop()
    }
  })

  it('keeps the requester’s signature under the receipt, and nobody else’s', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    container.exit(0)
    const { receipt } = await follow.report('ended')
    assert.ok(receipt)
    const sequence = follow.reports.at(-1)?.sequence ?? 0n
    // Signed by the provider itself: no countersignature.
    await follow.command({ case: 'ack', value: { sequence, receipt: create(SignedStatementSchema, receipt) } })
    await follow.over
    assert.equal(rig.agent.status().leases.length, 1, 'the lease waits for a good one')
    await until(() => rig.network.counters().refused['penalty:lease: WRONG_SIGNER'] === 1)
    await rig.clock.advance(2_500)
    const { channel } = await rig.requester.called()
    const again = await attach(channel, 0)
    const counter = await signStatement('receipt', receipt.payload, rig.requester.peer.privateKey)
    await again.report('ended')
    await again.command({ case: 'ack', value: { sequence, receipt: counter } })
    await until(() => rig.agent.status().leases.length === 0)
  })

  it('gives up an ended lease whose requester never comes back', async () => {
    rig = await createAgentRig({ endedRetentionMs: 60_000 })
    const { follow, name } = await rig.run()
    const container = await rig.container(name)
    container.exit(0)
    await follow.report('ended')
    follow.channel.abort(new Error('gone'))
    rig.hub.rule = ({ kind }) => (kind === 'open' ? 'drop' : 'pass')
    await rig.clock.advance(59_000)
    assert.equal(rig.agent.status().leases.length, 1)
    await rig.clock.advance(2_000)
    await until(() => rig.agent.status().leases.length === 0)
    assert.equal(rig.agent.status().completed, 1)
  })

  it('entry 19: ends the stream of a requester that floods it with commands, and counts that against it', async () => {
    rig = await createAgentRig()
    const { follow, name } = await rig.run()
    await rig.container(name)
    for (let sent = 0; sent < 200; sent += 1) {
      // Refused or sent: the stream may be over by now.
      await follow
        .command({ case: 'extend', value: { commandId: `c${sent}`, additionalSeconds: 1 } })
        .catch(() => undefined)
    }
    await follow.over
    await until(() => rig.network.counters().refused['penalty:lease: RATE'] === 1)
    assert.equal(rig.agent.status().leases.length, 1, 'its job goes on')
  })
})
