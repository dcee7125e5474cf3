/** An engine that hangs, that goes, and that stops with a job in it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Docker from 'dockerode'
import { ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { startLocalNetwork } from '../../scripts/local-network.ts'
import { startEngineProxy } from './support/engine-proxy.ts'
import { networkApi } from './support/network-api.ts'

describe('an engine that is away', () => {
  it('is noticed, told to everybody, and taken up again with its jobs', async (test) => {
    const engine = await ensureEngine()
    test.after(async () => await engine.stop())
    const docker = new Docker({ socketPath: engine.socketPath })
    await ensureBusyboxImage(docker)
    const proxy = await startEngineProxy(engine.socketPath)
    test.after(proxy.close)
    const network = await startLocalNetwork({
      dockerHost: proxy.host,
      gatewayFlags: ['--rate-limit', '0'],
      agents: [{ name: 'host', flags: [] }],
    })
    test.after(network.stop)
    const api = networkApi(network)
    await api.provider('host', ({ paused }) => paused === null)
    const script = 'trap "exit 7" USR1; i=0; while true; do i=$((i+1)); echo line $i; sleep 0.5; done'
    const id = await api.submit({ command: ['sh', '-c'], args: [script], duration: 600 })
    await api.job(id, ({ status }) => status === 'running')
    await api.moreLines(id, 2)

    for (const fault of ['hang', 'vanish'] as const) {
      const startedMs = performance.now()
      await proxy[fault]()
      const { paused } = await api.provider('host', (provider) => provider.paused !== null)
      assert.match(paused, /no container engine/)
      const waiting = await api.submit({ command: ['echo'], args: [fault] })
      assert.equal((await api.job(id, () => true)).status, 'running', fault)
      assert.equal((await api.job(waiting, () => true)).status, 'pending', fault)
      test.diagnostic(`${fault}: noticed after ${Math.round(performance.now() - startedMs)} ms`)
      await proxy.recover()
      await api.provider('host', (provider) => provider.paused === null)
      assert.equal((await api.ended(waiting)).status, 'completed', fault)
      const before = (await api.lines(id)).length
      await api.moreLines(id, before + 2)
    }

    const [container] = await docker.listContainers({ filters: { label: [`cortex.job=${id}`] } })
    assert.ok(container)
    await docker.getContainer(container.Id).kill({ signal: 'SIGUSR1' })
    const job = await api.ended(id)
    assert.equal(job.results?.exitCode, 7, JSON.stringify(job))
    const lines = await api.lines(id)
    assert.deepEqual(
      lines,
      lines.map((_, i) => `line ${i + 1}`),
    )
  })
})
