import { randomUUID } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import PQueue from 'p-queue'
import { readRequirements } from '../../protocol/checks.ts'
import type { LeaseMessage_CommandReply as CommandReply } from '../../protocol/gen/cortex/v1/market_pb.js'
import { type JobSpec, splitSecrets } from '../../protocol/job-spec.ts'
import { requirementsOf } from '../../protocol/job-wire.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { MAX_DURATION_SECONDS } from '../../protocol/limits.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Directory } from '../directory/index.ts'
import type { Logger } from '../logger.ts'
import type { PeerNetwork } from '../network/index.ts'
import type { Outputs } from '../outputs/index.ts'
import { type JobRecord, JobStateError, type JobStore, type Lease } from '../store/index.ts'
import { noTracer, type Tracer } from '../tracing/index.ts'
import { cancelled, loseLease } from './apply-report.ts'
import { createAttendance } from './attendance.ts'
import { autoExtend } from './auto-extend.ts'
import { releaseBid } from './award.ts'
import { FENCE_MARGIN_MS } from './award-delivery.ts'
import { createBidDesk } from './bid-desk.ts'
import { experienceOf } from './experience.ts'
import { ExtensionRefusedError, type Quote, type Requester } from './index.ts'
import { createLeaseDesk } from './lease-desk.ts'
import { type FollowerTimes, followLease, HEARTBEAT_MS, LOST_AFTER_MS } from './lease-follower.ts'
import { END_WITHIN_MS, lossFailure, START_WITHIN_MS } from './overdue.ts'
import { createParkingLot } from './parking-lot.ts'
import { type PlacementComponents, place } from './placement.ts'
import { rank } from './ranking.ts'
import { createReputation } from './reputation.ts'
import { BID_WINDOW_MS, runRound } from './round.ts'
import { createStamps } from './stamps.ts'
import { createTally } from './tally.ts'

/** Rounds under way at a time: enough to fill a window, few enough to keep each quick. */
const MAX_ROUNDS = 16

/** How long a job waits that could not be looked after because of a fault of this program or its disk, in ms. */
const FAULT_PAUSE_MS = 5_000

/** How long the last words to providers of ended jobs may take when the node stops, in ms. */
const GOODBYE_MS = 2_000

/** How long a provider may take to answer an extension, in ms. */
const EXTENSION_TIMEOUT_MS = 15_000

export interface RequesterComponents {
  network: PeerNetwork
  networkName: string
  privateKey: PrivateKey
  directory: Directory
  store: JobStore
  clock: Clock
  logger: Logger
  /** Told of every job with outputs that has a provider. @default nobody */
  outputs?: Pick<Outputs, 'expect'>
  /** @default traces nothing */
  tracer?: Tracer
}

export interface RunningRequester extends Requester {
  /** Takes up every job that is not terminal. */
  start(): Promise<void>
  /** Lets go of all jobs; they go on at their providers. */
  stop(): Promise<void>
}

export function createRequester(
  components: RequesterComponents,
  init: { times?: Partial<FollowerTimes> } = {},
): RunningRequester {
  const { network, store, clock, logger, directory } = components
  const times: FollowerTimes = {
    heartbeatMs: HEARTBEAT_MS,
    lostAfterMs: LOST_AFTER_MS,
    startWithinMs: START_WITHIN_MS,
    endWithinMs: END_WITHIN_MS,
    ...init.times,
  }
  const reputation = createReputation({ clock, store, logger })
  const tally = createTally()
  const lot = createParkingLot({ directory, clock })
  const rounds = new PQueue({ concurrency: MAX_ROUNDS })
  const bidDesk = createBidDesk({
    ...components,
    onLate: (bid) => {
      releaseBid(network, bid).catch((error) => logger.debug({ error }, 'could not release a late bid'))
    },
  })
  const leaseDesk = createLeaseDesk(components)
  const stopping = new AbortController()
  /** Jobs that are looked after, and how to stop their placement at once. */
  const drivers = new Map<string, { done: Promise<void>; interrupt: () => void }>()
  /** Callers that wait for a provider's answer, by command, with the duration that they asked for. */
  const extensions = new Map<string, { answer: PromiseWithResolvers<void>; toSeconds: number }>()

  const placement: Omit<PlacementComponents, 'span'> = {
    ...components,
    desk: bidDesk,
    reputation,
    tally,
    stamps: createStamps({ clock }, { network: components.networkName, requester: network.peerId }),
    tracer: components.tracer ?? noTracer,
    attendance: createAttendance({ clock }),
    lot,
    inTurn: async (task) => await rounds.add(task),
  }

  function drive(jobId: string): void {
    if (drivers.has(jobId) || stopping.signal.aborted) return
    let interruption = new AbortController()
    const done = (async () => {
      for (let more = true; more && !stopping.signal.aborted; ) {
        interruption = new AbortController()
        more = await step(jobId, interruption.signal).catch(async (error) => {
          if (stopping.signal.aborted) return false
          // Nobody else looks after it: it is tried again rather than left as it is for ever.
          logger.error({ jobId, error }, 'looking after a job failed')
          await clock.sleep(FAULT_PAUSE_MS, stopping.signal).catch(() => undefined)
          return true
        })
      }
    })().finally(() => drivers.delete(jobId))
    drivers.set(jobId, { done, interrupt: () => interruption.abort() })
  }

  /** One stage of a job's life; false when there is nothing left to do. */
  async function step(jobId: string, interruption: AbortSignal): Promise<boolean> {
    stopping.signal.throwIfAborted()
    const job = await store.get(jobId)
    if (job === undefined || isTerminal(job.state.status)) return false
    if (job.state.status === 'pending') {
      const signal = AbortSignal.any([stopping.signal, interruption])
      await place(placement, jobId, signal).catch((error) => {
        if (stopping.signal.aborted || !interruption.aborted) throw error
      })
      return true
    }
    await follow(job)
    return true
  }

  /** Follows a lease, and asks for more time before it is up where the job says so. */
  async function followToTheEnd(job: JobRecord, lease: Lease) {
    const over = new AbortController()
    const extending = job.spec.autoExtend ? extendInTime(job.id, over.signal) : null
    try {
      const init = { job, lease, times, signal: stopping.signal }
      return await followLease({ ...components, desk: leaseDesk, onReply }, init)
    } finally {
      over.abort(new Error('The lease is over'))
      await extending
    }
  }

  async function follow(job: JobRecord): Promise<void> {
    if (job.state.status !== 'scheduled' && job.state.status !== 'running') return
    const { lease } = job.state
    if (job.spec.outputs !== undefined) await components.outputs?.expect(job.id)
    const parting = await followToTheEnd(job, lease)
    if (parting === 'settled') {
      const ended = await store.get(job.id)
      const experience = ended === undefined ? null : experienceOf(ended, lease.fence)
      if (experience !== null) reputation.record(lease.provider, experience)
      return
    }
    reputation.record(lease.provider, 'broken')
    const { onDisconnect, leaseTimeout } = job.spec
    const waitOutMs = onDisconnect === 'stop' ? leaseTimeout * 1000 + FENCE_MARGIN_MS : 0
    await store.change(job.id, (draft) => {
      const { state } = draft.job
      if (state.status !== 'scheduled' && state.status !== 'running') return
      if (draft.job.cancelRequestedAtMs !== null) {
        cancelled(draft, null, draft.nowMs)
        return
      }
      loseLease(draft, 'lost', lossFailure(parting, lease.provider, times), waitOutMs)
      draft.durable()
    })
  }

  async function extendInTime(jobId: string, followed: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, followed])
    await autoExtend({ store, clock, logger, extend: requester.extend }, jobId, signal).catch((error) => {
      if (!signal.aborted) logger.error({ jobId, error }, 'a job could not be extended')
    })
  }

  /** A job that is over still has its last acknowledgement under way: without it its provider would wait for this peer. */
  async function lastWords(): Promise<void> {
    const jobs = await Promise.all([...drivers].map(async ([id, { done }]) => ({ job: await store.get(id), done })))
    const ending = jobs.filter(({ job }) => job !== undefined && isTerminal(job.state.status)).map(({ done }) => done)
    if (ending.length === 0) return
    const limit = deadline(clock, GOODBYE_MS)
    const late = new Promise<void>((resolve) => limit.signal.addEventListener('abort', () => resolve()))
    await Promise.race([Promise.all(ending), late])
    limit.clear()
  }

  async function onReply(jobId: string, reply: CommandReply): Promise<void> {
    const waiting = extensions.get(reply.commandId)
    const { result: known } = await store.change(jobId, (draft) => {
      const { extension, durationSeconds } = draft.job
      if (extension?.commandId !== reply.commandId) return false
      draft.patch({ extension: null })
      // The report that says the same may come a moment later; who waits is told the new duration already.
      if (reply.ok && waiting !== undefined) {
        draft.patch({ durationSeconds: Math.min(Math.max(durationSeconds, waiting.toSeconds), MAX_DURATION_SECONDS) })
      }
      return true
    })
    if (!known || waiting === undefined) return
    const refusal = `The provider does not extend this job: ${reply.message.slice(0, 256)}`
    if (reply.ok) waiting.answer.resolve()
    else waiting.answer.reject(new ExtensionRefusedError(refusal))
  }

  const requester: RunningRequester = {
    async submit({ id, owner, spec, origin, hold = false, idempotency }) {
      const parts = splitSecrets(spec)
      const { job, repeated } = await store.create({
        owner,
        ...parts,
        held: hold,
        ...(id === undefined ? {} : { id }),
        ...(origin === undefined ? {} : { origin }),
        ...(idempotency === undefined ? {} : { idempotency }),
      })
      if (!isHeld(job)) drive(job.id)
      return { job, repeated }
    },

    async release(id) {
      const { job } = await store.change(id, (draft) => {
        if (isHeld(draft.job)) draft.refine('pending', { held: false })
      })
      drive(id)
      return job
    },

    async cancel(id) {
      const { job } = await store.change(id, (draft) => {
        if (isTerminal(draft.job.state.status)) {
          throw new JobStateError(draft.job.state.status, ['pending', 'scheduled', 'running'])
        }
        if (draft.job.cancelRequestedAtMs === null) draft.patch({ cancelRequestedAtMs: draft.nowMs })
        // Nobody looks after it, so nobody else would end it.
        if (isHeld(draft.job)) cancelled(draft, null, draft.nowMs)
        draft.durable()
      })
      // A pending job's driver may be waiting; awards under way are finished first, since the provider may have it already.
      if (job.state.status === 'pending' && job.state.award === null) drivers.get(id)?.interrupt()
      return job
    },

    async extend(id, additionalSeconds) {
      const commandId = randomUUID()
      const { job } = await store.change(id, (draft) => {
        const { state } = draft.job
        if (isTerminal(state.status)) throw new JobStateError(state.status, ['pending', 'scheduled', 'running'])
        if (state.status === 'pending') {
          // What is on its way to a provider cannot be changed any more, and nobody can be asked yet.
          if (state.award !== null) throw new ExtensionRefusedError('A provider is being given the job: try again')
          const durationSeconds = draft.job.durationSeconds + additionalSeconds
          draft.patch({ durationSeconds, spec: { ...draft.job.spec, duration: durationSeconds } })
          draft.event('extended', { duration: durationSeconds })
          return
        }
        if (draft.job.extension !== null) throw new ExtensionRefusedError('Another extension of this job is under way')
        draft.patch({ extension: { commandId, additionalSeconds } })
      })
      if (job.extension === null) return job
      const answer = Promise.withResolvers<void>()
      extensions.set(commandId, { answer, toSeconds: job.durationSeconds + additionalSeconds })
      try {
        const limit = new AbortController()
        await Promise.race([
          answer.promise,
          clock.sleep(EXTENSION_TIMEOUT_MS, AbortSignal.any([limit.signal, stopping.signal])).then(() => {
            throw new ExtensionRefusedError(
              'The provider has not answered; the extension is sent again when it is back',
            )
          }),
        ]).finally(() => limit.abort())
      } finally {
        extensions.delete(commandId)
      }
      return (await store.get(id)) ?? job
    },

    async quote(spec: JobSpec) {
      const parts = splitSecrets(spec)
      const requirementsBytes = requirementsOf(parts.spec)
      const requirements = readRequirements(requirementsBytes)
      const { offers, declines } = await rounds.add(() =>
        runRound(placement, {
          requirements,
          requirementsBytes,
          strategy: spec.providerStrategy,
          widen: 1,
          windowMs: BID_WINDOW_MS,
          signal: stopping.signal,
        }),
      )
      for (const offer of offers) offer.letGo(false)
      return [
        ...rank(offers, spec.providerStrategy, spec.duration).map(
          ({ offer, score, reason }): Quote => ({
            provider: offer.provider,
            name: offer.name,
            pricePerHour: offer.pricePerHour,
            minimumCharge: offer.minimumCharge,
            score,
            reason,
          }),
        ),
        ...declines.map(
          ({ provider, name, decline }): Quote => ({
            provider,
            name,
            pricePerHour: null,
            minimumCharge: null,
            score: null,
            reason: decline.message.slice(0, 256),
          }),
        ),
      ]
    },

    tally: tally.totals,

    counters: () => ({ jobs: drivers.size, roundsRunning: rounds.pending, roundsWaiting: rounds.size }),

    async start() {
      await reputation.recall()
      for await (const job of store.active()) {
        if (!isHeld(job)) drive(job.id)
      }
    },

    async stop() {
      await lastWords()
      stopping.abort(new Error('The node is stopping'))
      lot.stop()
      await Promise.all([...drivers.values()].map(({ done }) => done))
    },
  }
  return requester
}

function isHeld({ state }: JobRecord): boolean {
  return state.status === 'pending' && state.held === true
}
