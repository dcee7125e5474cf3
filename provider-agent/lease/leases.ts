/** Every lease of this agent that is not settled: made from an award or found in the journal, run, and let go. */

import { whenAborted } from '../../node/abort.ts'
import { always, retried } from '../../node/backoff.ts'
import { deadline } from '../../node/deadline.ts'
import { momentNow } from '../../node/moment.ts'
import type { SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { Book } from '../capacity/book.ts'
import type { ContainerEngine } from '../engine/index.ts'
import type { InputRoom } from '../inputs/input-room.ts'
import type { Journal } from '../journal/journal.ts'
import {
  type JobPast,
  type LeaseProgress,
  type LeaseRecord,
  type LeaseSecrets,
  newProgress,
} from '../journal/records.ts'
import type { KeptVolumes } from '../volumes/kept-volumes.ts'
import { containerName } from './container.ts'
import type { Ending } from './ending.ts'
import { createHeldLeases, type Held } from './held/held-leases.ts'
import { createRunning, type RunningInit } from './held/running.ts'
import { stopJobs } from './held/stop-jobs.ts'
import { createLease, type Lease } from './lease.ts'
import { createLeaseDesk } from './lease-desk.ts'
import type { Use } from './receipt.ts'
import type { RunnerComponents } from './runner.ts'
import type { SessionInit } from './session.ts'
import { createSightings } from './sightings.ts'
import { createStraySweep } from './stray-sweep.ts'
import { createVolumeKeeper } from './volume-keeper.ts'

/** What {@link createLeases} works with. */
export interface LeasesComponents extends Omit<RunnerComponents, 'owner' | 'inputs'> {
  /** Gets what jobs bring. @default no such job is taken */
  inputRoom?: InputRoom
  engine: ContainerEngine
  network: Parameters<typeof createLeaseDesk>[0]['network']
  journal: Journal
  book: Book
  /** Volumes that outlive their jobs. */
  kept: Pick<KeptVolumes, 'begun' | 'resumed' | 'releaseUnused' | 'hold' | 'ended' | 'givenUp'>
  signReceipt: (record: LeaseRecord, use: Use, ending: Ending) => Promise<SignedStatement>
  /** How long the provider stays open, in ms; infinite where it never closes. */
  openForMs: () => number
  /** The containers of the last run are taken up. */
  onReady: () => void
}

/** See `AgentInit`; times are in ms. */
export interface LeasesInit extends RunningInit, SessionInit {
  allowExtension: boolean
  maxDurationSeconds: number
  dialDelayMs: number
  volumeRetentionMs: number
}

/** What awards become, and what the agent's status is made of. */
export interface Leases {
  get(id: string): Lease | undefined
  list(): Lease[]
  /** False until the engine has said which containers are there. */
  isReady(): boolean
  /** What this provider ever had to do with this requester's job. */
  pastOf(requester: string, jobId: string): Promise<JobPast>
  /** Journals the lease, then runs it. Its capacity is in the book already. */
  accept(record: LeaseRecord, secrets: LeaseSecrets): Promise<Lease>
  /** Takes up what the last process left: leases from the journal, containers from the engine once it answers. */
  start(): Promise<void>
  /**
   * Asks the containers of a job to stop that still run, and answers of which attempts; their requester is told that the
   * owner wanted it. @param said why, for the requester; may be empty
   */
  stopJob(jobId: string, said: string): Promise<number[]>
  /** Asks every container to stop, and waits until all have ended, or for their grace and half a minute. */
  stopJobs(): Promise<void>
  /** Leaves containers and journal as they are. */
  stop(): Promise<void>
}

/** How long a start waits for the engine's list of containers, in ms. */
const READY_MS = 5_000

/** Holds none before {@link Leases.start} has read the journal. */
export function createLeases(components: LeasesComponents, init: LeasesInit): Leases {
  const { engine, network, journal, book, kept, clock, signReceipt } = components
  const logger = components.logger.child({ part: 'leases' })
  const scope = new AbortController()
  const { signal } = scope
  const owner = network.peerId
  const held = createHeldLeases()
  const volumes = createVolumeKeeper(
    {
      ...{ engine, clock, logger },
      isRunning: (job) => held.ofJob(job).some(({ lease }) => lease.progress.ended === null),
    },
    { owner, retentionMs: init.volumeRetentionMs },
    signal,
  )
  /** Those that help to make a lease's container are named after it. */
  const isHeld = (name: string): boolean =>
    held.all().some(({ lease }) => `${name}-`.startsWith(`${containerName(lease.record)}-`))
  const sweep = createStraySweep({ engine, clock, logger, isHeld }, { owner }, signal)
  const { look } = createSightings({ engine, clock }, { owner })
  const onGivenUp = async ({ record }: Lease): Promise<void> => await kept.givenUp(record)
  const desk = createLeaseDesk({ network, journal, clock, logger, look, find: held.get, onGivenUp }, init)
  const { inputRoom } = components
  const runner = { ...components, logger, owner, ...(inputRoom === undefined ? {} : { inputs: inputRoom }) }
  const running = createRunning({ runner, held, book, volumes, kept, isHeard: desk.isAttached }, init, signal)
  let adopting: Promise<void> = Promise.resolve()
  let adopted = false
  const ready = Promise.withResolvers<void>()

  function make(record: LeaseRecord, progress: LeaseProgress, secrets: LeaseSecrets | null): Lease {
    const { allowExtension, maxDurationSeconds } = init
    const { openForMs } = components
    const leaseInit = { record, progress, secrets, allowExtension, maxDurationSeconds, openForMs }
    return createLease({ journal, clock, signReceipt }, leaseInit)
  }

  async function adoptContainers(leases: Lease[]): Promise<void> {
    // One that is being stopped may answer with an error.
    const found = await retried(clock, signal, always, () => engine.list(owner, { signal }))
    await retried(clock, signal, always, async () => await components.inputRoom?.start(signal))
    const byName = new Map(found.map((summary) => [summary.name, summary]))
    for (const lease of leases.toSorted((a, b) => a.record.fence - b.record.fence)) {
      const name = containerName(lease.record)
      running.run(lease, byName.get(name) ?? null, true)
      byName.delete(name)
    }
    adopted = true
    ready.resolve()
    components.onReady()
    await sweep.remove([...byName.keys()])
    await volumes.start()
    await sweep.watch()
  }

  return {
    get: held.get,
    list: () => held.all().map(({ lease }) => lease),
    isReady: () => adopted,
    pastOf: async (requester, jobId) =>
      // In this order: one that is settled meanwhile is among the first.
      pastWith(held.ofJob({ requester, jobId }), await journal.pastOf(requester, jobId)),
    async accept(record, secrets) {
      const progress = newProgress(record, momentNow(clock))
      try {
        await kept.begun(record)
        await journal.create(record, progress)
      } catch (error) {
        kept.hold(record)
        await kept.ended(record, true)
        throw error
      }
      const lease = make(record, progress, secrets)
      running.run(lease, null, false)
      desk.keep(lease, init.dialDelayMs)
      return lease
    },
    async start() {
      const leases = (await journal.leases()).map(({ record, progress }) => make(record, progress, null))
      for (const lease of leases) {
        const { requester, resources, gpuKind } = lease.record
        const kind = gpuKind === undefined ? {} : { gpuKind }
        if (lease.progress.ended === null) {
          await kept.begun(lease.record)
          book.adopt(lease.id, { requester, resources, ...kind })
        } else {
          kept.resumed(lease.record)
        }
        held.put(lease, Promise.resolve())
      }
      await kept.releaseUnused()
      desk.start()
      for (const lease of leases) desk.keep(lease, 0)
      adopting = adoptContainers(leases).catch((error) => {
        if (!signal.aborted) logger.error({ error: String(error) }, 'containers were not taken up')
      })
      // An engine that is away holds up its containers only: leases can be asked for meanwhile.
      const limit = deadline(clock, READY_MS, signal)
      await Promise.race([ready.promise, whenAborted(limit.signal)])
      limit.clear()
    },
    async stopJob(jobId, said) {
      const running = held
        .all()
        .map(({ lease }) => lease)
        .filter(({ record, progress }) => record.jobId === jobId && progress.ended === null)
      await Promise.all(running.map(async (lease) => await lease.stopForOwner(said)))
      return running.map(({ record }) => record.fence)
    },
    stopJobs: async () => await stopJobs({ clock, logger }, held.all(), signal),
    async stop() {
      scope.abort(new Error('The agent stops'))
      await desk.stop()
      await adopting
      await running.idle()
      await volumes.stop()
    },
  }
}

/** What leases of a job say that are not settled, and those that are. */
function pastWith(held: readonly Held[], settled: JobPast): JobPast {
  const open = held.map(({ lease }) => lease)
  const stopped = open.find(({ progress }) => progress.stopping === 'owner')
  return {
    highestFence: Math.max(settled.highestFence, ...open.map(({ record }) => record.fence)),
    ownerSaid: stopped === undefined ? settled.ownerSaid : (stopped.progress.ownerSaid ?? ''),
  }
}
