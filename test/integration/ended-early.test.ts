/** Agents that are ended before they are up, with a real engine: what they made until then goes with them, or ends by itself. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import Docker from 'dockerode'
import { loadIdentity } from '../../node/identity.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { removeContainer } from '../../provider-agent/engine/removal.ts'
import { ensureSandboxImage, PROVE } from '../../provider-agent/sandbox/image.ts'
import { PROVED_CODE, programsFor } from '../../provider-agent/sandbox/program.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { type ManagedProcess, startProgram } from '../../scripts/local-network.ts'
import { closeAll } from '../support/close-all.ts'
import { until } from '../support/until.ts'

// They wait, the last for a minute.
describe('an agent that is ended while it starts', { concurrency: true }, () => {
  let handle: EngineHandle
  let docker: Docker
  let folder: string
  const started: ManagedProcess[] = []

  before(async () => {
    handle = await ensureEngine()
    docker = new Docker({ socketPath: handle.socketPath })
    folder = await mkdtemp(join(tmpdir(), 'cortex-ended-early-'))
  })
  after(async () => {
    await closeAll(
      ...started.map((each) => async () => await each.end('SIGKILL')),
      async () => await rm(folder, { recursive: true, force: true }),
      async () => await handle?.stop(),
    )
  })

  /** Names of containers and networks. */
  async function madeBy(owner: string): Promise<string[]> {
    const found = ['org.cortex-node.owner', 'org.cortex-node.sandbox'].map(async (label) => {
      const filters = { label: [`${label}=${owner}`] }
      const containers = await docker.listContainers({ all: true, filters })
      const networks = await docker.listNetworks({ filters })
      return [...containers.map(({ Names: [name = ''] }) => name), ...networks.map(({ Name }) => Name)]
    })
    return (await Promise.all(found)).flat()
  }

  const stages = [
    ['it has made something', /./, 'SIGTERM'],
    ['a runtime is being proved', /^\/cortex-proof-/, 'SIGINT'],
    ['its first sandbox is there', /^\/cortex-sandbox-/, 'SIGTERM'],
  ] as const
  for (const [i, [when, name, signal]] of stages.entries()) {
    it(`by ${signal} when ${when} leaves nothing`, async () => {
      const data = join(folder, `${i}`)
      const owner = peerIdFromPrivateKey(await loadIdentity(join(data, 'agent'))).toString()
      const alone = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', '/ip4/127.0.0.1/tcp/9']
      const machine = ['--docker-host', `unix://${handle.socketPath}`, '--no-benchmark', '--cpu', '1000']
      const args = ['agent', '--data', data, '--network', 'ended-early', ...alone, ...machine, '--memory', '256Mi']
      const agent = startProgram('agent', join(folder, `${i}.log`), args)
      started.push(agent)
      await until(async () => (await madeBy(owner)).some((made) => name.test(made)) || !agent.running)
      assert.ok(await agent.end(signal), agent.output())
      assert.equal(await agent.ended(), 0, agent.output())
      assert.match(agent.output(), new RegExp(`${signal}: (ended before it was up|stopping)`))
      assert.deepEqual(await madeBy(owner), [])
    })
  }

  it('by SIGKILL leaves a proof that ends by itself, as one that proved nothing', async (t) => {
    const programs = programsFor((await createDockerEngine({ docker }).info()).architecture)
    if (programs === null) return t.skip('there is no program for this processor')
    const image = await ensureSandboxImage(docker, programs, {})
    const name = `cortex-ended-early-${process.pid}`
    const HostConfig = { NetworkMode: 'none' }
    const container = await docker.createContainer({ name, Image: image, Entrypoint: [PROVE], HostConfig })
    try {
      await container.start()
      const { StatusCode: code } = await container.wait()
      assert.notEqual(code, PROVED_CODE)
    } finally {
      await removeContainer(container, {})
    }
  })
})
