/** Jobs in networks that were made ahead, on a real engine: as a job with a network of its own would have it. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type Docker from 'dockerode'
import { systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import { createContainerAccess } from '../../provider-agent/engine/access.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { createNetwork } from '../../provider-agent/networks/network.ts'
import { lentTo, type Sandbox, sandboxOf } from '../../provider-agent/networks/network-mode.ts'
import { makeHolder, sweepHolders } from '../../provider-agent/sandbox/holder.ts'
import { ensureSandboxImage } from '../../provider-agent/sandbox/image.ts'
import { programsFor } from '../../provider-agent/sandbox/program.ts'
import { createSandboxes, type Sandboxes } from '../../provider-agent/sandbox/sandboxes.ts'
import { until } from '../support/until.ts'
import { loop, openTestBed, type TestBed } from './executor/bed.ts'

const NAME_SERVER = '192.0.2.53'
const BRIDGE = { network: 'bridge' } as const

describe('sandboxes', () => {
  const stack = new AsyncDisposableStack()
  let docker: Docker
  let bed: TestBed

  before(async () => {
    bed = await openTestBed(stack)
    ;({ docker } = bed)
  })
  after(async () => await stack.disposeAsync())

  let owners = 0
  const filters = (owner: string) => ({ label: [`org.cortex-node.sandbox=${owner}`] })
  const left = async (owner: string): Promise<string[]> => [
    ...(await docker.listContainers({ all: true, filters: filters(owner) })).map(({ Names }) => Names.join()),
    ...(await docker.listNetworks({ filters: filters(owner) })).map(({ Name }) => Name),
  ]

  /** An agent's engine whose sandboxes are ready. */
  async function open(least: number, owner = `${bed.owner}-${++owners}`) {
    const sandboxes = createSandboxes({ docker, clock: systemClock, logger: silentLogger }, { owner, least })
    stack.defer(async () => await sandboxes.close())
    const engine = createDockerEngine({ docker, sandboxes }, { owner, nameServers: [NAME_SERVER] })
    await engine.features()
    await until(() => sandboxes.ready() === least)
    return { engine, sandboxes, owner }
  }

  /** One that finds no sandbox ready, however many are. */
  const withoutReady = (sandboxes: Sandboxes) =>
    createDockerEngine({ docker, sandboxes: { ...sandboxes, take: () => null } })

  const sandbox = async (name: string): Promise<Sandbox | null> => {
    const { HostConfig: config, Config } = await docker.getContainer(name).inspect()
    return sandboxOf(config.NetworkMode, Config.Labels)
  }

  it('a job has its own name, hosts, name servers and address, is reached there, and takes all with it', async () => {
    const { engine, sandboxes } = await open(1)
    const script = `echo "$(hostname) $(hostname -i)"; ls /sys/class/net; nc -ll -p 80 -e echo hello & until netstat -ltn | grep -q ':80 '; do sleep 0.1; done; ${loop}`
    const name = await bed.run(script, BRIDGE, engine)
    const own = await sandbox(name)
    assert.ok(own)
    await bed.untilReady(name)
    const lines: string[] = []
    for await (const batch of engine.logs(name, 1)) {
      lines.push(...batch.map(({ line }) => line))
      if (lines.includes('ready')) break
    }
    const access = createContainerAccess(docker)
    const place = await access.locate(name, 80, 'TCP')
    assert.ok(place)
    const details = await docker.getContainer(name).inspect()
    assert.deepEqual(lines, [`${details.Config.Hostname} ${place.host}`, 'eth0', 'lo', 'ready'])
    const socket = connect(place)
    assert.equal(await text(socket), 'hello\n')
    const look = await access.inspect(name)
    assert.deepEqual(
      look.networks.map(({ address }) => address),
      [place.host],
    )
    assert.ok(look.usage.rxBytes > 0, 'its traffic is counted')
    const keeper = await docker.getContainer(own.id).inspect()
    assert.deepEqual(keeper.HostConfig.Dns, [NAME_SERVER])
    assert.equal(keeper.HostConfig.Memory, 16 * 2 ** 20)
    await engine.remove(name)
    await assert.rejects(docker.getContainer(own.id).inspect(), { statusCode: 404 })
    await assert.rejects(docker.getNetwork(own.name).inspect(), { statusCode: 404 })
    await sandboxes.close()
  })

  it('each is given away once; who comes too late is lent a network, and without network none is used', async () => {
    const { engine, sandboxes, owner } = await open(2)
    const without = await bed.run(loop, {}, engine)
    assert.equal(sandboxes.ready(), 2)
    const names = await Promise.all([1, 2, 3].map(async () => await bed.run(loop, BRIDGE, engine)))
    const used = (await Promise.all(names.map(sandbox))).map((one) => one?.id ?? null)
    assert.equal(new Set(used).size, 3, 'two of them, and none')
    assert.equal(used.filter((id) => id === null).length, 1)
    const late = names[used.indexOf(null)] ?? ''
    const { HostConfig: config } = await docker.getContainer(late).inspect()
    assert.ok(lentTo(config.NetworkMode))
    assert.deepEqual(config.Dns, [NAME_SERVER])
    assert.equal(await sandbox(without), null)
    await until(() => sandboxes.ready() === 3) // As many as came at once.
    assert.ok(used.every((id) => id === null || id !== sandboxes.take(null)?.id))
    await Promise.all([...names, without].map(async (name) => await engine.remove(name)))
    await sandboxes.close()
    assert.deepEqual(await left(owner), [], 'entry 53: those that were taken and used by nobody go with the end, too')
  })

  it('creating twice finds the first, and leaves nothing else', async () => {
    const { engine, sandboxes, owner } = await open(2)
    const spec = bed.specOf(loop, BRIDGE)
    await engine.create(spec)
    const first = await sandbox(spec.name)
    await engine.create(spec)
    assert.deepEqual(await sandbox(spec.name), first)
    await engine.start(spec.name)
    await engine.remove(spec.name)
    await engine.remove(spec.name)
    await sandboxes.close()
    assert.deepEqual(await left(owner), [])
    assert.deepEqual(await docker.listNetworks({ filters: { name: [spec.name] } }), [])
  })

  it('one that dies while it is ready is replaced; one that dies under a job ends the job', async () => {
    const { engine, sandboxes } = await open(1)
    const [ready] = await left(`${bed.owner}-${owners}`)
    await docker.getContainer(ready?.slice(1) ?? '').kill()
    await until(() => sandboxes.ready() === 0)
    await until(() => sandboxes.ready() === 1)
    const name = await bed.run(loop, BRIDGE, engine)
    const own = await sandbox(name)
    assert.ok(own)
    const waiting = assert.rejects(engine.wait(name), { code: 'ENGINE_ERROR', details: { reason: 'network-lost' } })
    await docker.getContainer(own.id).kill()
    await waiting
    assert.equal((await docker.getContainer(name).inspect()).State.Running, false)
    await engine.remove(name)
    assert.deepEqual(await docker.listNetworks({ filters: { name: [own.name] } }), [])
  })

  it('after a crash a job keeps its own until it is removed, and what nobody uses goes', async () => {
    const owner = `${bed.owner}-crashed`
    const programs = programsFor((await bed.engine.info()).architecture)
    assert.ok(programs)
    const image = await ensureSandboxImage(docker, programs, {})
    const make = async () => await makeHolder(docker, { owner, run: 'before', image, nameServers: [] }, {})
    const [used, stray] = await Promise.all([make(), make()])
    const before = createDockerEngine({
      docker,
      sandboxes: { open: () => undefined, take: () => used, networks: () => null },
    })
    const name = await bed.run(loop, { ...BRIDGE, owner }, before)
    const lone = `cortex-sandbox-lone-${process.pid}`
    await createNetwork(docker, { name: lone, owner, labels: { 'org.cortex-node.sandbox': owner } }, {})
    assert.deepEqual(
      (await bed.engine.list(owner)).map(({ name }) => name),
      [name],
      'sandboxes are no jobs',
    )

    const { engine, sandboxes } = await open(1, owner)
    const now = await left(owner)
    for (const gone of [stray.name, lone]) assert.ok(!now.some((one) => one.includes(gone)), gone)
    assert.ok((await docker.getContainer(used.id).inspect()).State.Running)
    const place = await createContainerAccess(docker).locate(name, 80, 'TCP')
    assert.ok(place, 'the job still has its address')
    await engine.remove(name)
    await sandboxes.close()
    assert.deepEqual(await left(owner), [])
  })

  it('a lent network is one job’s after the other, there again after somebody removed it, and goes at the end', async () => {
    const { sandboxes, owner } = await open(1)
    const engine = withoutReady(sandboxes)
    const networkOf = async (name: string) => (await docker.getContainer(name).inspect()).HostConfig.NetworkMode
    const names = [await bed.run(loop, BRIDGE, engine), await bed.run(loop, BRIDGE, engine)]
    const [first, second] = await Promise.all(names.map(networkOf))
    assert.notEqual(first, second, 'two jobs are never on one')
    assert.deepEqual(await docker.listNetworks({ filters: { name: names } }), [], 'none of their own')
    const place = await createContainerAccess(docker).locate(names[0] ?? '', 80, 'TCP')
    assert.ok(place, 'a job is reached on it')
    await engine.remove(names[0] ?? '')
    const third = await bed.run(loop, BRIDGE, engine)
    assert.equal(await networkOf(third), first)
    await engine.remove(third)
    await docker.getNetwork(first ?? '').remove()
    const fourth = await bed.run(loop, BRIDGE, engine)
    assert.equal(await networkOf(fourth), first)
    // A creation that its job did not wait for, and that the engine finished after the network was given back.
    const late = bed.specOf(loop, BRIDGE)
    const HostConfig = { NetworkMode: first ?? '' }
    await docker.createContainer({ name: late.name, Image: late.image, HostConfig })
    await engine.remove(late.name)
    assert.ok((await docker.getNetwork(first ?? '').inspect()).Containers, 'it is another job’s by now')
    await engine.remove(fourth)
    await sandboxes.close()
    assert.deepEqual(await left(owner), [second], 'only what a job is on')
    await engine.remove(names[1] ?? '')
    assert.deepEqual(await left(owner), [])
  })

  it('after a crash what was lent goes with its job, and what was not is removed', async () => {
    const owner = `${bed.owner}-lent`
    const crashed = await open(1, owner)
    const before = withoutReady(crashed.sandboxes)
    const name = await bed.run(loop, { ...BRIDGE, owner }, before)
    const gone = await bed.run(loop, { ...BRIDGE, owner }, before)
    const { NetworkMode: stray } = (await docker.getContainer(gone).inspect()).HostConfig
    await docker.getContainer(gone).remove({ force: true })
    const { engine, sandboxes } = await open(1, owner)
    const { NetworkMode: mode } = (await docker.getContainer(name).inspect()).HostConfig
    const now = await left(owner)
    assert.ok(mode !== undefined && now.includes(mode))
    assert.ok(stray !== undefined && !now.includes(stray))
    assert.ok((await docker.getContainer(name).inspect()).State.Running)
    await engine.remove(name)
    assert.ok(!(await left(owner)).includes(mode))
    await sandboxes.close()
    await crashed.sandboxes.close()
    await sweepHolders(docker, owner, [], {})
  })

  it('none are kept where it was tried in vain, and none of another architecture', async () => {
    for (const [what, setting] of [
      ['a runtime that is not there', { architecture: 'amd64', nameServers: [], runtimes: ['nowhere'] }],
      ['no program', { architecture: 'riscv64', nameServers: [], runtimes: [null] }],
    ] as const) {
      const owner = `${bed.owner}-${what.length}`
      const said: string[] = []
      const logger = { ...silentLogger, info: (_: object, text: string) => void said.push(text) }
      const sandboxes = createSandboxes({ docker, clock: systemClock, logger: logger as never }, { owner, least: 1 })
      sandboxes.open({ ...setting, nameServers: [] })
      await until(() => said.some((text) => text.startsWith('no sandboxes are kept ready')))
      assert.equal(sandboxes.take(setting.runtimes[0]), null, what)
      await sandboxes.close()
      assert.deepEqual(await left(owner), [], what)
    }
  })
})
