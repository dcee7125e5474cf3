/** A container engine that is killed or stopped, and started again, with jobs in it. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { findProgram } from '../../scripts/apt.ts'
import { startDockerd } from '../../scripts/dockerd.ts'
import { ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { startLocalNetwork } from '../../scripts/local-network.ts'
import { unmountUnder } from '../support/unmount.ts'
import { until } from '../support/until.ts'
import { endShims } from './support/end-shims.ts'
import { networkApi } from './support/network-api.ts'

// The one that other tests use is brought up first, which installs it where it can.
const shared = await ensureEngine()
const isReady = process.getuid?.() === 0 && (await findProgram('dockerd')) !== null
await shared.stop()

/** A `dockerd` of the test's own, in a network namespace of its own, whose containers outlive it. */
async function startOwnEngine(folder: string) {
  const socketPath = join(folder, 'docker.sock')
  const docker = new Docker({ socketPath })
  const start = async () =>
    await startDockerd({
      dataRoot: join(folder, 'data'),
      runDir: folder,
      socketPath,
      command: ['unshare', '--net', 'dockerd', '--live-restore'],
      answers: async () => (await docker.ping().catch(() => null)) !== null,
      report: () => {},
    })
  return { docker, host: `unix://${socketPath}`, start }
}

describe('an engine that is started again', {
  timeout: 180_000,
  skip: isReady ? false : 'needs root and dockerd, to start an engine of its own',
}, () => {
  it('is taken up with its jobs, whether it was killed or stopped; one that ended meanwhile has its own exit code', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-restart-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(async () => {
      await unmountUnder(folder)
      await rm(folder, { recursive: true, force: true })
    })
    const engine = await startOwnEngine(folder)
    let dockerd = await engine.start()
    stack.defer(async () => {
      // Its containers outlive it. Where it is gone, why it is gone is what the test has to say.
      for (const { Id } of await engine.docker.listContainers({ all: true }).catch(() => [])) {
        await engine.docker.getContainer(Id).remove({ force: true })
      }
      await dockerd.stop()
      endShims(folder)
    })
    await ensureBusyboxImage(engine.docker)
    const network = await startLocalNetwork({
      dockerHost: engine.host,
      gatewayFlags: ['--rate-limit', '0'],
      agents: [{ name: 'host', flags: [] }],
    })
    stack.defer(network.stop)
    const api = networkApi(network)
    await api.provider('host', ({ paused }) => paused === null)
    const counting = (body: string) => ({ command: ['sh', '-c'], args: [body], duration: 600, network: 'none' })
    const endless = 'trap "exit 7" USR1; i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done'
    const long = await api.submit(counting(endless))
    await api.moreLines(long, 2)

    for (const how of ['SIGKILL', 'SIGTERM'] as const) {
      const short = await api.submit(counting('for i in 1 2 3; do echo line $i; sleep 1; done; exit 3'))
      await api.moreLines(short, 1)
      const [before] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${long}`] } })
      if (how === 'SIGKILL') process.kill(dockerd.pid, 'SIGKILL')
      else await dockerd.stop()
      await api.provider('host', ({ paused }) => paused !== null)
      assert.equal((await api.job(long, () => true)).status, 'running', how)
      dockerd = await engine.start()

      const ended = await api.ended(short)
      assert.deepEqual([ended.status, ended.results.exitCode], ['failed', 3], JSON.stringify(ended.error))
      // An engine that comes back does not read what a container wrote that has ended meanwhile: that is lost to everybody.
      const shortLines = await api.lines(short)
      assert.deepEqual(shortLines, ['line 1', 'line 2', 'line 3'].slice(0, shortLines.length), how)
      assert.ok(shortLines.length > 0, how)
      const known = (await api.lines(long)).length
      await api.moreLines(long, known + 5)
      const [after] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${long}`] } })
      assert.equal(after?.Id, before?.Id, 'the same container')
    }

    const [container] = await engine.docker.listContainers({ filters: { label: [`cortex.job=${long}`] } })
    await engine.docker.getContainer(container?.Id ?? '').kill({ signal: 'SIGUSR1' })
    const job = await api.ended(long)
    assert.deepEqual([job.status, job.results.exitCode, job.attempt], ['failed', 7, 1], JSON.stringify(job.error))
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
