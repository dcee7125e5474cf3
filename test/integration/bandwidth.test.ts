/** All jobs of an agent share one bandwidth each way, on a real engine: by the kernel's own counters. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type Docker from 'dockerode'
import { silentLogger } from '../../node/logger.ts'
import { createShaper, type Shaper } from '../../provider-agent/bandwidth/shaper.ts'
import { deviceName, type Way } from '../../provider-agent/bandwidth/shaping.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import type { ContainerEngine } from '../../provider-agent/engine/index.ts'
import { createFirewall } from '../../provider-agent/isolation/firewall.ts'
import { bridgeName } from '../../provider-agent/networks/bridge-name.ts'
import { until } from '../support/until.ts'
import { MiB, openTestBed, type TestBed } from './executor/bed.ts'

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { env })).stdout
}

/** What is missing here to try it, for people. */
async function lackOf(): Promise<string | false> {
  const name = `cxifb${process.pid}`.slice(0, 15)
  try {
    await run('ip', 'link', 'add', name, 'type', 'ifb')
    await run('tc', 'qdisc', 'add', 'dev', name, 'root', 'handle', '1:', 'htb')
    return false
  } catch (error) {
    return `needs root, iproute2, ifb and htb: ${String(error).split('\n')[0]}`
  } finally {
    await run('ip', 'link', 'del', name).catch(() => undefined) // it may not have been made
  }
}

const lack = await lackOf()

describe('bandwidth', { skip: lack }, () => {
  const stack = new AsyncDisposableStack()
  let docker: Docker
  let bed: TestBed
  let server: Server
  let port: number
  let agents = 0

  before(async () => {
    bed = await openTestBed(stack)
    ;({ docker } = bed)
    // Is told how many bytes it is to send; for 0 it takes whatever comes.
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined) // a container that was removed
      // One that is gone with its network says no goodbye.
      stack.defer(() => void socket.destroy())
      socket.once('data', (asked) => {
        const bytes = Number(/^\d+/.exec(asked.toString())?.[0] ?? 0)
        if (bytes > 0) give(socket, bytes)
        else socket.resume()
      })
    })
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
    port = (server.address() as { port: number }).port
    stack.defer(() => void server.close())
  })
  after(async () => await stack.disposeAsync())

  function give(socket: Socket, bytes: number): void {
    const piece = Buffer.alloc(64 * 1024)
    const more = (left: number): void => {
      if (left <= 0) return void socket.end()
      socket.write(piece.subarray(0, left), () => more(left - piece.length))
    }
    more(bytes)
  }

  async function open(rate: number | null, owner = `${bed.owner}-bw${++agents}`) {
    const shaper = createShaper({ logger: silentLogger }, { owner, rate })
    const engine = createDockerEngine({ docker, shaper }, { owner })
    await engine.features()
    stack.defer(async () => {
      // Also what a test that failed has left.
      for (const { name } of await engine.list(owner)) await engine.remove(name)
      await shaper.stop()
    })
    return { owner, shaper, engine }
  }

  /** Receives so many bytes from this machine, and says so. */
  const receive = (bytes: number): string =>
    `GATEWAY=$(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'); echo ${bytes} | nc $GATEWAY ${port} | wc -c`

  async function start(engine: ContainerEngine, owner: string, script: string): Promise<string> {
    return await bed.run(script, { owner, network: 'bridge' }, engine)
  }

  /** Bytes that somebody sends until the connection ends; 0 where nobody listens yet. */
  async function receivedFrom(host: string, at: number): Promise<number> {
    const socket = connect({ host, port: at })
    let bytes = 0
    socket.on('data', (data) => {
      bytes += data.length
    })
    socket.on('error', () => undefined) // nobody listens
    await new Promise<void>((resolve) => void socket.once('close', () => resolve()))
    return bytes
  }

  interface Counted {
    bytes: number
    overlimits: number
  }

  /** By class, as the kernel counts them. */
  async function classes(owner: string, way: Way): Promise<Map<string, Counted>> {
    const text = await run('tc', '-s', 'class', 'show', 'dev', deviceName(owner, way))
    const found = text.matchAll(/class htb (\S+) .*\n Sent (\d+) bytes .*overlimits (\d+)/g)
    return new Map(
      [...found].map(([, id = '', bytes, over]) => [id, { bytes: Number(bytes), overlimits: Number(over) }]),
    )
  }

  const rateOf = async (owner: string): Promise<string | undefined> =>
    /class htb 1:1 root .*ceil (\S+)/.exec(await run('tc', 'class', 'show', 'dev', deviceName(owner, 'received')))?.[1]

  it('what a job receives goes through its class, and is no faster than the rate', async () => {
    const { owner, engine, shaper } = await open(40e6)
    assert.deepEqual(shaper.state(), { rate: 40e6, problem: null })
    assert.equal(await rateOf(owner), '40Mbit')
    const began = performance.now()
    const job = await start(engine, owner, receive(5 * MiB))
    await engine.wait(job)
    const elapsedMs = performance.now() - began
    assert.equal((await bed.readAll(job)).map(({ line }) => line.trim()).join(), String(5 * MiB))
    const counted = (await classes(owner, 'received')).get('1:3')
    assert.ok(counted !== undefined && counted.bytes > 5 * MiB && counted.bytes < 6 * MiB, JSON.stringify(counted))
    assert.ok(counted.overlimits > 0, 'some packets had to wait')
    // However slow the machine: more than the rate allows in that time was not let through, but for one large packet.
    assert.ok(counted.bytes * 8 <= 40e6 * (elapsedMs / 1000) + 8 * 65_536 * 2, `${counted.bytes} in ${elapsedMs} ms`)
    await engine.remove(job)
    await shaper.ensure()
    assert.equal((await classes(owner, 'received')).has('1:3'), false, 'its class went with it')
  })

  it('what it sends, too', async () => {
    const { owner, engine } = await open(40e6)
    const job = await start(
      engine,
      owner,
      `${receive(0).split(';')[0]}; (echo 0; head -c ${2 * MiB} /dev/zero) | nc $GATEWAY ${port}; sleep 60`,
    )
    await until(async () => ((await classes(owner, 'sent')).get('1:3')?.bytes ?? 0) > 1.5 * MiB)
    assert.ok(((await classes(owner, 'sent')).get('1:3')?.overlimits ?? 0) > 0)
    await engine.remove(job)
  })

  it('two jobs that both want more than there is share alike', async () => {
    const { owner, engine } = await open(30e6)
    const jobs = await Promise.all([1, 2].map(async () => await start(engine, owner, receive(200 * MiB))))
    const both = async (): Promise<number[]> => {
      const counted = await classes(owner, 'received')
      return ['1:3', '1:4'].map((id) => counted.get(id)?.bytes ?? 0)
    }
    await until(async () => Math.min(...(await both())) > MiB / 2) // Both are at it.
    const from = await both()
    await until(async () => (await both()).reduce((sum, bytes, i) => sum + bytes - (from[i] ?? 0), 0) > 6 * MiB)
    const [one = 0, two = 0] = (await both()).map((bytes, i) => bytes - (from[i] ?? 0))
    assert.ok(Math.min(one, two) > 0.6 * Math.max(one, two), `${one} and ${two} bytes`)
    for (const job of jobs) await engine.remove(job)
  })

  const harm: [string, (owner: string, bridge: string) => string[]][] = [
    ['a device is removed', (owner) => ['ip', 'link', 'del', deviceName(owner, 'sent')]],
    ['what shares out is removed', (owner) => ['tc', 'qdisc', 'del', 'dev', deviceName(owner, 'received'), 'root']],
    ['a bridge is let go', (_, bridge) => ['tc', 'qdisc', 'del', 'dev', bridge, 'clsact']],
  ]
  for (const [what, words] of harm) {
    it(`is mended where ${what}`, async () => {
      const { owner, engine, shaper } = await open(50e6)
      const job = await start(engine, owner, `while [ ! -e /go ]; do sleep 0.1; done; ${receive(MiB)}`)
      const [program = '', ...args] = words(owner, bridgeName(owner, job))
      await run(program, ...args)
      assert.equal(await shaper.problem(), null)
      const exec = await docker.getContainer(job).exec({ Cmd: ['touch', '/go'] })
      await exec.start({})
      await engine.wait(job)
      assert.equal((await bed.readAll(job)).map(({ line }) => line.trim()).join(), String(MiB))
      assert.ok(((await classes(owner, 'received')).get('1:3')?.bytes ?? 0) > MiB)
      await engine.remove(job)
    })
  }

  it('a later run has its own rate, also for jobs that run on, or lets them go', async () => {
    const { owner, engine } = await open(50e6)
    const job = await start(engine, owner, 'sleep 60')
    await open(20e6, owner)
    assert.equal(await rateOf(owner), '20Mbit')
    assert.equal((await classes(owner, 'received')).has('1:3'), true)
    await open(null, owner)
    await assert.rejects(rateOf(owner), /Cannot find device|does not exist/)
    assert.doesNotMatch(await run('tc', 'qdisc', 'show', 'dev', bridgeName(owner, job)), /clsact/)
    await engine.remove(job)
  })

  it('its end leaves nothing once no job is left', async () => {
    const { owner, engine, shaper } = await open(50e6)
    const job = await start(engine, owner, 'sleep 60')
    await engine.remove(job)
    await shaper.stop()
    assert.doesNotMatch(await run('ip', 'link', 'show'), new RegExp(deviceName(owner, 'sent')))
  })

  it('goes with the firewall, also where the machine shows packets on bridges to iptables', async () => {
    const owner = `${bed.owner}-bw${++agents}`
    const shaper = createShaper({ logger: silentLogger }, { owner, rate: 40e6 })
    const firewall = createFirewall({ logger: silentLogger }, { owner })
    const engine = createDockerEngine({ docker, shaper, firewall }, { owner })
    assert.equal((await engine.features()).networkProblem, null)
    stack.defer(async () => {
      for (const { name } of await engine.list(owner)) await engine.remove(name)
      await shaper.stop()
      await firewall.stop({ isUnused: true })
    })
    assert.deepEqual(shaper.state(), { rate: 40e6, problem: null })
    const job = await start(engine, owner, `while :; do head -c ${MiB} /dev/zero | nc -l -p 8080; done`)
    const { NetworkSettings: network } = await docker.getContainer(job).inspect()
    const [address = ''] = Object.values(network.Networks).map(({ IPAddress }) => IPAddress)
    let received = 0
    await until(async () => {
      received = await receivedFrom(address, 8080)
      return received > 0
    })
    assert.equal(received, MiB, 'its answers come through')
    assert.ok(((await classes(owner, 'sent')).get('1:3')?.bytes ?? 0) > MiB)
    await engine.remove(job)
  })

  it('where the engine is elsewhere, jobs run without, and the owner is told once', async () => {
    const warned: unknown[] = []
    const logger = { ...silentLogger, warn: (fields: unknown, text: unknown) => void warned.push(fields, text) }
    const shaper: Shaper = createShaper({ logger: logger as typeof silentLogger }, { owner: 'nobody', rate: 50e6 })
    await shaper.begin(false)
    await shaper.begin(false)
    assert.deepEqual(warned, [
      { rate: '50Mbit', problem: 'the engine keeps its networks elsewhere' },
      'jobs are not held to a bandwidth',
    ])
    await shaper.ensure()
    assert.equal(await shaper.problem(), null)
  })
})
