/**
 * Into the containers of running jobs, through gateway and agent, against the same without them, each in its turn in one
 * run: bytes both ways through `cortex job forward` (against one bare libp2p stream), new connections, requests through
 * `…/proxy` and at a port's origin and pgbench (against the container's own address), and `cortex job exec` (against
 * `docker exec`). `ratio` is the worst figure as a part of its goal, so 1 means that all are met. `cpuMs` is what gateway,
 * agent and `cortex job forward` used of the processor for a MB, a connection or a request.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CortexClient } from '../gateway/client/index.ts'
import { findProgram } from '../scripts/apt.ts'
import { ensureDebianImage } from '../scripts/debian-image.ts'
import { ensureNodeImage } from '../scripts/node-image.ts'
import type { BenchResult } from './run.ts'
import { startBare } from './support/bare.ts'
import { benchNetwork } from './support/network.ts'
import { usedBy } from './support/processor-use.ts'
import {
  connectMs,
  DATABASE,
  type Place,
  requestsPerSecond,
  secondsOf,
  secondsToRead,
  secondsToSend,
  transactionsPerSecond,
} from './support/reach-ways.ts'
import { median, round } from './support/statistics.ts'

const PROGRAM = join(import.meta.dirname, '../bin/cortex.ts')
const SERVER = fileURLToPath(import.meta.resolve('./support/reach-server.mjs'))
const PORTS = [7000, 7001, 7002, 8080]
const SIZE = { cpu: 200, memory: '256Mi', storage: '256Mi', duration: 3_000, network: 'bridge', stopGraceSeconds: 0 }
const LOAD = { clients: 8, seconds: 3 }
const CONNECTIONS = 50
/** Programs for the image of Node, which has no others: one that reads its input, and one that writes so many bytes. */
const SINK = 'process.stdin.resume()'
const SOURCE = `const { pipeline } = require('node:stream'), piece = Buffer.alloc(65536)
pipeline(function* () { for (let left = Number(process.argv[1]); left > 0; left -= 65536) yield piece.subarray(0, left) },
  process.stdout, () => undefined)`

/** Lets anybody in, and makes pgbench's tables once it answers. */
const POSTGRES = `cd /etc/postgresql/*/main && echo 'host all all all trust' >> pg_hba.conf
exec su postgres -c "exec $(echo /usr/lib/postgresql/*/bin/postgres) -c data_directory=$(echo /var/lib/postgresql/*/main) \
 -c config_file=$PWD/postgresql.conf -c listen_addresses='*' -c ssl=off"`

/** How often it is asked until it answers. */
const MAX_TRIES = 240

/** What of the baseline each way is to reach; of `connect`, how many times as long it may take. */
const GOALS = { send: 0.5, read: 0.5, connect: 2, proxy: 0.3, origin: 0.3, pgbench: 0.6, execIn: 0.5, execOut: 0.5 }

type Way = keyof typeof GOALS
type Figures = Record<Way, { ours: number[]; baseline: number[]; cpuMs: number[][] }>
type Setup = Awaited<ReturnType<typeof benchNetwork>>

/** @param args MiB that are sent, rounds, and ways that are measured. @default 200, 3, all */
export async function bench(args: string[]): Promise<BenchResult> {
  const [bytes, rounds] = [Number(args[0] ?? 200) * 2 ** 20, Number(args[1] ?? 3)]
  const wanted = (way: Way): boolean => args.length < 3 || args.slice(2).includes(way)
  await using setup = await benchNetwork(1, ['--memory', '4Gi', '--storage', '8Gi'])
  const figures = Object.fromEntries(
    Object.keys(GOALS).map((way) => [way, { ours: [], baseline: [], cpuMs: [] }]),
  ) as never as Figures
  const ways = await waysOf(setup, bytes, wanted('pgbench'))
  await using _ends = { [Symbol.asyncDispose]: ways.end }
  for (let i = 0; i < rounds; i += 1) {
    for (const [way, [ours, baseline]] of Object.entries(ways.all) as [Way, [Measure, Measure]][]) {
      if (!wanted(way)) continue
      figures[way].baseline.push(await baseline())
      const before = ways.pids.map(usedBy)
      const rate = await ours()
      const count = COUNTED[way]?.(bytes) ?? rate * LOAD.seconds
      figures[way].ours.push(rate)
      figures[way].cpuMs.push(ways.pids.map((pid, at) => (usedBy(pid) - (before[at] ?? 0)) / count))
      const { ours: all, baseline: bare } = figures[way]
      process.stdout.write(`${way}: ${round(all.at(-1) ?? 0, 2)} against ${round(bare.at(-1) ?? 0, 2)}\n`)
    }
  }
  return resultOf(figures)
}

type Measure = () => Promise<number>

/** How many MB or connections a way is measured with; of others it is how many it did in their time. */
const COUNTED: Partial<Record<Way, (bytes: number) => number>> = {
  ...Object.fromEntries((['send', 'read', 'execIn', 'execOut'] as const).map((way) => [way, inMegabytes])),
  connect: () => CONNECTIONS,
}

function inMegabytes(bytes: number): number {
  return bytes / 1e6
}

function resultOf(figures: Figures): BenchResult {
  const rows = (Object.entries(figures) as [Way, Figures[Way]][])
    .filter(([, { ours }]) => ours.length > 0)
    .map(([way, all]) => {
      const [ours, baseline] = [median(all.ours), median(all.baseline)]
      const goal = GOALS[way]
      const reached = way === 'connect' ? goal / (ours / baseline) : ours / baseline / goal
      return {
        way,
        ours: round(ours, 2),
        baseline: round(baseline, 2),
        ratio: round(ours / baseline, 3),
        goal,
        reached,
        cpuMs: [0, 1, 2].map((at) => round(median(all.cpuMs.map((each) => each[at] ?? 0)), 2)),
      }
    })
  for (const row of rows) process.stdout.write(`${JSON.stringify({ ...row, reached: round(row.reached) })}\n`)
  return { name: 'reach', ratio: round(Math.min(...rows.map(({ reached }) => reached)), 3), goal: 1, ways: rows }
}

/** Each way as ours and as its baseline: MB/s, of `connect` ms, of others so many a second. */
async function waysOf(setup: Setup, bytes: number, withDatabase: boolean) {
  const { docker, dockerHost, url, key } = setup
  const bare = await startBare()
  const stops: (() => Promise<void>)[] = [async () => bare[Symbol.dispose]()]
  const image = await ensureNodeImage(docker)
  const script = await readFile(SERVER, 'utf8')
  const server = await running(
    setup,
    { image, cpu: 600, command: ['node', '--input-type=module', '-e', script] },
    PORTS,
  )
  const forwarded = await forward(setup, server.id, PORTS)
  stops.push(forwarded.stop)
  const [direct, ours] = [(port: number) => ({ host: server.host, port }), forwarded.at]
  const speed = async (seconds: Promise<number>): Promise<number> => bytes / 1e6 / (await seconds)
  const bareSpeed = async (): Promise<number> => await speed(bare.seconds(bytes))
  const load = async (to: Parameters<typeof requestsPerSecond>[0]) => await requestsPerSecond(to, LOAD)
  const plainLoad = async (): Promise<number> => await load({ url: `http://${server.host}:8080/` })
  const authorization = `Bearer ${key}`
  const cortex = ['job', 'exec', '--gateway', url, '--key', key]
  const engine = ['-H', dockerHost, 'exec']
  const sink = ['node', '-e', SINK]
  const source = ['node', '-e', SOURCE, String(bytes)]
  const exec = async (program: string, args: string[], input: number) => await speed(secondsOf(program, args, input))
  const all: Partial<Record<Way, [Measure, Measure]>> = {
    send: [async () => await speed(secondsToSend(ours(7000), bytes)), bareSpeed],
    read: [async () => await speed(secondsToRead(ours(7001), bytes)), bareSpeed],
    connect: [
      async () => median(await connectMs(ours(7002), CONNECTIONS)),
      async () => median(await connectMs(direct(7002), CONNECTIONS)),
    ],
    proxy: [
      async () => await load({ url: `${url}/api/plugin-core/jobs/${server.id}/proxy/8080/`, authorization }),
      plainLoad,
    ],
    origin: [
      async () => await load({ url, authorization, host: `8080--${server.id}.localhost:${new URL(url).port}` }),
      plainLoad,
    ],
    execIn: [
      async () => await exec(process.execPath, [PROGRAM, ...cortex, '-i', server.id, '--', ...sink], bytes),
      async () => await exec('docker', [...engine, '-i', server.container, ...sink], bytes),
    ],
    execOut: [
      async () => await exec(process.execPath, [PROGRAM, ...cortex, server.id, '--', ...source], 0),
      async () => await exec('docker', [...engine, server.container, ...source], 0),
    ],
  }
  const database = withDatabase ? await openDatabase(setup) : null
  if (database !== null) {
    stops.push(database.stop)
    all.pgbench = [
      async () => await transactionsPerSecond(database.forwarded, LOAD.seconds),
      async () => await transactionsPerSecond(database.direct, LOAD.seconds),
    ]
  }
  return {
    all,
    pids: [...setup.pids, forwarded.pid],
    end: async () => void (await Promise.all(stops.map(async (stop) => await stop()))),
  }
}

/** Starts a job, and answers where its container is once it runs. */
async function running(
  { api, url, key }: Setup,
  job: { image: string; cpu?: number; command: string[] },
  ports: number[],
) {
  const { id } = await api.submit({ ...SIZE, ...job, ports: ports.map((port) => ({ port })) })
  for (;;) {
    const { status, error } = await api.job(id)
    if (status === 'running') break
    if (status !== 'pending' && status !== 'scheduled') throw new Error(`The job is ${status}: ${error?.message}`)
    await delay(100)
  }
  const { networks } = await new CortexClient({ baseUrl: url, apiKey: key }).jobs.container(id)
  const host = networks[0]?.address
  if (host === undefined) throw new Error('The container has no address')
  return { id, container: `cortex-${id}-1`, host }
}

/** `cortex job forward`, as a process of its own. */
async function forward({ url, key }: Setup, id: string, ports: number[]) {
  const rules = ports.map((port) => `0:${port}`)
  const args = [PROGRAM, 'job', 'forward', '--json', '--gateway', url, '--key', key, id, ...rules]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const local = new Map<number, number>()
  for await (const line of createInterface({ input: child.stdout })) {
    const { port, localPort } = JSON.parse(line) as { port: number; localPort: number }
    local.set(port, localPort)
    if (local.size === ports.length) break
  }
  return {
    pid: child.pid ?? 0,
    at: (port: number): Place => ({ host: '127.0.0.1', port: local.get(port) ?? 0 }),
    stop: async () => {
      if (child.kill()) await ended
    },
  }
}

/** A PostgreSQL with pgbench's tables; null where there is no image of it, or no pgbench. */
async function openDatabase(setup: Setup) {
  const image = (await findProgram('pgbench')) === null ? null : await ensureDebianImage(setup.docker, report)
  if (image === null) return null
  const { id, host } = await running(setup, { image, command: ['sh', '-c', POSTGRES] }, [5432])
  const direct = { host, port: 5432 }
  for (let tries = 0; ; tries += 1) {
    const made = await secondsOf('pgbench', ['-h', host, '-U', 'postgres', '-i', '-q', DATABASE], 0).catch(() => null)
    if (made !== null) break
    if (tries === MAX_TRIES) throw new Error('PostgreSQL does not answer')
    await delay(500)
  }
  const { at, stop } = await forward(setup, id, [5432])
  return { direct, forwarded: at(5432), stop }
}

function report(line: string): void {
  process.stderr.write(`${line}\n`)
}
