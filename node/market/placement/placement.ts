import { requirementsDigest } from '../../../protocol/codec.ts'
import { type Failure, failure, kindOfFailure, pullFailure } from '../../../protocol/failures.ts'
import { isPeerId } from '../../../protocol/ids.ts'
import { inputsAsked } from '../../../protocol/job-inputs.ts'
import { mostOf } from '../../../protocol/job-spec.ts'
import { encodedRequirements, requirementsOf } from '../../../protocol/job-wire.ts'
import type { Requirements } from '../../../protocol/market-messages.ts'
import { plainPlatform } from '../../../protocol/platforms.ts'
import { fits } from '../../../protocol/units.ts'
import type { Clock } from '../../clock.ts'
import { isResolved } from '../../directory/find-provider.ts'
import type { Inputs } from '../../inputs/index.ts'
import type { Logger } from '../../logger.ts'
import type { ImageResolver } from '../../registry/image-resolver.ts'
import type { JobRecord, JobStore } from '../../store/index.ts'
import { lostLeaseOf, type PastLease } from '../../store/records.ts'
import { type Tracer, within } from '../../tracing/index.ts'
import { idOf } from '../bids/bid-desk.ts'
import { barredFrom, declinesOf, passedOver, unfitness } from '../bids/bid-records.ts'
import type { ClocksOff } from '../bids/clocks-off.ts'
import { hasGpus } from '../bids/invitation.ts'
import { nearestFailure } from '../bids/nearest-miss.ts'
import { type Ranked, rank } from '../bids/ranking.ts'
import { cancelled } from '../leases/apply-report.ts'
import { regain } from '../leases/regain.ts'
import { type DeliveryComponents, resumeAward, tryAward } from './award-delivery.ts'
import type { ParkingLot } from './parking-lot.ts'
import { BID_WINDOW_MS, type LiveOffer, type RoundComponents, type RoundResult, runRound } from './round.ts'
import type { WaitingJobs } from './waiting-jobs.ts'

/** Pause before the network is asked again, in ms: doubles from the first to the last. */
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 15_000

/** How long a node that knows nobody yet listens before it asks, in ms: its neighbours tell it the market within 100. */
const NEWCOMER_WAIT_MS = 500

/** What {@link place} works with; the span is that of the job's placement. */
export interface PlacementComponents extends RoundComponents, DeliveryComponents {
  store: JobStore
  lot: ParkingLot
  images: ImageResolver
  inputs: Inputs
  clocksOff: ClocksOff
  waiting: WaitingJobs
  tracer: Tracer
  clock: Clock
  logger: Logger
  /** Limits how many rounds run at a time. */
  inTurn: <T>(task: () => Promise<T>) => Promise<T>
}

/** How long a round waits at most, after others in which nobody answered, in ms. */
const LONGEST_WINDOW_MS = 8_000

/** Whether the job may still be placed, read before every step. */
type Decision = 'go' | 'over'

/**
 * Finds a provider for a pending job: asks, ranks, awards, and goes on to the next bid where one refuses or says nothing.
 * Returns when the job is no longer pending.
 */
export async function place(
  components: Omit<PlacementComponents, 'span'>,
  jobId: string,
  signal: AbortSignal,
): Promise<void> {
  const span = components.tracer.start('cortex.place', '', { 'cortex.job': jobId })
  try {
    await within(span, async () => await placeTraced({ ...components, span }, jobId, signal))
  } finally {
    components.waiting.forget(jobId)
  }
}

async function placeTraced(components: PlacementComponents, jobId: string, signal: AbortSignal): Promise<void> {
  const { clock, lot } = components
  const startedMs = clock.monotonicMs()
  let retryMs = FIRST_RETRY_MS
  let widen = 1
  let windowMs = BID_WINDOW_MS
  let answers: RoundResult | null = null
  await resumeAward(components, jobId, signal)
  for (;;) {
    const waiting = await pendingJob(components, jobId)
    if (waiting === null) return
    const givesUpMs = startedMs + waiting.spec.queueTimeout * 1000
    const leftMs = givesUpMs - clock.monotonicMs()
    components.waiting.note(jobId, { givesUpMs, answers })
    // Earlier versions stored names: they must not be taken for any provider.
    if (leftMs <= 0 || !isResolved(waiting.spec.provider) || isSpent(components, waiting)) {
      await giveUp(components, waiting, answers)
      return
    }
    const known = await withImage(components, waiting, signal)
    const job = known === null ? null : await withInputs(components, known, signal)
    if (job === null) return
    const image = job.image ?? null
    if (lacksPlatform(job)) {
      await fail(components, job, pullFailure(job.spec.image, { reason: 'no-such-platform' }))
      return
    }
    const blobs = components.marker.wanted(job)
    const requirements = requirementsOf(job.spec, image, blobs)
    const requirementsBytes = encodedRequirements(job.spec, image, blobs)
    const { resources, provider } = requirements
    const wanted = { jobId, owner: job.owner, kind: idOf(requirementsDigest(requirementsBytes)), resources, provider }
    if (answers === null && components.directory.list().length === 0) {
      await lot.wait(wanted, Math.min(NEWCOMER_WAIT_MS, leftMs), signal)
    }
    if (worthAsking(components, requirements, answers)) {
      const span = components.span.child('cortex.round', { 'cortex.widen': widen })
      const init = {
        ...{ requirements, requirementsBytes, widen, signal, strategy: job.spec.providerStrategy, owner: job.owner },
        // Whole, as the request carries it.
        windowMs: Math.ceil(Math.min(windowMs, leftMs)),
        traceparent: span.traceparent,
      }
      const heard = await within(
        span,
        // Looked at when its turn has come: an older one may have come to wait meanwhile.
        async () => await components.inTurn(async () => (lot.yields(wanted) ? null : await runRound(components, init))),
        (found) => ({ 'cortex.bids': found?.offers.length ?? 0, 'cortex.declines': found?.declines.length ?? 0 }),
      )
      if (heard !== null) {
        answers = heard
        components.clocksOff.heard(heard)
        if (await awardBest(components, job, answers, signal)) return
        await forgive(components, job)
        components.waiting.note(jobId, { givesUpMs, answers })
        widen *= 4
        // nobody at all: the links may be slow, or lose what is said
        if (answers.offers.length + answers.declines.length === 0) windowMs = Math.min(2 * windowMs, LONGEST_WINDOW_MS)
      }
    }
    await lot.wait(wanted, Math.min(retryMs, Math.max(1, leftMs)), signal)
    retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)
  }
}

/** The job, where it is still to be placed; a cancelled one is ended here. */
async function pendingJob({ store }: PlacementComponents, jobId: string): Promise<JobRecord | null> {
  const { job, result } = await store.change(jobId, (draft): Decision => {
    if (draft.job.state.status !== 'pending') return 'over'
    if (draft.job.cancelRequestedAtMs === null) return 'go'
    cancelled(draft, null, draft.nowMs)
    return 'over'
  })
  return result === 'go' ? job : null
}

/**
 * The job with what its registry says of its image, or what it brings says itself: found out once for all attempts, where that
 * says anything. Null where it is one that the job brings, and not here, or one that no machine runs: then the job has failed.
 */
async function withImage(
  components: PlacementComponents,
  job: JobRecord,
  signal: AbortSignal,
): Promise<JobRecord | null> {
  const { store, images } = components
  if (job.image !== undefined) return job
  if (job.spec.imageFrom !== undefined) {
    const found = await components.inputs.image(job)
    if ('image' in found) return (await store.change(job.id, (draft) => draft.patch(found))).job
    await fail(components, job, found)
    return null
  }
  const { registryCredentials } = await store.secrets(job.id)
  const image = await images.resolve(job.spec.image, registryCredentials, signal)
  if (image === null) return job
  if (!('problem' in image)) return (await store.change(job.id, (draft) => draft.patch({ image }))).job
  await fail(components, job, pullFailure(`${job.spec.image}: ${image.problem}`, { reason: 'invalid-image' }))
  return null
}

/** The job with what its inputs came to; null where something that it names is not here: then it has failed. */
async function withInputs(
  components: PlacementComponents,
  job: JobRecord,
  signal: AbortSignal,
): Promise<JobRecord | null> {
  const { store, inputs } = components
  if (job.inputs !== undefined || inputsAsked(job.spec).length === 0) return job
  const found = await inputs.resolve(job, signal)
  if (Array.isArray(found)) return (await store.change(job.id, (draft) => draft.patch({ inputs: found }))).job
  await fail(components, job, found)
  return null
}

/** Whether the image is known not to be for what the job names. */
function lacksPlatform({ spec, image }: JobRecord): boolean {
  if (spec.platform === undefined || image === undefined || image.platforms.length === 0) return false
  return !image.platforms.includes(plainPlatform(spec.platform))
}

/**
 * Whether everybody who could be asked has tried to get the job's image, and could not, or may not have the job again: others
 * are not there to wait for.
 */
function isSpent({ directory }: PlacementComponents, job: JobRecord): boolean {
  const { spec, pastLeases } = job
  const last = pastLeases.at(-1)?.why
  if (last === undefined || !outweighsOthers(last)) return false
  const unable = pastLeases.filter(({ why }) => why?.code === 'IMAGE_PULL_ERROR').map(({ provider }) => provider)
  const failed = [...unable, ...barredFrom(job)]
  if (isPeerId(spec.provider)) return failed.includes(spec.provider)
  return directory.list().every(({ status, provider }) => status === 'offline' || failed.includes(provider))
}

/** Whether the end of the last attempt says more than that nobody tries any more. */
function outweighsOthers(why: NonNullable<PastLease['why']>): boolean {
  return why.code === 'IMAGE_PULL_ERROR' || !kindOfFailure(why).mayReturn
}

/** Providers are kept out of one round: a network of one provider must get its second chance. */
async function forgive({ store }: PlacementComponents, job: JobRecord): Promise<void> {
  const served = excludedOf(job)
  if (served.length === 0) return
  await store.change(job.id, (draft) => {
    const { state } = draft.job
    if (state.status !== 'pending') return
    draft.refine('pending', { excluded: state.excluded.filter((provider) => !served.includes(provider)) })
  })
}

/** Asking costs every provider: not while the directory says that all are full, but again when the answers are old. */
function worthAsking(
  { directory }: PlacementComponents,
  requirements: Requirements,
  last: RoundResult | null,
): boolean {
  if (last === null) return true
  const online = directory.list().filter((view) => view.status === 'online' && view.pausedReason === '')
  return (
    online.length === 0 || online.some((view) => fits(requirements.resources, view.free) && hasGpus(view, requirements))
  )
}

async function awardBest(
  components: PlacementComponents,
  job: JobRecord,
  answers: RoundResult,
  signal: AbortSignal,
): Promise<boolean> {
  const { store } = components
  const allowed = answers.offers.filter((offer) => unfitness(job, offer) === null)
  const excluded = [...excludedOf(job), ...barredFrom(job)]
  const wanted = allowed.filter((offer) => !excluded.includes(offer.provider))
  const ranked = rank(wanted, job.spec.providerStrategy, mostOf(job.spec))
  const records = [...declinesOf(job, answers), ...passedOver(job, answers, ranked)]
  if (records.length > 0) {
    await store.change(job.id, (draft) => {
      for (const record of records) draft.bid({ ...record, timestampMs: draft.nowMs })
    })
  }
  const answered = new Set<LiveOffer>()
  try {
    if (await isBack(components, job.id, answers, signal)) return true
    for (let left = ranked; left.length > 0; ) {
      const [candidate, ...others] = left as [Ranked<LiveOffer>, ...Ranked<LiveOffer>[]]
      left = others
      if (candidate.offer.expiresAtMs <= components.clock.monotonicMs()) continue
      const current = await pendingJob(components, job.id)
      if (current === null) return true
      const outcome = await tryAward(components, current, answers, candidate, signal)
      if (outcome === null) return false
      if (outcome.kind !== 'silent') answered.add(candidate.offer)
      if (outcome.kind === 'accepted') return true
      left = rankAgain(components, others, job)
    }
    return false
  } finally {
    for (const offer of answers.offers) offer.letGo(answered.has(offer))
  }
}

/** A lost provider that has answered is in touch again, and may have the job's result: it is asked before anybody is given it. */
async function isBack(
  components: PlacementComponents,
  jobId: string,
  { offers, declines }: RoundResult,
  signal: AbortSignal,
): Promise<boolean> {
  const job = await pendingJob(components, jobId)
  const lost = job === null ? null : lostLeaseOf(job)
  const hasAnswered = [...offers, ...declines].some(({ provider }) => provider === lost?.lease.provider)
  return job !== null && hasAnswered && (await regain(components, job, signal))
}

/** What a broken word says of others of its kind counts at once, or a job would be led from one of them to the next. */
function rankAgain({ reputation }: PlacementComponents, left: Ranked<LiveOffer>[], { spec, owner }: JobRecord) {
  for (const { offer } of left) offer.trust = reputation.trust(offer.provider, owner)
  return rank(
    left.map(({ offer }) => offer),
    spec.providerStrategy,
    mostOf(spec),
  )
}

async function giveUp(components: PlacementComponents, job: JobRecord, answers: RoundResult | null): Promise<void> {
  const { why: last } = job.pastLeases.at(-1) ?? {}
  const why =
    last === undefined || !outweighsOthers(last)
      ? nearestFailure(components, job, answers ?? { offers: [], declines: [] })
      : failureAgain(last, job.spec.image)
  await fail(components, job, why)
}

/** The failure of the last attempt, as that of the job. */
function failureAgain({ code, message, details }: NonNullable<PastLease['why']>, image: string): Failure {
  return code === 'IMAGE_PULL_ERROR' ? pullFailure(image, details) : failure(code, message, details)
}

async function fail({ store }: PlacementComponents, job: JobRecord, why: Failure): Promise<void> {
  await store.change(job.id, (draft) => {
    if (draft.job.state.status !== 'pending') return
    draft.transition({
      expect: ['pending'],
      to: {
        status: 'failed',
        failure: why,
        lease: null,
        scheduledAtMs: null,
        startedAtMs: null,
        endedAtMs: draft.nowMs,
        exitCode: null,
      },
      by: 'requester',
      event: 'failed',
      data: { code: why.code, message: why.message },
    })
    draft.durable()
  })
}

function excludedOf(job: JobRecord): string[] {
  return job.state.status === 'pending' ? job.state.excluded : []
}
