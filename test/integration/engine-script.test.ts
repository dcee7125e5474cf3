import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import Docker from 'dockerode'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { findProgram } from '../../scripts/apt.ts'
import { type EngineHandle, type EnsureEngineInit, ensureEngine } from '../../scripts/engine.ts'
import { busyboxImage, ensureBusyboxImage } from '../../scripts/image.ts'
import { unmountUnder } from '../support/unmount.ts'

const ready = process.getuid?.() === 0 && (await findProgram('dockerd')) !== null
const skip = ready ? false : 'needs root and dockerd, to start an engine of its own'

/** Another process that uses the engine until its input ends. */
interface User {
  process: ChildProcess
  startedByUs: boolean
}

/** Engines beside the one that other tests use: with folders and a network namespace of their own. */
describe('bringing up an engine', { skip }, () => {
  let folder: string
  let init: EnsureEngineInit
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-engine-'))
    init = {
      dataRoot: join(folder, 'data'),
      runDir: join(folder, 'run'),
      candidates: [],
      command: [
        ...(['unshare', '--net', 'dockerd'] as const),
        ...['--init-path', '/nonexistent/init', '--default-address-pool', 'base=10.213.0.0/27,size=28'],
      ],
      report: () => {},
    }
  })
  after(async () => {
    // A dockerd that was killed leaves a mount.
    await unmountUnder(folder)
    await rm(folder, { recursive: true, force: true })
  })

  /** Runs {@link ensureEngine} in a process of its own. */
  async function startUser(): Promise<User> {
    const script = new URL('../support/engine-user.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [script, JSON.stringify({ ...init, report: undefined })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return { process: child, startedByUs: JSON.parse(line).startedByUs }
  }

  async function end({ process: child }: User): Promise<void> {
    const exited = once(child, 'exit')
    child.stdin?.end()
    await exited
  }

  const answers = async (): Promise<boolean> => {
    const docker = new Docker({ socketPath: join(folder, 'run', 'docker.sock') })
    return docker.ping().then(
      () => true,
      () => false,
    )
  }

  test('of several processes at once one starts it, and it ends with that one when the others have gone', async () => {
    const users = await Promise.all([startUser(), startUser(), startUser()])
    assert.equal(users.filter(({ startedByUs }) => startedByUs).length, 1)
    assert.ok(await answers())
    for (const user of users.filter(({ startedByUs }) => !startedByUs)) await end(user)
    assert.ok(await answers(), 'one that did not start it has left')
    for (const user of users.filter(({ startedByUs }) => startedByUs)) await end(user)
    assert.equal(await answers(), false)
  })

  test('it stays while somebody else uses it', async () => {
    const starter = await startUser()
    const other = await startUser()
    assert.deepEqual([starter.startedByUs, other.startedByUs], [true, false])
    await end(starter)
    assert.ok(await answers())
    await end(other)
    assert.ok(await answers(), 'nobody ends what somebody else started')
    const pid = Number(await readFile(join(folder, 'run', 'dockerd.pid'), 'utf8'))
    process.kill(pid, 'SIGTERM')
    while (await answers()) await new Promise((resolve) => setImmediate(resolve))
  })

  test('it starts again at once after it was killed', async () => {
    const killed = await startUser()
    const pid = Number(await readFile(join(folder, 'run', 'dockerd.pid'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    while (await answers()) await new Promise((resolve) => setImmediate(resolve))
    const next = await startUser()
    assert.deepEqual([killed.startedByUs, next.startedByUs], [true, true])
    assert.ok(await answers())
    await end(killed)
    await end(next)
  })

  describe('and using it', () => {
    let handle: EngineHandle
    let docker: Docker
    before(async () => {
      handle = await ensureEngine(init)
      docker = new Docker({ socketPath: handle.socketPath })
    })
    after(() => handle.stop())

    test('an image is made, once', async () => {
      assert.equal(await ensureBusyboxImage(docker, () => {}), busyboxImage)
      const { Id: id } = await docker.getImage(busyboxImage).inspect()
      await ensureBusyboxImage(docker, () => assert.fail('made again'))
      assert.equal((await docker.getImage(busyboxImage).inspect()).Id, id)
    })

    test('its networks are not here, and that is noticed', async () => {
      const { portsProblem } = await createDockerEngine({ docker }).features()
      assert.match(portsProblem ?? '', /keeps its networks elsewhere.*--docker-host/)
      assert.deepEqual(await docker.listNetworks({ filters: { label: ['org.cortex-node.owner'] } }), [])
    })

    test('containers get networks after the engine has no addresses left, and do without an init', async () => {
      const engine = createDockerEngine({ docker })
      const names = [1, 2, 3].map((i) => `cortex-addresses-${i}`)
      const subnets: string[] = []
      for (const name of names) {
        await engine.create({
          name,
          image: busyboxImage,
          command: [],
          args: ['true'],
          env: {},
          cpuMillis: 100,
          memoryBytes: 16 * 1024 * 1024,
          storageBytes: 0,
          gpu: 0,
          labels: {},
          owner: 'test',
          network: 'bridge',
        })
        const { IPAM: ipam } = await docker.getNetwork(name).inspect()
        subnets.push(ipam?.Config?.[0]?.Subnet ?? '')
      }
      assert.deepEqual(
        subnets.map((subnet) => subnet.startsWith('198.')),
        [false, true, true], // The pool has two, and the engine took one for its default network.
        subnets.join(' '),
      )
      const { HostConfig: config } = await docker.getContainer('cortex-addresses-1').inspect()
      assert.equal(config.Init, false)
      for (const name of names) await engine.remove(name)
      assert.deepEqual(await engine.list('test'), [])
    })
  })
})

test('where there is no engine and none can be started, one line says what to do', {
  skip: process.getuid?.() === 0 && 'root can start one',
}, async () => {
  const failing = ensureEngine({ candidates: ['/nonexistent/docker.sock'], runDir: '/nonexistent/run' })
  await assert.rejects(failing, { message: /^no container engine found: [^\n]+$/ })
})
