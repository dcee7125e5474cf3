/** Many real peers in this process, over TCP on loopback, and one that submits jobs to them. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import PQueue from 'p-queue'
import { silentLogger as logger } from '../../node/logger.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../node/network/libp2p-network.ts'
import { openDatabase } from '../../node/store/database.ts'
import { type Buyer, startBuyer } from './buyer.ts'
import { countTraffic, noTraffic } from './counted-network.ts'
import { type JobFigures, quantile, runJobs } from './jobs.ts'
import { createOwnTime } from './own-time.ts'
import { MARKET, startSeller } from './seller.ts'

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
  /** Of the process, all peers in it, in bytes. */
  rssBytes: number
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
/** A pause that took this much longer than asked for shows work that waits; more new links than this, peers that still join. */
const LATE = 1.1
const STILL_JOINING = 1.02
/** CPU that fell below this share of what it was in the pause before shows that they still settle. */
const STILL_FALLING = 0.9

export async function measureReal(init: RealInit): Promise<SizeFigures> {
  const { providers, jobs, concurrency } = init
  const signal = AbortSignal.timeout(init.budgetMs)
  const beganMs = performance.now()
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'cortex-sim-'))
  stack.defer(async () => await rm(folder, { recursive: true, force: true }))
  const { buyer, others, peers } = await setUp(init, folder, stack, signal)
  const idlePerMs = await settled(peers, signal)
  const setUpMs = performance.now() - beganMs
  const first = Math.min(SEQUENTIAL, jobs)
  const before = { cpuMs: cpuMs(), atMs: clock.monotonicMs(), own: { ...buyer.traffic }, others: { ...others } }
  const sequential = await runJobs({ ...buyer, clock }, { jobs: first, concurrency: 1, signal })
  const rest = await runJobs({ ...buyer, clock }, { jobs: jobs - first, concurrency, signal })
  const ended = sequential.ended + rest.ended
  const elapsedMs = clock.monotonicMs() - before.atMs
  const usedMs = Math.max(0, cpuMs() - before.cpuMs - idlePerMs * elapsedMs)
  const per = (amount: number): number | null => (ended === 0 ? null : round(amount / ended))
  const messages = (t: { sent: number; received: number }): number => t.sent + t.received
  const bytes = (t: { sentBytes: number; receivedBytes: number }): number => t.sentBytes + t.receivedBytes
  const messagesOfOthers = messages(others) - messages(before.others)
  const bytesOfOthers = bytes(others) - bytes(before.others)
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
    rssBytes: process.memoryUsage().rss,
    setUpMs: Math.round(setUpMs),
  }
}

/** The buyer first: every seller's announcement finds it. */
async function setUp(init: RealInit, folder: string, stack: AsyncDisposableStack, signal: AbortSignal) {
  const others = noTraffic()
  const peers: Libp2pNetwork[] = []
  const join = async (): Promise<{ network: Libp2pNetwork; privateKey: PrivateKey }> => {
    const privateKey = await generateKeyPair('Ed25519')
    const bootstrap = someOf(peers, NEIGHBOURS).flatMap((peer) => peer.addresses())
    const network = createLibp2pNetwork(
      { privateKey, logger, clock },
      // One machine does the work of all: what each does for itself every 10 s, it does every minute here.
      { network: MARKET, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, pingIntervalMs: 60_000 },
    )
    await network.start()
    stack.defer(async () => await network.stop())
    peers.push(network)
    return { network, privateKey }
  }
  const own = await join()
  const buyer: Buyer = await startBuyer({ clock, ...own, database: await openDatabase(folder) })
  stack.defer(buyer.stop)
  const queue = new PQueue({ concurrency: STARTING })
  const seller = async (): Promise<void> => {
    signal.throwIfAborted()
    const { network, privateKey } = await join()
    const agent = await startSeller({
      clock,
      network: countTraffic(network, others),
      privateKey,
      announce: async (statement) => await buyer.hand(statement, network.peerId),
      providers: init.providers,
    })
    stack.defer(async () => await agent.stop())
  }
  await queue.addAll(Array.from({ length: init.providers }, () => seller))
  while (buyer.known() < init.providers) {
    signal.throwIfAborted()
    await delay(50)
  }
  return { buyer, others, peers }
}

/**
 * Waits until the peers have found each other and have nothing left to do but to be there. Answers how much of a core they
 * use then, so that it is not counted for jobs. CPU alone does not tell: on a machine that others use as well, peers that
 * wait for their turn use little, and are connected to nobody.
 */
async function settled(peers: Libp2pNetwork[], signal: AbortSignal): Promise<number> {
  for (let links = 0, idle = Number.POSITIVE_INFINITY; ; ) {
    signal.throwIfAborted()
    const before = { cpuMs: cpuMs(), atMs: clock.monotonicMs(), links, idle }
    await clock.sleep(IDLE_MS)
    const tookMs = clock.monotonicMs() - before.atMs
    const counts = peers.map((peer) => peer.peers().length)
    links = counts.reduce((sum, count) => sum + count, 0)
    idle = (cpuMs() - before.cpuMs) / tookMs
    const isCalm = tookMs < IDLE_MS * LATE && links < before.links * STILL_JOINING && idle > before.idle * STILL_FALLING
    if (isCalm && counts.every((count) => count > 0)) return idle
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function quantiles({ scheduledMs, endedMs }: JobFigures) {
  const [p50, p99] = [quantile(scheduledMs, 0.5), quantile(scheduledMs, 0.99)]
  const endedMeanMs = endedMs.length === 0 ? null : round(endedMs.reduce((sum, ms) => sum + ms, 0) / endedMs.length)
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
