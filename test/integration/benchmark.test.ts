/** A machine that is measured: by its agent, and by a job of whoever would use it. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { FIGURES } from '../../protocol/measured.ts'
import { ensureEngine } from '../../scripts/engine.ts'
import { type LocalNetwork, startLocalNetwork } from '../../scripts/local-network.ts'
import { ensureNodeImage } from '../../scripts/node-image.ts'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { type NetworkApi, networkApi } from '../faults/support/network-api.ts'

describe('a machine', () => {
  const stack = new AsyncDisposableStack()
  let network: LocalNetwork
  let api: NetworkApi
  let image: string

  before(async () => {
    const engine = await ensureEngine()
    stack.defer(async () => await engine.stop())
    image = await ensureNodeImage(new Docker({ socketPath: engine.socketPath }))
    network = await startLocalNetwork({
      dockerHost: `unix://${engine.socketPath}`,
      agents: [{ name: 'bench', flags: [] }],
    })
    stack.defer(network.stop)
    api = networkApi(network)
    await api.provider('bench', ({ status, paused }) => status === 'online' && paused === null)
  })
  after(async () => await stack.disposeAsync())

  it('is measured by `cortex provider bench`, and what was seen is told to whoever asked for it', async () => {
    const words = ['provider', 'bench', 'bench', '--image', image, '--gateway', network.url, '--key', network.key]
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...words, '--json'])
    const { found, measured } = JSON.parse(stdout)
    assert.equal(measured, null)
    assert.ok(found.cpuSingle > 0 && found.memoryBandwidth > 0, stdout)
    const { seen } = await api.provider('bench', (provider) => provider.seen !== null)
    assert.equal(seen.jobs, 1)
    for (const figure of FIGURES) assert.equal(seen[figure], found[figure], figure)
  })

  it('gets no job that asks for more than was measured', async () => {
    const id = await api.submit({ command: ['true'], constraints: { minCpuScore: 1 }, queueTimeout: 5 })
    const job = await api.ended(id)
    assert.deepEqual([job.status, job.error.code], ['failed', 'NO_PROVIDER'])
    assert.match(job.error.message, /measured/)
  })
})
