/** A container engine that is killed or stopped, and started again, with jobs in it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { processOf } from '../../node/process-of.ts'
import { startLocalNetwork } from '../../scripts/local-network.ts'
import { until } from '../support/until.ts'
import { networkApi } from './support/network-api.ts'
import { ownEngineProblem, startOwnEngine } from './support/own-engine.ts'

const problem = await ownEngineProblem()

describe('an engine that is started again', {
  skip: problem ?? false,
}, () => {
  it('is taken up with its jobs, whether it was killed or stopped; one that ended meanwhile has its own exit code', async () => {
    await using stack = new AsyncDisposableStack()
    // Its containers outlive it.
    const engine = stack.use(await startOwnEngine({ flags: ['--live-restore'] }))
    const network = await startLocalNetwork({
      dockerHost: engine.host,
      gatewayFlags: ['--rate-limit', '0'],
      agents: [{ name: 'host', flags: [] }],
    })
    stack.defer(network.stop)
    const api = networkApi(network)
    await api.provider('host', ({ paused }) => paused === null)
    const counting = (body: string) => ({ command: ['sh', '-c'], args: [body], duration: 600, network: 'none' })
    // Ends when it is told to, however long the machine takes until then.
    const untilTold = 'trap "echo line 2; exit 3" USR1; echo line 1; while true; do sleep 0.1; done'
    const endless = 'trap "exit 7" USR1; i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done'
    const long = await api.submit(counting(endless))
    await api.moreLines(long, 2)

    for (const how of ['SIGKILL', 'SIGTERM'] as const) {
      const short = await api.submit(counting('for i in 1 2 3; do echo line $i; sleep 1; done; exit 3'))
      await api.moreLines(short, 1)
      const [before] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${long}`] } })
      await engine.end(how)
      await api.provider('host', ({ status }) => status === 'degraded')
      assert.equal((await api.job(long, () => true)).status, 'running', how)
      await engine.start()
      await api.provider('host', ({ status, paused }) => status === 'online' && paused === null)

      const ended = await api.ended(short)
      assert.deepEqual([ended.status, ended.results.exitCode], ['failed', 3], JSON.stringify(ended.error))
      // An engine that comes back does not read what a container wrote that has ended meanwhile: that is lost to everybody.
      const shortLines = await api.lines(short)
      assert.deepEqual(shortLines, ['line 1', 'line 2', 'line 3'].slice(0, shortLines.length), how)
      assert.ok(shortLines.length > 0, how)
      const isTold = /engine was away/.test(ended.results.logProblem ?? '')
      assert.ok(isTold || shortLines.length === 3, `entry 52: ${shortLines.length} lines, and nothing told`)
      const known = (await api.lines(long)).length
      await api.moreLines(long, known + 15)
      const [after] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${long}`] } })
      assert.equal(after?.Id, before?.Id, 'the same container')
    }

    // An agent that was away as well has not seen that its engine was.
    const unseen = await api.submit(counting(untilTold))
    await api.moreLines(unseen, 1)
    const [inside] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${unseen}`] } })
    const { State: state } = await engine.docker.getContainer(inside?.Id ?? '').inspect()
    const agent = network.processes.find(({ name }) => name === 'host')
    await agent?.end('SIGKILL')
    await engine.end('SIGKILL')
    process.kill(state.Pid, 'SIGUSR1')
    await until(async () => processOf(state.Pid) === null)
    await engine.start()
    agent?.restart()
    const ended = await api.ended(unseen)
    assert.deepEqual([ended.status, ended.results.exitCode], ['failed', 3], JSON.stringify(ended.error))
    assert.match(ended.results.logProblem ?? `${await api.lines(unseen)}, and nothing told`, /engine was away/)

    // An end that only the agent has missed is told whole.
    const missed = await api.submit(counting(untilTold))
    await api.moreLines(missed, 1)
    await agent?.end('SIGKILL')
    const [kept] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${missed}`] } })
    await engine.docker.getContainer(kept?.Id ?? '').kill({ signal: 'SIGUSR1' })
    await until(async () => {
      const [found] = await engine.docker.listContainers({ all: true, filters: { label: [`cortex.job=${missed}`] } })
      return found?.State === 'exited'
    })
    agent?.restart()
    const whole = await api.ended(missed)
    assert.deepEqual([whole.results.exitCode, whole.results.logProblem], [3, undefined])
    assert.deepEqual(await api.lines(missed), ['line 1', 'line 2'])

    const [container] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${long}`] } })
    await engine.docker.getContainer(container?.Id ?? '').kill({ signal: 'SIGUSR1' })
    const job = await api.ended(long)
    assert.deepEqual([job.status, job.results.exitCode, job.attempt], ['failed', 7, 1], JSON.stringify(job.error))
    assert.equal(job.results.logProblem, undefined, 'entry 52: what ran on until the engine was back is whole')
    const lines = await api.lines(long)
    assert.deepEqual(
      lines,
      lines.map((_, i) => `line ${i + 1}`),
    )
    await api.provider('host', ({ capacity }) => JSON.stringify(capacity.free) === JSON.stringify(capacity.total))
    // A sandbox that was being tried when the engine ended goes, too.
    await until(async () => (await engine.docker.listContainers({ all: true })).length === 0)
  })
})
