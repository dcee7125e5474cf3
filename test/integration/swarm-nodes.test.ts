/** A Swarm of two nodes, each an engine in a network namespace of its own: what is different where a job is on the other. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { createSwarmEngine } from '../../provider-agent/engine/swarm.ts'
import { findProgram } from '../../scripts/apt.ts'
import { startDockerd } from '../../scripts/dockerd.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { createNamespaces, namespaceProblem } from '../faults/support/namespaces.ts'
import { closeAll } from '../support/close-all.ts'
import { unmountUnder } from '../support/unmount.ts'
import { until } from '../support/until.ts'
import { createTestBed, loop, type TestBed } from './executor/bed.ts'

const silent = (): void => undefined
const problem =
  (await namespaceProblem()) ??
  ((await findProgram('dockerd')) === null ? 'needs dockerd, for engines of its own' : null)
const NAMES = ['manager', 'worker'] as const

interface Node {
  docker: Docker
  host: string
}

interface SwarmTask {
  ServiceID: string
  NodeID: string
}

describe('a Swarm of two nodes', { skip: problem ?? false }, () => {
  const stack = new AsyncDisposableStack()
  let manager: Node
  let bed: TestBed
  let cutOff: (isCut: boolean) => Promise<void>

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-swarm-'))
    stack.defer(async () => await rm(folder, { recursive: true, force: true }))
    const spaces = await createNamespaces([...NAMES])
    stack.use(spaces)
    cutOff = async (isCut) => await spaces.link('worker', !isCut)

    const stops: (() => Promise<void>)[] = []
    stack.defer(async () => void (await Promise.all(stops.map((stop) => stop()))))
    async function start(name: string): Promise<Node> {
      const { host, command } = spaces.agent(name)
      const runDir = join(folder, name)
      await mkdir(runDir)
      const socketPath = join(runDir, 'docker.sock')
      const docker = new Docker({ socketPath })
      const within = ['nsenter', `--net=/run/netns/${command.at(-1)}`]
      const dockerd = await startDockerd({
        ...{ dataRoot: join(runDir, 'data'), runDir, socketPath, report: silent },
        command: ['env', 'DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1', ...within, 'dockerd'],
        answers: async () => await docker.ping().then(Boolean, () => false),
      })
      stops.push(async () => {
        await docker.swarmLeave({ force: true }).catch(silent) // it may not have joined
        await dockerd.stop()
        await unmountUnder(runDir)
      })
      await ensureBusyboxImage(docker, silent)
      return { docker, host }
    }
    const [first, second] = await Promise.all([start('manager'), start('worker')])
    manager = first
    const listen = ({ host }: Node) => ({ ListenAddr: `${host}:2377`, AdvertiseAddr: host })
    // A node that says nothing for three seconds is down.
    await first.docker.swarmInit({ ...listen(first), Spec: { Dispatcher: { HeartbeatPeriod: 1e9 } } })
    const { JoinTokens: tokens } = await first.docker.swarmInspect()
    await second.docker.swarmJoin({
      ...listen(second),
      RemoteAddrs: [`${first.host}:2377`],
      JoinToken: tokens.Worker,
    })
    await until(async () => {
      const nodes = await first.docker.listNodes()
      return nodes.length === 2 && nodes.every(({ Status }) => (Status as { State: string }).State === 'ready')
    })
    const makeEngine: TestBed['makeEngine'] = (init) =>
      createSwarmEngine({ docker: first.docker }, { lostNodeMs: 1_000, ...init })
    bed = createTestBed({ docker: first.docker, image: 'cortex/busybox:1', makeEngine })
  })
  after(async () => {
    await closeAll(
      async () => await cutOff?.(false),
      async () => await bed?.clear(),
      async () => await stack.disposeAsync(),
    )
  })

  /** Which node a job is on. */
  async function nodeOf(name: string): Promise<(typeof NAMES)[number]> {
    const [task] = (await manager.docker.listTasks({ filters: { service: [name] } })) as SwarmTask[]
    const node = await manager.docker.getNode(task?.NodeID ?? '').inspect()
    return node.Spec.Role
  }

  /** Two jobs that no node has room for together, by the node that each is on. */
  async function onBoth(script: string): Promise<Map<string, string>> {
    const { NCPU } = await manager.docker.info()
    const cpuMillis = Math.floor(NCPU * 600)
    const names = await Promise.all([1, 2].map(async () => await bed.run(script, { cpuMillis })))
    return new Map(await Promise.all(names.map(async (name) => [await nodeOf(name), name] as const)))
  }

  it('is offered whole, and both nodes run jobs, which can be followed and stopped', async () => {
    const { NCPU } = await manager.docker.info()
    assert.equal((await bed.engine.info()).cpuMillis, 2 * NCPU * 1_000)
    const jobs = await onBoth(`trap 'echo bye; exit 5' TERM; ${loop}`)
    assert.deepEqual([...jobs.keys()].toSorted(), [...NAMES].toSorted())
    await Promise.all([...jobs.values()].map(bed.untilReady))
    await Promise.all([...jobs.values()].map((name) => bed.engine.stop(name, { graceMs: 10_000 })))
    for (const [node, name] of jobs) {
      const { exitCode } = await bed.engine.wait(name)
      const lines = (await bed.readAll(name)).map(({ line }) => line)
      // A task that ends on another node because its service is told to, may be forgotten by Swarm with its end, or its log.
      const isForgotten = node === 'worker' && (exitCode === 137 || (exitCode === 5 && lines.length === 0))
      if (!isForgotten) assert.deepEqual([exitCode, lines], [5, ['ready', 'bye']], node)
      await bed.engine.remove(name)
    }
    assert.deepEqual(await bed.engine.list(bed.owner), [])
  })

  it('says of a job whose node is lost that nobody knows of it, and lets go of it; the other runs on', async () => {
    const jobs = await onBoth(loop)
    const [kept, lost] = NAMES.map((node) => jobs.get(node) ?? '') as [string, string]
    const waiting = assert.rejects(bed.engine.wait(lost), { code: 'ENGINE_ERROR', details: { reason: 'node-lost' } })
    await cutOff(true)
    await waiting
    await bed.engine.remove(lost)
    assert.deepEqual(
      (await bed.engine.list(bed.owner)).map(({ name, state }) => [name, state]),
      [[kept, 'running']],
    )
    await bed.engine.stop(kept, { graceMs: 0 })
    assert.equal((await bed.engine.wait(kept)).exitCode, 137)
    const { NCPU } = await manager.docker.info()
    assert.equal((await bed.engine.info()).cpuMillis, NCPU * 1_000, 'what is lost is not offered')
  })
})
