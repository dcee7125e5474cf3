/** Every lease of this agent that is not settled: made from an award or found in the journal, run, and let go. */

import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import { momentNow } from '../../node/moment.ts'
import type { SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { Book } from '../book.ts'
import type { ContainerEngine, ContainerSummary } from '../engine/index.ts'
import type { Journal } from '../journal/journal.ts'
import { type LeaseProgress, type LeaseRecord, type LeaseSecrets, newProgress } from '../journal/records.ts'
import { onAbort, whenAborted } from '../on-abort.ts'
import { retried } from './backoff.ts'
import { containerName } from './container.ts'
import { createLeaseDesk } from './desk.ts'
import type { Ending } from './ending.ts'
import { isGone } from './follow.ts'
import { createLease, type Lease } from './lease.ts'
import type { Use } from './receipt.ts'
import { type RunnerComponents, runLease } from './runner.ts'
import { createStraySweep } from './stray-sweep.ts'
import { createVolumeKeeper, type JobKey } from './volume-keeper.ts'

export interface RegistryComponents {
  engine: ContainerEngine
  network: Parameters<typeof createLeaseDesk>[0]['network']
  journal: Journal
  book: Book
  clock: Clock
  logger: Logger
  tracer: RunnerComponents['tracer']
  signReceipt: (record: LeaseRecord, use: Use, ending: Ending) => Promise<SignedStatement>
  /** The containers of the last run are taken up. */
  onReady: () => void
  guard?: RunnerComponents['guard']
  images: RunnerComponents['images']
  access: RunnerComponents['access']
  collect: RunnerComponents['collect']
}

export interface RegistryInit {
  allowExtension: boolean
  maxDurationSeconds: number
  heartbeatMs: number
  silenceMs: number
  dialDelayMs: number
  logFlushMs: number
  statsMs: number
  storageMs: number
  endpointsMs: number
  endedRetentionMs: number
  volumeRetentionMs: number
}

export interface Registry {
  get(id: string): Lease | undefined
  list(): Lease[]
  /** False until the engine has said which containers are there. */
  isReady(): boolean
  /** Highest fence of this requester's job that this provider ever took; 0 without one. */
  highestFence(requester: string, jobId: string): Promise<number>
  /** Journals the lease, then runs it. Its capacity is in the book already. */
  accept(record: LeaseRecord, secrets: LeaseSecrets): Promise<Lease>
  /** Takes up what the last process left: leases from the journal, containers from the engine once it answers. */
  start(): Promise<void>
  /** Asks every container to stop, and waits until all have ended, or for their grace and half a minute. */
  stopJobs(): Promise<void>
  /** Leaves containers and journal as they are. */
  stop(): Promise<void>
}

/** How long a start waits for the engine's list of containers, in ms. */
const READY_MS = 5_000

/** How long containers may take to stop beyond their grace, in ms: an engine that is away holds up nobody for ever. */
const STOP_MS = 30_000

interface Held {
  lease: Lease
  /** Resolves when its container is gone. */
  done: Promise<void>
}

export function createRegistry(components: RegistryComponents, init: RegistryInit): Registry {
  const { engine, network, journal, book, clock, signReceipt } = components
  const logger = components.logger.child({ part: 'leases' })
  const scope = new AbortController()
  const held = new Map<string, Held>()
  const { guard, images, access, collect, tracer } = components
  const runner = { tracer, engine, clock, logger, owner: network.peerId, guard, images, access, collect }
  const isRunning = ({ requester, jobId }: JobKey): boolean =>
    [...held.values()].some(
      ({ lease: { record, progress } }) =>
        record.requester === requester && record.jobId === jobId && progress.ended === null,
    )
  const volumes = createVolumeKeeper(
    { engine, clock, logger, isRunning },
    { owner: network.peerId, retentionMs: init.volumeRetentionMs },
    scope.signal,
  )
  const isHeld = (name: string): boolean =>
    [...held.values()].some(({ lease: { record } }) => containerName(record) === name)
  const sweep = createStraySweep({ engine, clock, logger, isHeld }, { owner: network.peerId }, scope.signal)
  const desk = createLeaseDesk({ network, journal, clock, logger, find: (id) => held.get(id)?.lease }, init)
  const tasks = new Set<Promise<void>>()
  let adopting: Promise<void> = Promise.resolve()
  let adopted = false
  const ready = Promise.withResolvers<void>()

  function make(record: LeaseRecord, progress: LeaseProgress, secrets: LeaseSecrets | null): Lease {
    const { allowExtension, maxDurationSeconds } = init
    const leaseInit = { record, progress, secrets, allowExtension, maxDurationSeconds }
    return createLease({ journal, clock, signReceipt }, leaseInit)
  }

  function run(lease: Lease, found: ContainerSummary | null, adopted: boolean): void {
    const { logFlushMs, statsMs, storageMs, endpointsMs } = init
    const isHeard = (): boolean => desk.isAttached(lease)
    const options = {
      found,
      adopted,
      after: olderAttempts(lease),
      logFlushMs,
      statsMs,
      storageMs,
      endpointsMs,
      isHeard,
    }
    const done = runLease(runner, lease, options, scope.signal)
    held.set(lease.id, { lease, done })
    onAbort(lease.endedSignal, () => book.release(lease.id))
    const over = done.then(async () => await finished(lease)).finally(() => tasks.delete(over))
    tasks.add(over)
  }

  /** A job's older attempts on this machine are over before a newer one begins. */
  async function olderAttempts({ record }: Lease): Promise<void> {
    const { jobId, requester, fence } = record
    const older = [...held.values()].filter(
      ({ lease: { record: other } }) => other.jobId === jobId && other.requester === requester && other.fence < fence,
    )
    await Promise.all(
      older.map(async ({ lease, done }) => {
        await lease.requestStop('stale')
        await done
      }),
    )
  }

  /** Its container is gone: lets go of it once the requester has taken the last report, or never came for it. */
  async function finished(lease: Lease): Promise<void> {
    book.release(lease.id)
    if (!scope.signal.aborted) volumes.ended(lease.record, lease.progress.ended)
    try {
      if (lease.progress.stopping === 'stale') await lease.settle(null)
      await sleepLong(clock, init.endedRetentionMs, AbortSignal.any([scope.signal, lease.settledSignal]))
      logger.warn({ lease: lease.id }, 'the requester never took the last report')
      await lease.settle(null)
    } catch (error) {
      if (!scope.signal.aborted && !lease.settledSignal.aborted) {
        logger.error({ lease: lease.id, error: String(error) }, 'the lease was not settled')
      }
    }
    if (lease.settledSignal.aborted) held.delete(lease.id)
  }

  async function adoptContainers(leases: Lease[]): Promise<void> {
    const { signal } = scope
    const found = await retried(clock, signal, isGone, () => engine.list(network.peerId, { signal }))
    const byName = new Map(found.map((summary) => [summary.name, summary]))
    for (const lease of leases.toSorted((a, b) => a.record.fence - b.record.fence)) {
      const name = containerName(lease.record)
      run(lease, byName.get(name) ?? null, true)
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
    get: (id) => held.get(id)?.lease,
    list: () => [...held.values()].map(({ lease }) => lease),
    isReady: () => adopted,
    async highestFence(requester, jobId) {
      const open = [...held.values()].filter(
        ({ lease: { record } }) => record.requester === requester && record.jobId === jobId,
      )
      const settled = await journal.highestFence(requester, jobId)
      return Math.max(settled, ...open.map(({ lease }) => lease.record.fence))
    },
    async accept(record, secrets) {
      const progress = newProgress(record, momentNow(clock))
      await journal.create(record, progress)
      const lease = make(record, progress, secrets)
      run(lease, null, false)
      desk.keep(lease, init.dialDelayMs)
      return lease
    },
    async start() {
      const leases = (await journal.leases()).map(({ record, progress }) => make(record, progress, null))
      for (const lease of leases) {
        const { requester, resources } = lease.record
        if (lease.progress.ended === null) book.adopt(lease.id, { requester, resources })
        held.set(lease.id, { lease, done: Promise.resolve() })
      }
      desk.start()
      for (const lease of leases) desk.keep(lease, 0)
      adopting = adoptContainers(leases).catch((error) => {
        if (!scope.signal.aborted) logger.error({ error: String(error) }, 'containers were not taken up')
      })
      // An engine that is away holds up its containers only: leases can be asked for meanwhile.
      const limit = deadline(clock, READY_MS, scope.signal)
      await Promise.race([ready.promise, whenAborted(limit.signal)])
      limit.clear()
    },
    async stopJobs() {
      const all = [...held.values()]
      const running = all.filter(({ lease }) => lease.progress.ended === null)
      const graceMs = Math.max(0, ...running.map(({ lease }) => lease.record.job.stopGraceSeconds * 1000))
      const limit = deadline(clock, graceMs + STOP_MS, scope.signal)
      await Promise.all(running.map(async ({ lease }) => await lease.requestStop('shutdown')))
      // A container that has ended is still to be removed; the next start may be long in coming.
      await Promise.all(all.map(async ({ done }) => await Promise.race([done, whenAborted(limit.signal)])))
      for (const { lease } of running) {
        if (lease.progress.ended === null) logger.warn({ lease: lease.id }, 'the container did not stop in time')
      }
      limit.clear()
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await desk.stop()
      await adopting
      await Promise.allSettled(tasks)
      await volumes.stop()
    },
  }
}

/** Timers take no more than 2^31 ms. */
async function sleepLong(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const dayMs = 24 * 3_600_000
  for (let leftMs = ms; leftMs > 0; leftMs -= dayMs) await clock.sleep(Math.min(leftMs, dayMs), signal)
}
