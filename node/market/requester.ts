import type { PrivateKey } from '@libp2p/interface'
import PQueue from 'p-queue'
import { type JobSpec, splitSecrets } from '../../protocol/job-spec.ts'
import { encodedRequirements, requirementsOf } from '../../protocol/job-wire.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { ResolvedImage } from '../../protocol/platforms.ts'
import { createMarker, type WantedBlobs } from '../../protocol/wanted-blobs.ts'
import type { Clock } from '../clock.ts'
import { isResolved, ProviderUnknownError } from '../directory/find-provider.ts'
import type { Directory } from '../directory/index.ts'
import type { Inputs } from '../inputs/index.ts'
import { createInputs } from '../inputs/resolve.ts'
import type { Logger } from '../logger.ts'
import type { PeerNetwork } from '../network/index.ts'
import type { Outputs } from '../outputs/index.ts'
import type { ImageResolver, UnusableImage } from '../registry/image-resolver.ts'
import { type JobRecord, JobStateError, type JobStore } from '../store/index.ts'
import { noTracer, type Tracer } from '../tracing/index.ts'
import { VolumeError, type Volumes } from '../volumes/index.ts'
import { createAttendance } from './bids/attendance.ts'
import { createBidDesk } from './bids/bid-desk.ts'
import { createClocksOff } from './bids/clocks-off.ts'
import { nearestFailure } from './bids/nearest-miss.ts'
import { createStamps } from './bids/stamps.ts'
import { whatHelps } from './bids/what-helps.ts'
import type { Quoted, Requester } from './index.ts'
import { createJobDrivers } from './job-drivers.ts'
import { cancelled } from './leases/apply-report.ts'
import { createExtensions } from './leases/extensions.ts'
import { createHeldUp } from './leases/held-up.ts'
import { createLeaseDesk } from './leases/lease-desk.ts'
import { type FollowerTimes, HEARTBEAT_MS, LOST_AFTER_MS } from './leases/lease-follower.ts'
import { createLeaseKeeper } from './leases/lease-keeper.ts'
import { END_WITHIN_MS, START_WITHIN_MS } from './leases/overdue.ts'
import { waitForLost } from './leases/regain.ts'
import { releaseBid } from './placement/award.ts'
import { createParkingLot } from './placement/parking-lot.ts'
import { type PlacementComponents, place } from './placement/placement.ts'
import { quotesOf } from './placement/quotes.ts'
import { BID_WINDOW_MS, runRound } from './placement/round.ts'
import { createWaitingJobs } from './placement/waiting-jobs.ts'
import { createReputation } from './reputation/reputation.ts'
import { createSpeeds } from './reputation/speeds.ts'
import { createStarts } from './reputation/starts.ts'
import { createTally } from './tally.ts'

/** Rounds under way at a time: enough to fill a window, few enough to keep each quick. */
const MAX_ROUNDS = 16
/** Dry runs under way at a time, beside those: looking takes no turn of a job that waits. */
const MAX_LOOKS = 4

/** What {@link createRequester} works with. */
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
  /** Makes out what jobs bring. @default knows of text in the jobs themselves, and of nothing else */
  inputs?: Inputs
  /** Asks registries about images. @default nobody is asked */
  images?: ImageResolver
  /** @default none are known, and none are noted */
  volumes?: Pick<Volumes, 'place' | 'note'>
  /** @default traces nothing */
  tracer?: Tracer
}

/** A requester in the hands of the node that starts and stops it. */
export interface RunningRequester extends Requester {
  /** Takes up every job that is not terminal. */
  start(): Promise<void>
  /** Lets go of all jobs; they go on at their providers. */
  stop(): Promise<void>
}

/**
 * Serves bids and leases from now on; jobs of an earlier process wait for `start`.
 *
 * @param init.times each has its default where it is left out
 */
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
  const stopping = new AbortController()
  const { images = { resolve: async () => null }, inputs = createInputs() } = components
  const { volumes = NO_VOLUMES } = components
  const reputation = createReputation({ clock, store, logger })
  const speeds = createSpeeds({ store, clock, logger })
  const starts = createStarts({ store, clock, logger })
  const marker = createMarker(components.privateKey.raw)
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
  const whoWaits = waitingOf(components)
  const placement: Omit<PlacementComponents, 'span'> = {
    ...components,
    desk: bidDesk,
    reputation,
    ...{ speeds, starts, marker },
    tally,
    stamps: createStamps({ clock }, { network: components.networkName, requester: network.peerId }),
    tracer: components.tracer ?? noTracer,
    images,
    inputs,
    volumes,
    attendance: createAttendance({ clock }),
    ...{ ...whoWaits, lot },
    inTurn: async (task) => await rounds.add(task),
  }
  const extensions = createExtensions({ store, clock }, stopping.signal)
  const heldUp = createHeldUp(clock)
  const keeper = createLeaseKeeper(
    { ...components, heldUp, desk: leaseDesk, extensions, reputation, speeds, starts },
    { times, stopping: stopping.signal },
  )
  const drivers = createJobDrivers(
    {
      ...{ store, clock, logger, keep: keeper.keep },
      place: async (job, signal) => await place(placement, job.id, signal),
      regain: async (job, signal) => await waitForLost({ ...components, heldUp, desk: leaseDesk }, job, signal),
    },
    stopping.signal,
  )

  return {
    async submit({ id, owner, spec: asked, origin, hold = false, image, idempotency }) {
      const spec = volumes.place(owner, asked)
      mustBeResolved(spec)
      const { job, repeated } = await store.create({
        owner,
        ...splitSecrets(spec),
        held: hold,
        ...(id === undefined ? {} : { id }),
        ...(origin === undefined ? {} : { origin }),
        ...(image === undefined ? {} : { image }),
        ...(idempotency === undefined ? {} : { idempotency }),
      })
      if (!isHeld(job)) drivers.drive(job.id)
      return { job, repeated }
    },

    async release(id) {
      const { job } = await store.change(id, (draft) => {
        if (isHeld(draft.job)) draft.refine('pending', { held: false })
      })
      drivers.drive(id)
      return job
    },

    async cancel(id) {
      const job = await askForTheEnd(store, id)
      if (isAskedFor(job)) drivers.interrupt(id)
      return job
    },

    extend: extensions.ask,

    quote: quoting(placement, stopping.signal),
    waiting: whoWaits.waiting.of,
    askAgain: (job) => void (isAskedFor(job) && drivers.interrupt(job.id)),

    resolveImage: async ({ image, registryCredentials }) =>
      usable(await images.resolve(image, registryCredentials, stopping.signal)),

    seen: speeds.seen,
    tally: tally.totals,
    counters: () => ({ jobs: drivers.count(), roundsRunning: rounds.pending, roundsWaiting: rounds.size }),

    async start() {
      await Promise.all([reputation.recall(), speeds.recall(), starts.recall()])
      for await (const job of store.active()) {
        if (!isHeld(job)) drivers.drive(job.id)
      }
    },

    async stop() {
      await drivers.lastWords()
      stopping.abort(new Error('The node is stopping'))
      lot.stop()
      await drivers.done()
    },
  }
}

/** What is known of jobs that wait. */
function waitingOf({ directory, clock }: Pick<RequesterComponents, 'directory' | 'clock'>) {
  const clocksOff = createClocksOff({ clock })
  return { clocksOff, waiting: createWaitingJobs({ directory, clocksOff, clock }) }
}

/** Of a requester that keeps none. */
const NO_VOLUMES: Pick<Volumes, 'place' | 'note'> = {
  place(_owner, spec) {
    const index = spec.volumes.findIndex(({ volume }) => volume !== undefined)
    const { volume } = spec.volumes[index] ?? {}
    if (volume !== undefined) throw new VolumeError('UNKNOWN_VOLUME', `There is no volume ${volume}`, { index })
    return spec
  },
  note: async () => undefined,
}

/** Looks beside the rounds of jobs that wait. */
function quoting(placement: Omit<PlacementComponents, 'span'>, signal: AbortSignal): Requester['quote'] {
  const looks = new PQueue({ concurrency: MAX_LOOKS })
  const apart: typeof placement = { ...placement, inTurn: async (task) => await looks.add(task) }
  return async (spec, owner) => await quotesFor(apart, { spec, owner }, signal)
}

/** What the market says to a job that nobody is given. @throws {ProviderUnknownError} */
async function quotesFor(
  placement: Omit<PlacementComponents, 'span'>,
  { spec, owner }: { spec: JobSpec; owner: string },
  signal: AbortSignal,
): Promise<Quoted> {
  mustBeResolved(spec)
  const asked = splitSecrets(spec).spec
  const { image, blobs } = await dataOf(placement, { spec, owner }, signal)
  const answers = await placement.inTurn(() =>
    runRound(placement, {
      requirements: requirementsOf(asked, image, blobs),
      requirementsBytes: encodedRequirements(asked, image, blobs),
      strategy: spec.providerStrategy,
      widen: 1,
      windowMs: BID_WINDOW_MS,
      isPatient: true,
      signal,
    }),
  )
  for (const offer of answers.offers) offer.letGo(false)
  const { directory } = placement
  const nameOf = (provider: string): string => directory.get(provider)?.name ?? ''
  const job = { spec: asked, ...(image === null ? {} : { image }) }
  const quotes = quotesOf(answers, job, nameOf)
  if (quotes.some(({ pricePerHour }) => pricePerHour !== null)) return { quotes, nearest: null, helps: [] }
  const helps = whatHelps(asked, {
    image,
    providers: directory.list(),
    unwilling: new Set([...answers.offers, ...answers.declines].map(({ provider }) => provider)),
    figures: ({ provider, measured }) => placement.speeds.believed(provider, measured, owner),
  })
  return { quotes, nearest: nearestFailure(placement, job, answers), helps }
}

/** What is known of a job's image and of what it brings before it is there; of what is not here, nothing. */
async function dataOf(
  { images, inputs, marker }: Pick<PlacementComponents, 'images' | 'inputs' | 'marker'>,
  { spec, owner }: { spec: JobSpec; owner: string },
  signal: AbortSignal,
): Promise<{ image: ResolvedImage | null; blobs: WantedBlobs | undefined }> {
  // What an earlier job leaves may be on its way yet, and nobody waits for it here.
  const here = { owner, spec: { ...spec, inputs: spec.inputs?.filter(({ from }) => from.job === undefined) } }
  const resolved = await inputs.resolve(here, signal)
  const brought = { inputs: Array.isArray(resolved) ? resolved : [] }
  if (spec.imageFrom === undefined) {
    const image = usable(await images.resolve(spec.image, spec.registryCredentials, signal))
    return { image, blobs: marker.wanted(brought) }
  }
  const found = await inputs.image({ owner, spec })
  if ('image' in found) return { image: found.image, blobs: marker.wanted({ ...brought, ...found }) }
  return { image: null, blobs: marker.wanted(brought) }
}

/** Each job that names what nobody can run is told so when its turn comes. */
function usable(image: ResolvedImage | UnusableImage | null): ResolvedImage | null {
  return image === null || 'problem' in image ? null : image
}

/** Writes down that the job is to end; of one that nobody looks after, that it has ended. @throws {JobStateError} where it has */
async function askForTheEnd(store: JobStore, id: string): Promise<JobRecord> {
  const { job } = await store.change(id, (draft) => {
    if (isTerminal(draft.job.state.status)) {
      throw new JobStateError(draft.job.state.status, ['pending', 'scheduled', 'running'])
    }
    if (draft.job.cancelRequestedAtMs === null) draft.patch({ cancelRequestedAtMs: draft.nowMs })
    if (isHeld(draft.job)) cancelled(draft, null, draft.nowMs)
    draft.durable()
  })
  return job
}

/** @throws {ProviderUnknownError} */
function mustBeResolved({ provider }: JobSpec): void {
  if (!isResolved(provider)) throw new ProviderUnknownError(provider)
}

/** A pending job's driver may be waiting; awards under way are finished first, since the provider may have it already. */
function isAskedFor({ state }: Pick<JobRecord, 'state'>): boolean {
  return state.status === 'pending' && state.award === null
}

function isHeld({ state }: JobRecord): boolean {
  return state.status === 'pending' && state.held === true
}
