/** Real peers in a few processes, over TCP on loopback, and one in this process that submits jobs to them. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import PQueue from 'p-queue'
import { openDatabase } from '../../node/store/database.ts'
import { type Buyer, startBuyer } from './buyer.ts'
import type { Traffic } from './counted-network.ts'
import { type JobFigures, quantile, runJobs } from './jobs.ts'
import { createOwnTime } from './own-time.ts'
import { joinReally } from './real-peer.ts'
import { type Sellers, startSellers } from './sellers.ts'

export interface RealInit {
  providers: number
  jobs: number
  concurrency: number
  /** All of it, in ms; what does not fit is left out and said so. */
  budgetMs: number
}

export interface SizeFigures {
  providers: number
  /** Asked for. */
  jobs: number
  ended: number
  /** Why not all of them, or null. */
  unfinished: string | null
  /** Submit to scheduled of jobs one after the other: what the market costs a job. */
  p50Ms: number | null
  p99Ms: number | null
  /** Submit to ended. */
  endedMeanMs: number | null
  /** Jobs that went one after the other. */
  sequentialJobs: number
  /** The others, `concurrency` at a time: with every peer on one core this shows how many jobs that carries. */
  concurrent: Concurrent
  /** At the requester, both ways, streams and gossip. */
  messagesPerJob: number | null
  bytesPerJob: number | null
  /** At one provider, on average. */
  messagesPerJobAndPeer: number | null
  bytesPerJobAndPeer: number | null
  /** Of all peers together, without what they use when nothing is asked. */
  cpuMsPerJob: number | null
  cpuMsPerJobAndPeer: number | null
  /** What one idle peer uses of a core. */
  idleCpuPerPeer: number
  /** Of all processes, in bytes. */
  rssBytes: number
  /** With the one that submits. */
  processes: number
  setUpMs: number
}

export interface Concurrent {
  jobs: number
  p50Ms: number | null
  p99Ms: number | null
  endedMeanMs: number | null
  jobsPerSecond: number | null
}

/** Every duration below is on it, those of the market as well. */
const clock = createOwnTime()

/** Jobs that go one by one before the others, as in the figures published by others. */
const SEQUENTIAL = 60
/** Peers that start at a time. */
const STARTING = 8
/** Neighbours that a newcomer is told. */
const NEIGHBOURS = 3
/** How long the idle network is watched at a time, in ms. */
const IDLE_MS = 3_000
/** How many times in a row nothing may have happened: newcomers come in waves, each after some seconds of quiet. */
const CALM_PAUSES = 5
/** A pause that took this much longer than asked for shows work that waits; more new links than this, peers that still join. */
const LATE = 1.1
const STILL_JOINING = 1.01

/** Sellers of one process: with 20,000 files it may have open, each may have 50 links. */
const SELLERS_PER_PROCESS = 400
/** Open files for each peer: links with 16 that it dialled and as many that dialled it. */
const FILES_PER_PEER = 32

export async function measureReal(init: RealInit): Promise<SizeFigures> {
  const { providers, jobs, concurrency } = init
  const [files, needed] = [openFilesLimit(), FILES_PER_PEER * Math.min(providers, SELLERS_PER_PROCESS)]
  if (files < needed) throw new Error(`${needed} open files are needed, and ${files} allowed: raise it with ulimit -n`)
  const signal = AbortSignal.timeout(init.budgetMs)
  const beganMs = performance.now()
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'cortex-sim-'))
  stack.defer(async () => await rm(folder, { recursive: true, force: true }))
  const { buyer, look } = await setUp(init, folder, stack, signal)
  const idlePerMs = await settled(look, signal)
  const setUpMs = performance.now() - beganMs
  const first = Math.min(SEQUENTIAL, jobs)
  const before = { ...(await look()), atMs: clock.monotonicMs(), own: { ...buyer.traffic } }
  const sequential = await runJobs({ ...buyer, clock }, { jobs: first, concurrency: 1, signal })
  const rest = await runJobs({ ...buyer, clock }, { jobs: jobs - first, concurrency, signal })
  const after = await look()
  const ended = sequential.ended + rest.ended
  const elapsedMs = clock.monotonicMs() - before.atMs
  const usedMs = Math.max(0, after.cpuMs - before.cpuMs - idlePerMs * elapsedMs)
  const per = (amount: number): number | null => (ended === 0 ? null : round(amount / ended))
  const messages = (t: { sent: number; received: number }): number => t.sent + t.received
  const bytes = (t: { sentBytes: number; receivedBytes: number }): number => t.sentBytes + t.receivedBytes
  const messagesOfOthers = messages(after.others) - messages(before.others)
  const bytesOfOthers = bytes(after.others) - bytes(before.others)
  return {
    ...{ providers, jobs, ended, unfinished: ended === jobs ? null : `${init.budgetMs / 1000} s were over` },
    ...quantiles(sequential),
    sequentialJobs: sequential.ended,
    concurrent: {
      ...{ jobs: rest.ended, ...quantiles(rest) },
      jobsPerSecond: rest.ended === 0 ? null : round((rest.ended / rest.tookMs) * 1000),
    },
    messagesPerJob: per(messages(buyer.traffic) - messages(before.own)),
    bytesPerJob: per(bytes(buyer.traffic) - bytes(before.own)),
    messagesPerJobAndPeer: per(messagesOfOthers / providers),
    bytesPerJobAndPeer: per(bytesOfOthers / providers),
    cpuMsPerJob: per(usedMs),
    cpuMsPerJobAndPeer: per(usedMs / providers),
    idleCpuPerPeer: round(idlePerMs / (providers + 1)),
    rssBytes: after.rssBytes,
    processes: after.processes,
    setUpMs: Math.round(setUpMs),
  }
}

/** Of all peers together. */
interface MarketState {
  links: number[]
  /** What sellers said and heard. */
  others: Traffic
  cpuMs: number
  rssBytes: number
  processes: number
}

/** The buyer first: every seller's announcement finds it. */
async function setUp(init: RealInit, folder: string, stack: AsyncDisposableStack, signal: AbortSignal) {
  const { providers } = init
  const { network, privateKey } = await joinReally(clock, [])
  stack.defer(async () => await network.stop())
  const buyer: Buyer = await startBuyer({ clock, network, privateKey, database: await openDatabase(folder) })
  stack.defer(buyer.stop)
  const processes: Sellers[] = []
  while (processes.length * SELLERS_PER_PROCESS < providers) {
    processes.push(stack.use(startSellers({ announced: buyer.hand })))
  }
  const addresses = [network.addresses()]
  const queue = new PQueue({ concurrency: STARTING })
  const sellers = Array.from({ length: providers }, (_, i) => async (): Promise<void> => {
    signal.throwIfAborted()
    const process = processes[i % processes.length] as Sellers
    addresses.push(await process.sell(someOf(addresses, NEIGHBOURS).flat(), providers))
  })
  await queue.addAll(sellers)
  while (buyer.known() < providers) {
    signal.throwIfAborted()
    await delay(50)
  }

  async function look(): Promise<MarketState> {
    const states = await Promise.all(processes.map(async (one) => await one.look()))
    const { user, system } = process.cpuUsage()
    const total = (key: keyof Traffic): number => sum(states.map(({ traffic }) => traffic[key]))
    return {
      links: [network.peers().length, ...states.flatMap(({ links }) => links)],
      others: {
        ...{ sent: total('sent'), received: total('received') },
        ...{ sentBytes: total('sentBytes'), receivedBytes: total('receivedBytes') },
      },
      cpuMs: (user + system) / 1000 + sum(states.map(({ cpuMs }) => cpuMs)),
      rssBytes: process.memoryUsage().rss + sum(states.map(({ rssBytes }) => rssBytes)),
      processes: 1 + processes.length,
    }
  }
  return { buyer, look }
}

/**
 * Waits until the peers have found each other and have nothing left to do but to be there. Answers how much of a core they
 * use then, so that it is not counted for jobs. CPU alone does not tell: on a machine that others use as well, peers that
 * wait for their turn use little, and are connected to nobody.
 */
async function settled(look: () => Promise<MarketState>, signal: AbortSignal): Promise<number> {
  let pauses: { usedMs: number; tookMs: number }[] = []
  for (let before = { ...(await look()), atMs: clock.monotonicMs() }; pauses.length < CALM_PAUSES; ) {
    signal.throwIfAborted()
    await clock.sleep(IDLE_MS)
    // A process that is busy answers late.
    const now = { ...(await look()), atMs: clock.monotonicMs() }
    const pause = { usedMs: now.cpuMs - before.cpuMs, tookMs: now.atMs - before.atMs }
    const isCalm = pause.tookMs < IDLE_MS * LATE && sum(now.links) < sum(before.links) * STILL_JOINING
    pauses = isCalm && now.links.every((count) => count > 0) ? [...pauses, pause] : []
    before = now
  }
  return sum(pauses.map(({ usedMs }) => usedMs)) / sum(pauses.map(({ tookMs }) => tookMs))
}

function sum(values: number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

/** Without it links fail when it is reached, and peers wait for each other until the time is over. */
function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}

function quantiles({ scheduledMs, endedMs }: JobFigures) {
  const [p50, p99] = [quantile(scheduledMs, 0.5), quantile(scheduledMs, 0.99)]
  const endedMeanMs = endedMs.length === 0 ? null : round(sum(endedMs) / endedMs.length)
  return { p50Ms: rounded(p50), p99Ms: rounded(p99), endedMeanMs }
}

/** `count` different ones by lot, or all. */
function someOf<T>(items: readonly T[], count: number): T[] {
  const left = [...items]
  const some: T[] = []
  while (some.length < count && left.length > 0) some.push(...left.splice(Math.floor(Math.random() * left.length), 1))
  return some
}

function rounded(value: number | null): number | null {
  return value === null ? null : round(value)
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
