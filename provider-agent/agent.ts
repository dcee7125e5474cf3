/** A seller: detects what the machine has, bids on requests, takes awards and runs them, and survives its own restart. */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork } from '../node/network/index.ts'
import { type Database, openDatabase } from '../node/store/database.ts'
import { diskProblem as statDisk } from '../node/store/disk-problem.ts'
import { noTracer, type Tracer } from '../node/tracing/index.ts'
import type { Hardware } from '../protocol/hardware.ts'
import type { Requirements } from '../protocol/market-messages.ts'
import type { Terms } from '../protocol/money.ts'
import { abilitiesOf } from './abilities.ts'
import { type AgentStatus, statusOf } from './agent-status.ts'
import type { Announcer } from './announcing/announcer.ts'
import { type BenchmarkComponents, besideStorage, createBenchmark } from './benchmark/benchmark.ts'
import type { ClockWatch } from './bidding/clock-watch.ts'
import { type Abilities, createAbilities, offeringOf } from './bidding/offering.ts'
import type { Refusal } from './bidding/policy.ts'
import { unlessBrokenOff } from './broken-off.ts'
import { freeStorage, inspectMachine, type Machine } from './capacity/machine.ts'
import { type Capacity, openCapacity } from './capacity/open-capacity.ts'
import type { ContainerAccess } from './engine/access.ts'
import type { AbortOptions, ContainerEngine, EngineInfo } from './engine/index.ts'
import type { InputVolumes } from './engine/input-volumes.ts'
import type { VolumeAccess } from './engine/volume-access.ts'
import type { Guard } from './guard/guard.ts'
import { createHealth, type Health } from './health.ts'
import { createOpeningHours } from './hours/opening-hours.ts'
import { openInputRoom, outsideOf } from './inputs/open-input-room.ts'
import { createProofs, type Proofs } from './isolation/proofs.ts'
import { addUp, type Earnings, endedAttempts } from './journal/earnings.ts'
import { type Journal, openJournal } from './journal/journal.ts'
import { createLeases } from './lease/leases.ts'
import { signReceipt } from './lease/receipt.ts'
import { type AgentInit, type AgentOptions, resolveOptions } from './options.ts'
import { collectOutput } from './outputs/collect.ts'
import { createOutputSpool } from './outputs/spool.ts'
import { createPriceList } from './prices/price-rules.ts'
import { createReachDesk } from './reach/reach-desk.ts'
import { createTransfers } from './reach/transfers.ts'
import { createVolumeFilesDesk } from './reach/volume-files-desk.ts'
import { createSelling } from './selling.ts'
import { createVolumeDesk } from './volumes/volume-desk.ts'

/** What {@link createAgent} works with; what is left out is this machine's own. */
export interface AgentComponents {
  engine: ContainerEngine
  /** Lets requesters into their containers. @default nobody is let in, and no outputs are kept */
  access?: ContainerAccess
  /** The way to what is in volumes that outlive their jobs. @default nobody has one */
  volumeAccess?: VolumeAccess
  /** Holds what jobs bring. @default no job that brings something is taken */
  inputVolumes?: InputVolumes
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
  /** Bytes that are free where the engine keeps its images, now; asked at each pull. @default the file system's word */
  freeBytes?: (dataRoot: string) => Promise<number>
  /** Further reasons to take no jobs, asked every few seconds; each null where all is well. @default none */
  probes?: (() => Promise<string | null>)[]
  /** Finds what the machine is made of, by where the engine keeps containers. @default nothing is told of it */
  hardware?: (dataRoot: string) => Promise<Hardware | null>
  /** Measures what the machine does in a second, in a folder. @default the program of `node/benchmark`, in a process of its own */
  benchmark?: NonNullable<BenchmarkComponents['run']>
  /** Opens the journal's database. @default LevelDB in the data folder */
  openDatabase?: (folder: string) => Promise<Database>
  /** Why nothing can be written under a folder; null while there is room. @default asks the file system */
  diskProblem?: (folder: string, minFreeBytes: number) => Promise<string | null>
}

/** One seller of one machine. Starting and stopping follow each other, however they are called, and may be repeated. */
export interface Agent {
  /**
   * Takes up what the last process left, and sells. The network must run. Where the signal aborts it ends early, and nothing
   * was begun.
   * @throws {DataFolderError} where another process has the folder, or it cannot be read
   */
  start(options?: AbortOptions): Promise<void>
  /** Takes nothing new and ends. Containers run on for the next start, unless `stopJobs`. */
  stop(how?: { stopJobs?: boolean }): Promise<void>
  /**
   * Takes nothing new from now on, also after a restart, until {@link Agent.resume}; what runs is finished. Resolves
   * when that is written down.
   */
  drain(): Promise<void>
  /** Ends {@link Agent.drain}. */
  resume(): Promise<void>
  /**
   * Stops what runs of one job, with the grace that it has, and answers which attempts: none where it does not run here.
   * Their requester is told that the owner wanted it, looks elsewhere, and pays what was used.
   *
   * @param said why, for the requester. @default ""
   * @throws where it was not started
   */
  stopJob(jobId: string, said?: string): Promise<number[]>
  /** What a requester without jobs here would hear now that asks for this. @throws where it was not started */
  consider(wanted: Requirements): { refusal: Refusal | null; terms: Terms }
  /** As in {@link ClockWatch}. */
  clockOff: ClockWatch['finding']
  /** @param sinceMs what ended before is left out; ms since the epoch. @throws where it was not started */
  earnings(sinceMs: number): Promise<Earnings>
  /** @throws where it was not started */
  status(): AgentStatus
}

/** Opens and makes nothing before {@link Agent.start}. */
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
    start: async (options = {}) =>
      await inTurn(async () => {
        running ??= await startAgent(components, init, options)
      }),
    stop: async (how) =>
      await inTurn(async () => {
        await running?.stop(how)
        running = null
      }),
    drain: async () => await running?.drain(true),
    resume: async () => await running?.drain(false),
    stopJob: async (jobId, said = '') => await started().stopJob(jobId, said),
    consider: (wanted) => started().consider(wanted),
    clockOff: () => started().clockOff(),
    earnings: async (sinceMs) => await started().earnings(sinceMs),
    status: () => started().status(),
  }
}

async function startAgent(components: AgentComponents, init: AgentInit, { signal }: AbortOptions) {
  const { engine, access, network, clock, logger, tracer = noTracer } = components
  const { inspect = inspectMachine, freeBytes = freeStorage, openDatabase: open = openDatabase } = components
  const options = resolveOptions(init, network.peerId)
  const prices = createPriceList(options.prices, options.priceRules, options.timeZone, options.gpuPrices)
  const hours = createOpeningHours(options.hours, options.timeZone)
  const openForMs = (): number => hours.openForMs(clock.nowMs())
  const paused = (): Refusal | null => {
    if (openForMs() > 0) return health.paused()
    return health.paused() ?? { code: 'OUTSIDE_HOURS', message: `is closed: it takes jobs ${hours.text}` }
  }
  const offering = offeringOf(options, abilitiesOf(components))
  const startedMs = clock.monotonicMs()
  const uptimeSeconds = (): number => Math.floor((clock.monotonicMs() - startedMs) / 1000)

  /** Undoes, in the reverse order, what a start that fails has begun. */
  await using undo = new AsyncDisposableStack()
  const database = await open(options.dataFolder)
  undo.defer(async () => await database.close())
  const journal = await openJournal({ database, clock, logger: logger.child({ part: 'journal' }) }, options)
  const capacity = await openCapacity(
    { engine, journal, clock, logger, owner: network.peerId, privateKey: components.privateKey, inspect, freeBytes },
    options,
  )
  const { book, measuring } = capacity
  const benchmark = createBenchmark(
    {
      ...{ clock, logger },
      isFree: () => health.paused() === null && leases.list().every(({ progress }) => progress.ended !== null),
      folders: async () => await besideStorage((await engine.info()).dataRoot, [options.dataFolder, tmpdir()]),
      ...(components.benchmark === undefined ? {} : { run: components.benchmark }),
    },
    options,
  )
  const proofs = createProofs({ engine, clock, logger: logger.child({ part: 'proofs' }) }, options)
  const abilities = createAbilities(
    { engine, proofs, offering, logger: logger.child({ part: 'agent' }) },
    {
      canReach: access !== undefined,
      isMeasured: () => benchmark.measured() !== null,
      keeps: options.maxKept > 0,
    },
  )
  const work = createWork({ ...components, journal, capacity, tracer, abilities, proofs, openForMs }, options)
  const { leases, health, spool, transfers, reach, keeping } = work
  const selling = await createSelling(
    {
      ...{ ...components, tracer, capacity, leases, journal, health, prices, offering },
      ...{ measured: benchmark.measured, hardware: () => work.hardware(), openForMs, paused, uptimeSeconds },
      holds: work.holds,
      broadcast: components.announce ?? (async (statement) => await network.publish('announcements', statement)),
      providersOnline: components.providersOnline ?? (() => 1),
    },
    options,
  )
  const { announcer } = selling

  tellChanges({ book, benchmark, health, proofs, abilities, announcer })
  undo.defer(async () => await proofs.stop())
  undo.defer(async () => await health.stop())
  if (await journal.isDraining()) health.drain(true)
  await unlessBrokenOff(signal, health.start, async () => await Promise.all([proofs.stop(), health.stop()]))
  if (access !== undefined) await Promise.all([spool.start(), transfers.start()])
  undo.defer(async () => await measuring.stop())
  measuring.start()
  undo.defer(keeping.stop)
  undo.defer(async () => await leases.stop())
  await leases.start()
  keeping.open()
  reach?.start()
  undo.defer(async () => await benchmark.stop())
  await benchmark.start()
  selling.start()
  undo.move()
  return {
    consider: selling.consider,
    clockOff: selling.clockOff,
    earnings: async (sinceMs: number) => await addUp(endedAttempts(journal, leases), journal.keptReceipts(), sinceMs),
    async drain(on: boolean): Promise<void> {
      health.drain(on)
      await journal.setDraining(on)
    },
    stopJob: leases.stopJob,
    async stop({ stopJobs = false }: { stopJobs?: boolean } = {}) {
      const goodbye = announcer.stop()
      health.drain(true)
      await goodbye
      if (stopJobs) await leases.stopJobs()
      await selling.stop()
      await reach?.stop()
      await leases.stop()
      await keeping.stop()
      await measuring.stop()
      await benchmark.stop()
      await health.stop()
      await proofs.stop()
      book.stop()
      await journal.close()
      await components.guard?.close()
    },
    status: (): AgentStatus =>
      statusOf(
        { peerId: network.peerId, capacity, journal, leases, paused, selling },
        {
          isolations: proofs.list(),
          measured: benchmark.measured(),
          prices: prices.posted(clock.nowMs()),
          capabilities: offering.capabilities,
          uptimeSeconds: uptimeSeconds(),
        },
      ),
  }
}

interface Changing {
  book: Pick<Capacity['book'], 'onChange'>
  benchmark: Pick<ReturnType<typeof createBenchmark>, 'onChange'>
  health: Pick<Health, 'onChange' | 'refresh'>
  proofs: Pick<Proofs, 'onChange'>
  abilities: Pick<Abilities, 'refresh'>
  announcer: Pick<Announcer, 'changed' | 'urgent'>
}

/** Has what changes of an offer announced. */
function tellChanges({ book, benchmark, health, proofs, abilities, announcer }: Changing): void {
  book.onChange(announcer.changed)
  benchmark.onChange(() => {
    abilities.refresh()
    announcer.changed()
  })
  health.onChange(announcer.urgent)
  proofs.onChange(() => {
    abilities.refresh()
    health.refresh()
    announcer.urgent()
  })
}

/** What runs awarded jobs: their leases and what those leave, the way into their containers, and whether all that is well. */
function createWork(
  components: AgentComponents & {
    journal: Journal
    capacity: Capacity
    tracer: Tracer
    abilities: Abilities
    proofs: Proofs
    openForMs: () => number
  },
  options: AgentOptions,
) {
  const { engine, access, network, privateKey, clock, logger, journal, capacity, abilities, proofs } = components
  const { kept } = capacity
  const { diskProblem = statDisk } = components
  const outputsLogger = logger.child({ part: 'outputs' })
  const signer = { privateKey, marketName: options.marketName, provider: network.peerId }
  /** As the engine last came. */
  let engineInfo: EngineInfo | null = null
  let hardware: Hardware | null = null
  /** Whether it is being found, or was. */
  let isAsked = false
  const spool = createOutputSpool(
    { clock, logger: outputsLogger },
    {
      folder: join(options.dataFolder, 'outputs'),
      ...{ roomBytes: options.outputRoomBytes, minFreeBytes: options.minFreeBytes },
      ...{ maxClientShare: options.maxClientShare, ownRequesters: options.ownRequesters },
      retentionMs: options.endedRetentionMs,
    },
  )
  const outside = outsideOf(options)
  const { inputVolumes } = components
  const inputRoom =
    inputVolumes === undefined
      ? null
      : openInputRoom({ ...components, ...capacity, inputVolumes }, options, () => leases.list())
  const leases = createLeases(
    {
      ...(inputRoom === null ? {} : { inputRoom }),
      ...{ ...components, ...capacity, guard: components.guard, access },
      signReceipt: async (record, use, ending) => await signReceipt(signer, record, use, ending),
      onReady: () => health.refresh(),
      outlived: () => engineInfo?.outlived ?? true,
      onOutside: () => health.doubt(),
      onUnstarted: proofs.doubt,
      collect: async (lease, name, signal) =>
        access === undefined
          ? null
          : await collectOutput({ access, spool, clock, logger: outputsLogger, outside }, lease, name, signal),
    },
    options,
  )
  const health = createHealth(
    {
      ...{ engine, clock, logger },
      obstacles: [
        () => (journal.problem() === null ? null : `cannot write its journal: ${journal.problem()}`),
        () => (leases.isReady() ? null : 'is taking up the containers of its last run'),
      ],
      defects: [proofs.problem],
      probes: [async () => await diskProblem(options.dataFolder, options.minFreeBytes), ...(components.probes ?? [])],
      async onEngine(info, signal) {
        engineInfo = info
        // Nobody waits for it: the system's own tools are asked, which may take long.
        if (!isAsked) {
          isAsked = true
          void components.hardware?.(info.dataRoot).then((found) => {
            hardware = found
          })
        }
        await Promise.all([abilities.learn(info, signal), capacity.measuring.measure(info)])
      },
    },
    options,
  )
  const transfers = createTransfers({ folder: join(options.dataFolder, 'transfers'), maxBytes: options.maxSpoolBytes })
  const reach =
    access === undefined
      ? null
      : createReachDesk({ network, access, spool, transfers, clock, logger, find: (id) => leases.get(id) }, options)
  const isDraining = (): boolean => health.paused()?.code === 'DRAINING'
  const volumeDesk = createVolumeDesk({ network, clock, logger, kept, isDraining }, options)
  const filesDesk = createVolumeFilesDesk({ ...components, kept, transfers })
  const keeping = {
    /** Once the leases are taken up. */
    open() {
      kept.watch()
      volumeDesk.start()
      filesDesk.start()
    },
    async stop() {
      volumeDesk.stop()
      await filesDesk.stop()
      await kept.stop()
    },
  }
  const holds = (requester: string, mark: string): boolean => inputRoom?.has(requester, mark) ?? false
  return { leases, health, spool, transfers, reach, keeping, holds, hardware: () => hardware }
}
