/** Classes of isolation on a real engine: what is sold was tried, and a job has the walls that it asks for. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { createContainerAccess } from '../../provider-agent/engine/access.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { PLAIN_WALL, type Wall } from '../../provider-agent/isolation/walls.ts'
import { gvisorProblem, RUNSC, startGvisorEngine } from '../../scripts/gvisor.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { until } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

const problem = await gvisorProblem()
const GVISOR: Wall = { isolation: 'gvisor', runtime: RUNSC, factorMillis: 1_500 }
/** A runtime that starts nothing. */
const BROKEN: Wall = { isolation: 'vm', runtime: 'broken', factorMillis: 1_000 }
const walls: [Wall, ...Wall[]] = [PLAIN_WALL, GVISOR, BROKEN]

describe('walls', { skip: problem ?? false }, () => {
  const stack = new AsyncDisposableStack()
  let docker: Docker
  let market: TestMarket
  let seller: Seller

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-gvisor-'))
    stack.defer(async () => await rm(folder, { recursive: true, force: true }))
    // Two engines in one network namespace tear at each other's bridges.
    const handle = await startGvisorEngine({
      ...{ folder, within: ['unshare', '--net'], flags: ['--add-runtime', 'broken=/bin/false'] },
    })
    stack.defer(async () => await handle.stop())
    docker = new Docker({ socketPath: handle.socketPath })
    await ensureBusyboxImage(docker)
    market = await openMarket()
    stack.defer(async () => await market.close())
    seller = await market.addSeller({ name: 'strong', docker, walls })
  })
  after(async () => await stack.disposeAsync())

  const lines = async (id: string): Promise<string> =>
    (await market.node.store.logs(id, 1, 1_000)).map(({ line }) => line).join('\n')

  it('a runtime is tried with a container of which nothing stays; one that starts nothing is told', async () => {
    const engine = createDockerEngine({ docker }, { owner: 'prover', walls })
    await engine.features()
    await engine.prove('container')
    await engine.prove('gvisor')
    await assert.rejects(engine.prove('vm'), { code: 'ENGINE_ERROR', message: /false/ })
    assert.deepEqual(await engine.list('prover'), [])
    for (const isolation of ['gvisor', 'vm'] as const) {
      const plain = createDockerEngine({ docker }, { owner: 'prover', walls: [{ isolation, runtime: 'runc' }] })
      await plain.features()
      await assert.rejects(plain.prove(isolation), { code: 'ENGINE_ERROR', message: /^runc runs on the machine's own/ })
    }
    const other = createDockerEngine({ docker }, { owner: 'prover', walls: [{ ...GVISOR, runtime: 'nowhere' }] })
    const missing = { code: 'ENGINE_ERROR', message: /^the engine has no runtime nowhere: it has .*runsc/ }
    await assert.rejects(other.prove('gvisor'), missing)
    assert.deepEqual(await engine.list('prover'), [])
  })

  it('who looks into a job sees its processes, and none of this machine’s where a kernel of its own has them', async () => {
    const look = async (runtime: string): Promise<string[]> => {
      const name = `looked-into-${runtime}`
      const host = { Runtime: runtime, NetworkMode: 'none' } as object
      // Numbers as many of this machine's processes have.
      const script = 'i=0; while [ $i -lt 50 ]; do sleep 60 & i=$((i+1)); done; wait'
      const container = await docker.createContainer({
        ...{ name, Image: market.image, Cmd: ['sh', '-c', script], HostConfig: host },
      })
      try {
        await container.start()
        const { processes } = await createContainerAccess(docker).inspect(name)
        return processes.map(({ command }) => command)
      } finally {
        await container.remove({ force: true })
      }
    }
    const plain = await look('runc')
    assert.ok(plain.length > 0 && plain.every((command) => command.includes('sleep 60')), plain.join('\n'))
    assert.deepEqual(await look(RUNSC), [])
  })

  it('the agent announces those that work, at their factors, and tells its owner of the other', async () => {
    const { isolations, capabilities } = (await market.node.directory.get(seller.id)) ?? {}
    assert.deepEqual(isolations, [
      { isolation: 'container', factorMillis: 1_000 },
      { isolation: 'gvisor', factorMillis: 1_500 },
    ])
    assert.ok(capabilities?.includes('isolation'))
    const problems = seller.agent.status().isolations.map(({ isolation, problem }) => [isolation, problem === null])
    assert.deepEqual(problems, [
      ['container', true],
      ['gvisor', true],
      ['vm', false],
    ])
    assert.equal(seller.agent.status().paused, null)
  })

  it('a job that asks for gVisor has a kernel of its own, with its network, its limits and its log, and pays its factor', async () => {
    const script = 'dmesg | head -1; cat /proc/version; ls /sys/class/net; exit 3'
    const [gvisor, plain] = await Promise.all([
      market.run(script, { isolation: 'gvisor', network: 'bridge', memory: '64Mi' }),
      market.run(script, { network: 'bridge', memory: '64Mi' }),
    ])
    const [inGvisor, inPlain] = [await lines(gvisor.id), await lines(plain.id)]
    const { stdout: release } = await promisify(execFile)('uname', ['-r'])
    assert.match(inGvisor, /Starting gVisor/)
    assert.ok(!inGvisor.includes(release.trim()), inGvisor)
    assert.ok(inPlain.includes(release.trim()), inPlain)
    assert.match(inGvisor, /eth0/)
    for (const { state } of [gvisor, plain]) {
      assert.equal(state.status, 'failed')
      assert.equal(state.status === 'failed' && state.failure.code, 'NON_ZERO_EXIT')
    }
    const bids = await Promise.all([gvisor, plain].map(async ({ id }) => (await market.node.store.bids(id))[0]))
    assert.deepEqual(
      bids.map((bid) => bid?.isolation),
      ['gvisor', 'container'],
    )
    assert.equal(Number(bids[0]?.pricePerHour), 1.5 * Number(bids[1]?.pricePerHour))
  })

  it('memory and time end it as they end any', async () => {
    const [greedy, slow] = await Promise.all([
      market.run('tail /dev/zero', { isolation: 'gvisor', memory: '64Mi' }),
      market.run('while :; do sleep 0.1; done', { isolation: 'gvisor', memory: '64Mi', duration: 2 }),
    ])
    const codes = [greedy, slow].map(({ state }) => (state.status === 'failed' ? state.failure.code : state.status))
    assert.deepEqual(codes, ['RESOURCE_LIMIT_EXCEEDED', 'DURATION_EXCEEDED'])
    await until(async () => (await market.left()).length === 0)
  })

  it('what nobody offers is told to its owner, with what there is', async () => {
    const submitted = await market.submit({ ...market.job('true'), isolation: 'vm', queueTimeout: 3 })
    const { state } = await market.ended(submitted.id)
    assert.ok(state.status === 'failed')
    assert.equal(state.failure.details['reason'], 'no-isolation')
    assert.match(state.failure.message, /the nearest is strong, which offers container, gvisor/)
  })
})
