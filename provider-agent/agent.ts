/** A seller: detects what the machine has, bids on requests, takes awards and runs them, and survives its own restart. */

import { join } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork } from '../node/network/index.ts'
import { type Database, openDatabase } from '../node/store/database.ts'
import { diskProblem as statDisk } from '../node/store/disk-problem.ts'
import { noTracer, type Tracer } from '../node/tracing/index.ts'
import type { Requirements } from '../protocol/checks.ts'
import { toWireResources } from '../protocol/codec.ts'
import { type Prices, type Terms, termsOf } from '../protocol/money.ts'
import { NO_RESOURCES, type Resources } from '../protocol/units.ts'
import { createAnnouncer } from './announcer.ts'
import { createAwardDesk } from './award-desk.ts'
import { createBidder } from './bidder.ts'
import { createBook } from './book.ts'
import { gpuModels, inspectMachine, type Machine } from './capacity.ts'
import { addUp, attemptOf, type Earnings, type EndedAttempt } from './earnings.ts'
import type { ContainerAccess } from './engine/access.ts'
import type { ContainerEngine, EngineInfo, Gpu } from './engine/index.ts'
import type { Guard } from './guard/guard.ts'
import { createHealth } from './health.ts'
import { createImageKeeper } from './image-keeper.ts'
import { openJournal } from './journal/journal.ts'
import type { Outcome } from './journal/records.ts'
import { signReceipt } from './lease/receipt.ts'
import { createRegistry } from './lease/registry.ts'
import { createLetGo } from './let-go.ts'
import { createMeasuring } from './measuring.ts'
import { capabilitiesOf, offeringOf } from './offering.ts'
import { createOffers } from './offers.ts'
import { type AgentInit, resolveOptions } from './options.ts'
import { collectOutput } from './outputs/collect.ts'
import { createOutputSpool } from './outputs/spool.ts'
import { type Refusal, refusal } from './policy.ts'
import { createPriceList } from './price-rules.ts'
import { quote } from './pricing.ts'
import { createReachDesk } from './reach/desk.ts'
import { createReplayMemory } from './replay-memory.ts'
import { createStanding } from './standing.ts'

export interface AgentComponents {
  engine: ContainerEngine
  /** Lets requesters into their containers. @default nobody is let in, and no outputs are kept */
  access?: ContainerAccess
  network: PeerNetwork
  /** Ed25519; its peer id is the network's. */
  privateKey: PrivateKey
  clock: Clock
  logger: Logger
  /** @default traces nothing */
  tracer?: Tracer
  /**
   * Broadcasts an announcement. A directory’s own also tells it to newcomers that ask.
   * @default publishes it on the network
   */
  announce?: (statement: Uint8Array) => Promise<void>
  /** How many providers are online, this one included: the more, the less often each announces itself. @default one */
  providersOnline?: () => number
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
  /**
   * Takes nothing new from now on, also after a restart, until {@link Agent.resume}; what runs is finished. Resolves
   * when that is written down.
   */
  drain(): Promise<void>
  resume(): Promise<void>
  /** What a requester without jobs here would hear now that asks for this. @throws where it was not started */
  consider(wanted: Requirements): { refusal: Refusal | null; terms: Terms }
  /** @param sinceMs what ended before is left out; ms since the epoch. @throws where it was not started */
  earnings(sinceMs: number): Promise<Earnings>
  /** @throws where it was not started */
  status(): AgentStatus
}

export interface AgentStatus {
  peerId: string
  /** Why no jobs are taken; null while they are. */
  paused: string | null
  /** Whether that is because the owner said so. */
  draining: boolean
  total: Resources
  free: Resources
  gpus: readonly Gpu[]
  /** As posted now. */
  prices: Prices
  capabilities: string[]
  uptimeSeconds: number
  /** Jobs since the data folder was made. */
  completed: number
  failed: number
  /** Awards refused since the start, by code. */
  refusedAwards: Record<string, number>
  leases: LeaseStatus[]
}

export interface LeaseStatus extends Terms {
  jobId: string
  fence: number
  requester: string
  image: string
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
  let running: Awaited<ReturnType<typeof startAgent>> | null = null
  let turn: Promise<void> = Promise.resolve()

  function started() {
    if (running === null) throw new Error('The agent is not running')
    return running
  }

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
    drain: async () => await running?.drain(true),
    resume: async () => await running?.drain(false),
    consider: (wanted) => started().consider(wanted),
    earnings: async (sinceMs) => await started().earnings(sinceMs),
    status: () => started().status(),
  }
}

async function startAgent(components: AgentComponents, init: AgentInit) {
  const { engine, network, privateKey, clock, logger, tracer = noTracer } = components
  const ownLogger = logger.child({ part: 'agent' })
  const { inspect = inspectMachine, openDatabase: open = openDatabase, diskProblem = statDisk } = components
  const broadcast =
    components.announce ?? (async (statement: Uint8Array) => await network.publish('announcements', statement))
  const options = resolveOptions(init, network.peerId)
  const { marketName } = options
  const { access } = components
  const prices = createPriceList(options.prices, options.priceRules, options.timeZone)
  const offering = offeringOf(options, access === undefined ? [] : ['outputs', 'exec'])
  const ownCapabilities = offering.capabilities
  const startedMs = clock.monotonicMs()
  const uptimeSeconds = (): number => Math.floor((clock.monotonicMs() - startedMs) / 1000)
  let measured: Promise<void> = Promise.resolve()

  /** Undoes, in the reverse order, what a start that fails has begun. */
  await using undo = new AsyncDisposableStack()
  const database = await open(options.dataFolder)
  undo.defer(async () => await database.close())
  const journal = await openJournal({ database, clock, logger: logger.child({ part: 'journal' }) }, options)
  const offers = createOffers()
  const standing = createStanding({ clock })
  for await (const requester of journal.requesters()) standing.awarded(requester)
  const book = createBook(
    { clock, standing },
    {
      total: NO_RESOURCES,
      onExpired(bidId, { requester }) {
        offers.remove(bidId, true)
        standing.lapsed(requester)
      },
    },
  )
  const letGo = createLetGo({ clock, offers, book, standing })
  const images = await createImageKeeper(
    {
      ...{ engine, journal, clock, logger: logger.child({ part: 'images' }) },
      freeBytes: async () => (await inspect(await engine.info())).freeStorageBytes,
    },
    { minFreeBytes: options.imageRoomBytes },
  )
  const measuring = createMeasuring(
    {
      ...{ engine, book, clock, logger, owner: network.peerId },
      async inspect(info) {
        const machine = await inspect(info)
        const isTight = machine.freeStorageBytes < options.imageRoomBytes
        return isTight && (await images.makeRoom()) > 0 ? await inspect(info) : machine
      },
    },
    options,
  )
  const outputsLogger = logger.child({ part: 'outputs' })
  const signer = { privateKey, marketName, provider: network.peerId }
  const spool = createOutputSpool(
    { clock, logger: outputsLogger },
    {
      folder: join(options.dataFolder, 'outputs'),
      ...{ maxOutputBytes: options.maxOutputBytes, maxSpoolBytes: options.maxSpoolBytes },
      retentionMs: options.endedRetentionMs,
    },
  )
  const registry = createRegistry(
    {
      ...{ engine, network, journal, book, clock, logger, tracer },
      signReceipt: async (record, use, ending) => await signReceipt(signer, record, use, ending),
      onReady: () => health.refresh(),
      guard: components.guard,
      ...{ images, access },
      collect: async (lease, name, signal) =>
        access === undefined
          ? null
          : await collectOutput({ access, spool, clock, logger: outputsLogger }, lease, name, signal),
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
        measured = measure(info)
      },
    },
    options,
  )
  const paused = health.paused
  const bidder = createBidder(
    {
      ...{ network, privateKey, clock, logger, tracer, book, offers, standing, letGo, paused, uptimeSeconds },
      replays: createReplayMemory({ clock }),
    },
    { ...{ marketName, prices, offering }, reservationMs: options.reservationMs, stampBits: options.stampBits },
  )
  const awards = createAwardDesk(
    { network, clock, logger, tracer, book, offers, standing, letGo, registry, journal, paused },
    { marketName, offering },
  )
  const announcer = createAnnouncer(
    { network, broadcast, privateKey, clock, logger, describe, providers: components.providersOnline ?? (() => 1) },
    { ...options, incarnation: await journal.nextIncarnation(clock.nowMs()) },
  )

  function describe() {
    const { completed, failed } = journal.counts()
    const { region, labels, capabilities } = offering
    const said = { name: options.name, version: options.version, architecture: measuring.architecture() }
    return {
      ...{ region, labels, capabilities, ...said, prices: prices.posted(clock.nowMs()) },
      total: toWireResources(book.total),
      free: toWireResources(book.freeFor(null)),
      uptimeSeconds: BigInt(uptimeSeconds()),
      pausedReason: paused()?.message ?? '',
      jobsCompleted: BigInt(completed),
      jobsFailed: BigInt(failed),
      gpus: gpuModels(measuring.gpus()).map((kind) => ({ ...kind, memoryBytes: BigInt(kind.memoryBytes) })),
    }
  }

  async function measure(info: EngineInfo): Promise<void> {
    const [features] = await Promise.all([engine.features(), measuring.measure(info)])
    const ports = access !== undefined && features.portsProblem === null ? ['ports'] : []
    offering.capabilities = [...new Set([...ownCapabilities, ...ports, ...capabilitiesOf(features)])]
    if (features.networkProblem !== null) {
      ownLogger.warn({ problem: features.networkProblem }, 'jobs can reach the network around this machine')
    }
    if (access !== undefined && features.portsProblem !== null) {
      ownLogger.warn({ problem: features.portsProblem }, 'jobs that expose ports are not taken')
    }
  }

  function consider(wanted: Requirements): { refusal: Refusal | null; terms: Terms } {
    const terms = quote(wanted.resources, prices.posted(clock.nowMs()))
    const { total } = book
    const nobody = { peerId: '', bids: 0, bidResources: NO_RESOURCES, resources: NO_RESOURCES, bidShare: 1 }
    const open = { ...offering, allowClients: [] }
    const situation = {
      total,
      free: book.free(),
      terms,
      takesMinimumCharge: true,
      uptimeSeconds: uptimeSeconds(),
      paused: paused(),
      client: nobody,
    }
    return { refusal: refusal(wanted, open, situation), terms }
  }

  async function* endedAttempts(): AsyncGenerator<EndedAttempt> {
    for await (const settled of journal.receipts()) {
      const attempt = attemptOf(settled)
      if (attempt !== null) yield attempt
    }
    // Their requesters have not taken the last report yet.
    for (const { record, progress } of registry.list()) {
      const attempt = attemptOf({ ...record, ...progress, end: progress.ended, requesterReceipt: null, settledAtMs: 0 })
      if (attempt !== null) yield attempt
    }
  }

  function standstill(): Pick<AgentStatus, 'paused' | 'draining'> {
    const why = paused()
    return { paused: why?.message ?? null, draining: why?.code === 'DRAINING' }
  }

  const reach =
    access === undefined
      ? null
      : createReachDesk({ network, access, spool, clock, logger, find: (id) => registry.get(id) }, options)

  book.onChange(announcer.changed)
  health.onChange(announcer.urgent)
  undo.defer(async () => await health.stop())
  if (await journal.isDraining()) health.drain(true)
  await health.start()
  await measured
  if (access !== undefined) await spool.start()
  undo.defer(async () => await measuring.stop())
  measuring.start()
  undo.defer(async () => await registry.stop())
  await registry.start()
  reach?.start()
  bidder.start()
  awards.start()
  announcer.start()
  undo.move()
  return {
    consider,
    earnings: async (sinceMs: number) => await addUp(endedAttempts(), sinceMs),
    async drain(on: boolean): Promise<void> {
      health.drain(on)
      await journal.setDraining(on)
    },
    async stop({ stopJobs = false }: { stopJobs?: boolean } = {}) {
      const goodbye = announcer.stop()
      health.drain(true)
      await goodbye
      if (stopJobs) await registry.stopJobs()
      awards.stop()
      await bidder.stop()
      await reach?.stop()
      await registry.stop()
      await measuring.stop()
      await health.stop()
      book.stop()
      await journal.close()
      await components.guard?.close()
    },
    status(): AgentStatus {
      const leases = registry.list().map(({ id, record, progress, meter }): LeaseStatus => {
        const { jobId, fence, requester, resources, acceptedAtMs } = record
        const terms = { image: record.job.image, ...termsOf(record) }
        return {
          ...{ jobId, fence, requester, resources, ...terms, acceptedAtMs, startedAtMs: progress.startedAtMs },
          ...{ meteredMs: meter.read(), outcome: progress.ended?.outcome ?? null, unsentBytes: journal.bytes(id) },
        }
      })
      const { total } = book
      const common = { peerId: network.peerId, ...standstill(), total, free: book.free() }
      const offered = {
        gpus: measuring.gpus(),
        prices: prices.posted(clock.nowMs()),
        capabilities: offering.capabilities,
      }
      const counts = { ...journal.counts(), refusedAwards: awards.refused() }
      return { ...common, ...offered, uptimeSeconds: uptimeSeconds(), ...counts, leases }
    },
  }
}
