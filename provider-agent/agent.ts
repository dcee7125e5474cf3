/** A seller: detects what the machine has, bids on requests, takes awards and runs them, and survives its own restart. */

import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork } from '../node/network/index.ts'
import { type Database, openDatabase } from '../node/store/database.ts'
import { diskProblem as statDisk } from '../node/store/disk-problem.ts'
import { toWireResources } from '../protocol/codec.ts'
import type { Prices } from '../protocol/money.ts'
import { NO_RESOURCES, type Resources } from '../protocol/units.ts'
import { createAnnouncer } from './announcer.ts'
import { createAwardDesk } from './award-desk.ts'
import { createBidder } from './bidder.ts'
import { createBook } from './book.ts'
import { inspectMachine, type Machine, offerOf } from './capacity.ts'
import type { ContainerEngine, EngineFeatures, EngineInfo } from './engine/index.ts'
import type { Guard } from './guard/guard.ts'
import { createHealth } from './health.ts'
import { openJournal } from './journal/journal.ts'
import type { Outcome } from './journal/records.ts'
import { signReceipt } from './lease/receipt.ts'
import { createRegistry } from './lease/registry.ts'
import { createOffers } from './offers.ts'
import { type AgentInit, resolveOptions } from './options.ts'
import type { Offering } from './policy.ts'
import { createReplayMemory } from './replay-memory.ts'
import { createStanding } from './standing.ts'

export interface AgentComponents {
  engine: ContainerEngine
  network: PeerNetwork
  /** Ed25519; its peer id is the network's. */
  privateKey: PrivateKey
  clock: Clock
  logger: Logger
  /**
   * Broadcasts an announcement. A directory’s own also tells it to newcomers that ask.
   * @default publishes it on the network
   */
  announce?: (statement: Uint8Array) => Promise<void>
  /** Ends containers that must not outlive this process for long. @default none */
  guard?: Guard
  /** Looks at the machine under the engine. @default systeminformation and the file system */
  inspect?: (info: EngineInfo) => Promise<Machine>
  /** Further reasons to take no jobs, asked every few seconds; each null where all is well. @default none */
  probes?: (() => Promise<string | null>)[]
  /** Opens the journal's database. @default LevelDB in the data folder */
  openDatabase?: (folder: string) => Promise<Database>
  /** Why nothing can be written under a folder; null while there is room. @default asks the file system */
  diskProblem?: (folder: string, minFreeBytes: number) => Promise<string | null>
}

export interface Agent {
  /**
   * Takes up what the last process left, and sells. The network must run.
   * @throws {DataFolderError} where another process has the folder, or it cannot be read
   */
  start(): Promise<void>
  /** Takes nothing new and ends. Containers run on for the next start, unless `stopJobs`. */
  stop(how?: { stopJobs?: boolean }): Promise<void>
  /** Takes nothing new until {@link Agent.resume}; what runs is finished. */
  drain(): void
  resume(): void
  /** @throws where it was not started */
  status(): AgentStatus
}

export interface AgentStatus {
  peerId: string
  /** Why no jobs are taken; null while they are. */
  paused: string | null
  total: Resources
  free: Resources
  prices: Prices
  uptimeSeconds: number
  /** Jobs since the data folder was made. */
  completed: number
  failed: number
  /** Awards refused since the start, by code. */
  refusedAwards: Record<string, number>
  leases: LeaseStatus[]
}

export interface LeaseStatus {
  jobId: string
  fence: number
  requester: string
  resources: Resources
  acceptedAtMs: number
  /** Null before the container runs. */
  startedAtMs: number | null
  meteredMs: number
  /** Null while it lives. */
  outcome: Outcome | null
  /** Bytes that its requester has not taken yet. */
  unsentBytes: number
}

export function createAgent(components: AgentComponents, init: AgentInit): Agent {
  let running: { stop: Agent['stop']; status: Agent['status']; drain: (on: boolean) => void } | null = null
  let turn: Promise<void> = Promise.resolve()

  /** Starting and stopping follow each other, however they are called. */
  async function inTurn(task: () => Promise<void>): Promise<void> {
    // The one before has told its own caller how it went.
    turn = turn.catch(() => undefined).then(task)
    await turn
  }

  return {
    start: async () =>
      await inTurn(async () => {
        running ??= await startAgent(components, init)
      }),
    stop: async (how) =>
      await inTurn(async () => {
        await running?.stop(how)
        running = null
      }),
    drain: () => running?.drain(true),
    resume: () => running?.drain(false),
    status() {
      if (running === null) throw new Error('The agent is not running')
      return running.status()
    },
  }
}

async function startAgent(components: AgentComponents, init: AgentInit) {
  const { engine, network, privateKey, clock, logger } = components
  const { inspect = inspectMachine, openDatabase: open = openDatabase, diskProblem = statDisk } = components
  const broadcast =
    components.announce ?? (async (statement: Uint8Array) => await network.publish('announcements', statement))
  const options = resolveOptions(init, network.peerId)
  const { marketName, prices } = options
  const offering = offeringOf(options)
  const ownCapabilities = offering.capabilities
  const startedMs = clock.monotonicMs()
  const uptimeSeconds = (): number => Math.floor((clock.monotonicMs() - startedMs) / 1000)
  let architecture = ''
  let measured: Promise<void> = Promise.resolve()

  /** Undoes, in the reverse order, what a start that fails has begun. */
  await using undo = new AsyncDisposableStack()
  const database = await open(options.dataFolder)
  undo.defer(async () => await database.close())
  const journal = await openJournal({ database, clock, logger }, options)
  const offers = createOffers()
  const standing = createStanding({ clock })
  const book = createBook(
    { clock },
    {
      total: NO_RESOURCES,
      onExpired(bidId, { requester }) {
        offers.remove(bidId, true)
        standing.lapsed(requester)
      },
    },
  )
  const signer = { privateKey, marketName, provider: network.peerId }
  const registry = createRegistry(
    {
      ...{ engine, network, journal, book, clock, logger },
      signReceipt: async (record, use, ending) => await signReceipt(signer, record, use, ending),
      onReady: () => health.refresh(),
      guard: components.guard,
    },
    options,
  )
  const health = createHealth(
    {
      ...{ engine, clock, logger },
      obstacles: [
        () => (journal.problem() === null ? null : `cannot write its journal: ${journal.problem()}`),
        () => (registry.isReady() ? null : 'is taking up the containers of its last run'),
      ],
      probes: [async () => await diskProblem(options.dataFolder, options.minFreeBytes), ...(components.probes ?? [])],
      onEngine(info) {
        architecture = info.architecture
        measured = measure(info).catch((error) => {
          logger.error({ error: String(error) }, 'the machine could not be measured')
        })
      },
    },
    options,
  )
  const paused = health.paused
  const bidder = createBidder(
    {
      ...{ network, privateKey, clock, logger, book, offers, standing, paused, uptimeSeconds },
      replays: createReplayMemory({ clock }),
    },
    { ...{ marketName, prices, offering }, reservationMs: options.reservationMs },
  )
  const awards = createAwardDesk(
    { network, clock, logger, book, offers, standing, registry, journal, paused },
    { marketName, offering },
  )
  const announcer = createAnnouncer(
    { network, broadcast, privateKey, clock, logger, describe },
    { ...options, incarnation: await journal.nextIncarnation(clock.nowMs()) },
  )

  function describe() {
    const { completed, failed } = journal.counts()
    const { region, labels, capabilities } = offering
    return {
      ...{ region, labels, capabilities, prices, architecture, name: options.name, version: options.version },
      total: toWireResources(book.total),
      free: toWireResources(book.free()),
      uptimeSeconds: BigInt(uptimeSeconds()),
      pausedReason: paused()?.message ?? '',
      jobsCompleted: BigInt(completed),
      jobsFailed: BigInt(failed),
    }
  }

  async function measure(info: EngineInfo): Promise<void> {
    const [machine, features] = await Promise.all([inspect(info), engine.features()])
    offering.capabilities = [...new Set([...ownCapabilities, ...capabilitiesOf(features)])]
    if (features.networkProblem !== null) {
      logger.warn({ problem: features.networkProblem }, 'jobs can reach the network around this machine')
    }
    book.resize(offerOf(machine, options))
  }

  book.onChange(announcer.changed)
  health.onChange(announcer.urgent)
  undo.defer(async () => await health.stop())
  await health.start()
  await measured
  undo.defer(async () => await registry.stop())
  await registry.start()
  bidder.start()
  awards.start()
  announcer.start()
  undo.move()
  return {
    drain: health.drain,
    async stop({ stopJobs = false } = {}) {
      const goodbye = announcer.stop()
      health.drain(true)
      await goodbye
      if (stopJobs) await registry.stopJobs()
      awards.stop()
      await bidder.stop()
      await registry.stop()
      await health.stop()
      book.stop()
      await journal.close()
      await components.guard?.close()
    },
    status(): AgentStatus {
      const leases = registry.list().map(({ id, record, progress, meter }): LeaseStatus => {
        const { jobId, fence, requester, resources, acceptedAtMs } = record
        return {
          ...{ jobId, fence, requester, resources, acceptedAtMs, startedAtMs: progress.startedAtMs },
          ...{ meteredMs: meter.read(), outcome: progress.ended?.outcome ?? null, unsentBytes: journal.bytes(id) },
        }
      })
      const { total } = book
      const common = { peerId: network.peerId, paused: paused()?.message ?? null, total, free: book.free(), prices }
      const counts = { ...journal.counts(), refusedAwards: awards.refused() }
      return { ...common, uptimeSeconds: uptimeSeconds(), ...counts, leases }
    },
  }
}

/** What jobs can ask for, as they ask for it. */
function capabilitiesOf({ storageQuota, volumes, networkProblem, runtime }: EngineFeatures): string[] {
  return [
    ...(volumes ? ['volumes'] : []),
    ...(storageQuota === 'hard' ? ['storage-quota'] : []),
    ...(networkProblem === null ? ['network-isolation'] : []),
    ...(runtime === null ? [] : [`runtime-${runtime}`]),
  ]
}

function offeringOf(options: ReturnType<typeof resolveOptions>): Offering {
  const { region, labels, maxDurationSeconds, allowImages, denyImages, maxClientShare, maxOpenBidsPerRequester } =
    options
  const capabilities = [...new Set([...options.capabilities, ...(options.allowExtension ? ['extend'] : [])])]
  return {
    ...{ region, labels, capabilities, maxDurationSeconds, allowImages, denyImages },
    ...{ maxClientShare, maxOpenBidsPerRequester },
  }
}
