/** A Swarm of one node, on an engine of its own in a network namespace of its own. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import Docker from 'dockerode'
import { createSwarmEngine, isSwarmManager } from '../../provider-agent/engine/swarm.ts'
import { findProgram } from '../../scripts/apt.ts'
import { startDockerd } from '../../scripts/dockerd.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'
import { collect, createTestBed, loop, MiB, type TestBed } from './executor/bed.ts'
import { capabilityMask } from './executor/capabilities.ts'

const silent = (): void => undefined
const isPossible = process.getuid?.() === 0 && (await findProgram('dockerd')) !== null

/** Nothing leaves the namespace: Swarm talks to itself on loopback, and images are there already. */
async function openSwarm() {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-swarm-'))
  const socketPath = join(folder, 'docker.sock')
  const docker = new Docker({ socketPath })
  const script = 'ip link set lo up; export DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1; exec dockerd "$@"'
  const dockerd = await startDockerd({
    dataRoot: join(folder, 'data'),
    runDir: folder,
    socketPath,
    command: ['unshare', '--net', 'sh', '-c', script, 'dockerd'],
    answers: async () =>
      await docker.ping().then(
        () => true,
        () => false,
      ),
    report: silent,
  })
  const wasManager = await isSwarmManager(docker)
  await docker.swarmInit({ ListenAddr: '127.0.0.1:2377', AdvertiseAddr: '127.0.0.1' })
  const image = await ensureBusyboxImage(docker, silent)
  return {
    ...{ docker, image, wasManager },
    async stop() {
      await docker.swarmLeave({ force: true })
      await dockerd.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

describe('container engine: Swarm', { concurrency: 4 }, () => {
  let swarm: Awaited<ReturnType<typeof openSwarm>>
  let bed: TestBed

  before(async () => {
    if (!isPossible) return
    swarm = await openSwarm()
    const { docker, image } = swarm
    const whole = createTestBed({ docker, image, makeEngine: (init) => createSwarmEngine({ docker }, init) })
    // Small enough for all of them to have room at once: Swarm lets the others wait.
    const specOf: TestBed['specOf'] = (script, extra) => whole.specOf(script, { cpuMillis: 150, ...extra })
    const run: TestBed['run'] = async (script, extra, on = whole.engine) => {
      const spec = specOf(script, extra)
      await on.create(spec)
      await on.start(spec.name)
      return spec.name
    }
    bed = { ...whole, specOf, run }
  })
  after(async () => {
    if (!isPossible) return
    await closeAll(
      async () => await bed.clear(),
      async () => await swarm.stop(),
    )
  })

  const test = (name: string, run: () => Promise<void>): void => {
    it(name, async (t) => {
      if (isPossible) await run()
      else t.skip('needs root and dockerd, for an engine of its own')
    })
  }

  test('is known as a manager, and offers what its nodes have', async () => {
    assert.equal(swarm.wasManager, false)
    assert.equal(await isSwarmManager(swarm.docker), true)
    const { NCPU, MemTotal } = await swarm.docker.info()
    const { cpuMillis, memoryBytes } = await bed.engine.info()
    assert.deepEqual([cpuMillis, memoryBytes], [NCPU * 1_000, MemTotal])
  })

  test('runs a program to its end, once, with its environment, arguments and output', async () => {
    const spec = bed.specOf('', { env: { NAME: 'a b' }, args: ['sh', '-c', 'echo "$NAME"; echo two >&2; exit 3'] })
    await bed.engine.create(spec)
    await bed.engine.create(spec)
    const notStarted = { code: 'ENGINE_ERROR', details: { reason: 'not-started' } }
    await assert.rejects(bed.engine.wait(spec.name), notStarted)
    const first = await bed.engine.start(spec.name)
    const exit = await bed.engine.wait(spec.name)
    assert.deepEqual([exit.exitCode, exit.oomKilled, exit.startedAtMs], [3, false, first.startedAtMs])
    assert.deepEqual(await bed.engine.start(spec.name), first, 'started again')
    assert.deepEqual(await bed.engine.wait(spec.name), exit)
    const lines = await bed.readAll(spec.name)
    assert.deepEqual(lines.map(({ stream, line }) => `${stream} ${line}`).toSorted(), ['stderr two', 'stdout a b'])
    assert.deepEqual(await bed.readAll(spec.name), lines, 'replayed')
    await assert.rejects(bed.engine.create({ ...spec, owner: 'somebody-else' }), { details: { reason: 'name-taken' } })
  })

  test('follows output to its last line, from any line on', async () => {
    const name = await bed.run('for i in $(seq 200); do echo $i; sleep 0.005; done')
    const lines = await bed.readAll(name)
    assert.deepEqual(
      lines.map(({ line }) => line),
      Array.from({ length: 200 }, (_, i) => String(i + 1)),
    )
    assert.deepEqual(await bed.readAll(name, 150), lines.slice(149))
  })

  test('stops gracefully, and then not', async () => {
    const polite = await bed.run(`trap 'echo bye; exit 5' TERM; ${loop}`)
    const deaf = await bed.run(`trap '' TERM; ${loop}`)
    await Promise.all([bed.untilReady(polite), bed.untilReady(deaf)])
    await Promise.all([bed.engine.stop(polite, { graceMs: 60_000 }), bed.engine.stop(deaf, { graceMs: 100 })])
    assert.equal((await bed.engine.wait(polite)).exitCode, 5)
    assert.equal((await bed.engine.wait(deaf)).exitCode, 137)
    assert.equal((await bed.readAll(polite)).at(-1)?.line, 'bye')
  })

  test('entry 43: holds a job to its limits, and gives it the capabilities that Docker’s own have', async () => {
    const greedy = await bed.run('tail /dev/zero', { memoryBytes: 16 * MiB })
    const many = await bed.run(`grep -E '^CapEff:' /proc/self/status; cat /sys/fs/cgroup/pids/pids.max; ulimit -n`)
    const { exitCode, oomKilled } = await bed.engine.wait(greedy)
    assert.deepEqual([exitCode, oomKilled], [137, true])
    const [capabilities, pids, files] = (await bed.readAll(many)).map(({ line }) => line)
    assert.equal(Number.parseInt(capabilities?.split('\t')[1] ?? '', 16), capabilityMask('ordinary'))
    const least = await bed.run("grep -E '^CapEff:' /proc/self/status", {}, bed.makeEngine({ privileges: 'least' }))
    const [few] = (await bed.readAll(least)).map(({ line }) => line)
    assert.equal(Number.parseInt(few?.split('\t')[1] ?? '', 16), capabilityMask('least'))
    assert.deepEqual([pids, files], ['512', '16384'])
    const tooLarge = bed.engine.create(bed.specOf('', { cpuMillis: 1_000_000 }))
    await assert.rejects(tooLarge, { code: 'RESOURCE_LIMIT_EXCEEDED' })
  })

  test('says of a command that it cannot be executed', async () => {
    const own = bed.makeEngine({ useInit: false })
    const spec = bed.specOf('', { args: ['/no/such/program'] })
    await own.create(spec)
    const failed = own.start(spec.name).then(async () => await own.wait(spec.name))
    await assert.rejects(failed, { code: 'INVALID_COMMAND', details: { reason: 'command-not-found' } })
  })

  test('measures use, lists what is its own, and removes all of it', async () => {
    const mine = `${bed.owner}-mine`
    const busy = await bed.run('while :; do :; done', { owner: mine, cpuMillis: 300, network: 'bridge' })
    const idle = bed.specOf('', { owner: mine })
    await bed.engine.create(idle)
    const [sample] = await collect(first(bed.engine.stats(busy, 1_000)))
    assert.ok(sample && sample.cpuMillis > 20 && sample.cpuMillis < 600, `${sample?.cpuMillis} millicores`)
    const { others } = await bed.engine.survey('somebody-else')
    assert.ok(others.cpuMillis >= 300)
    const states = (await bed.engine.list(mine)).map(({ name, state }) => [name, state])
    assert.deepEqual(
      states.toSorted(),
      [
        [busy, 'running'],
        [idle.name, 'created'],
      ].toSorted(),
    )
    await Promise.all([bed.engine.remove(busy), bed.engine.remove(idle.name)])
    await bed.engine.remove(busy)
    assert.deepEqual(await bed.engine.list(mine), [])
  })
})

async function* first<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    yield item
    return
  }
}
