import { requirementsDigest } from '../../../protocol/codec.ts'
import { encodedRequirements, jobToWire } from '../../../protocol/job-wire.ts'
import { MAX_HASTY_GRACE_MS } from '../../../protocol/limits.ts'
import { storedTerms, termsOf, usdNumber } from '../../../protocol/money.ts'
import type { Marker } from '../../../protocol/wanted-blobs.ts'
import type { Clock } from '../../clock.ts'
import { momentNow } from '../../moment.ts'
import type { AwardInFlight, BidRecord, JobDraft, JobRecord, JobStore, Lease } from '../../store/index.ts'
import { type Span, within } from '../../tracing/index.ts'
import type { Volumes } from '../../volumes/index.ts'
import { idOf } from '../bids/bid-desk.ts'
import type { Ranked } from '../bids/ranking.ts'
import type { Reputation } from '../reputation/reputation.ts'
import type { Starts } from '../reputation/starts.ts'
import type { Tally } from '../tally.ts'
import { type AwardComponents, type AwardOutcome, sendAward } from './award.ts'
import type { LiveOffer, RoundResult } from './round.ts'

/**
 * How much longer than its lease timeout a silent provider is waited out before the next attempt, in ms: for its container
 * to end, and its engine needs a moment for what comes then.
 */
export const FENCE_MARGIN_MS = MAX_HASTY_GRACE_MS + 5_000

/** Refusals of what a job holds, or of volumes that another job of its requester has. */
const OF_THE_JOB = new Set([
  'INVALID_JOB',
  'VOLUME_UNKNOWN',
  'VOLUME_IN_USE',
  'KEEP_TOO_LONG',
  'KEEPS_TOO_MUCH',
  'VOLUME_UNPAID',
])

/** What {@link tryAward} works with. */
export interface DeliveryComponents extends AwardComponents {
  store: JobStore
  reputation: Reputation
  tally: Tally
  starts: Pick<Starts, 'believedMs' | 'placed'>
  /** Names what jobs bring to their providers. */
  marker: Marker
  /** Told of the volumes that a job leaves at its provider. */
  volumes: Pick<Volumes, 'note'>
  /** Of the job's placement. */
  span: Span
  clock: Clock
}

/**
 * Awards the job to one bidder, whatever it answers, and keeps that with the job's bids. Null where the job is not what
 * was bid on any more, because its user changed it meanwhile: then nothing is sent.
 */
export async function tryAward(
  components: DeliveryComponents,
  job: JobRecord,
  answers: RoundResult,
  candidate: Ranked<LiveOffer>,
  signal: AbortSignal,
): Promise<AwardOutcome | null> {
  const { offer } = candidate
  const { marker, starts } = components
  const award: AwardInFlight = {
    provider: offer.provider,
    addresses: offer.addresses,
    fence: job.fence + 1,
    requestId: idOf(answers.requestId),
    bidId: idOf(offer.bid.bidId),
    requirementsDigest: idOf(answers.digest),
    ...storedTerms(offer),
    awardedAt: momentNow(components.clock),
    bidValidMs: offer.bid.validForMs,
  }
  // Written down before it is sent: after a crash the same award is sent again, and nobody else gets the job before its answer.
  const { job: current, result: isAsBid } = await components.store.change(job.id, (draft) => {
    if (
      idOf(requirementsDigest(encodedRequirements(draft.job.spec, draft.job.image, marker.wanted(draft.job)))) !==
      award.requirementsDigest
    )
      return false
    draft.refine('pending', { award })
    draft.patch({ fence: award.fence })
    draft.durable()
    return true
  })
  if (!isAsBid) return null
  const outcome = await deliver(components, current, award, signal)
  if (outcome.kind === 'accepted') starts.placed(current, offer)
  return outcome
}

/** Sends the award that the job's record holds, and writes down what came of it. */
async function deliver(
  components: DeliveryComponents,
  job: JobRecord,
  award: AwardInFlight,
  signal: AbortSignal,
): Promise<AwardOutcome> {
  const { store, reputation, tally, marker } = components
  const { spec, image = null, inputs = [], sentImage } = job
  const leaseTimeoutMs = spec.leaseTimeout * 1000
  const secrets = await store.secrets(job.id)
  const { onDisconnect } = spec
  const span = components.span.child('cortex.award', { 'cortex.provider': award.provider, 'cortex.fence': award.fence })
  const { traceparent } = span
  const order = {
    id: job.id,
    job: jobToWire(spec, secrets, image, marker.inputs(inputs), sentImage && marker.image(sentImage)),
    onDisconnect,
    leaseTimeoutMs,
    traceparent,
    attempt: job.attempt,
  }
  const outcome = await within(
    span,
    async () => await sendAward(components, award, order, signal),
    ({ kind }) => ({ 'cortex.outcome': kind }),
  )
  tally.count(outcome.kind)
  const isBid = (one: BidRecord): boolean => one.attempt === job.attempt && one.provider === award.provider
  const bid = (await store.bids(job.id)).find(isBid)
  // In one write with what follows: whoever sees that the job is placed sees whose bid was taken.
  const tell = (draft: JobDraft): void => {
    if (bid === undefined) return
    const reason = outcome.kind === 'accepted' ? bid.reason : `${bid.reason}; ${outcome.message}`
    draft.bid({ ...bid, timestampMs: draft.nowMs, outcome: outcome.kind, reason })
  }
  if (outcome.kind === 'accepted') {
    // Before the job says that it is placed: whoever sees that finds its volumes.
    await components.volumes.note(job, award)
    await store.change(job.id, (draft) => {
      tell(draft)
      const { nowMs } = draft
      const lease: Lease = {
        ...award,
        acceptedAtMs: nowMs,
        lastReport: 0,
        meteredMs: 0,
        lastContactMs: nowMs,
        imageDigest: null,
        settled: false,
        receipt: null,
      }
      draft.transition({
        expect: ['pending'],
        to: { status: 'scheduled', lease, scheduledAtMs: nowMs },
        by: 'provider',
        event: 'scheduled',
        data: { provider: award.provider, ...shownTerms(award), attempt: job.attempt },
      })
      draft.durable()
    })
    return outcome
  }
  // What a job holds is its owner's doing: no refusal of it speaks against a provider in the eyes of others.
  const isJobs = outcome.kind === 'refused' && OF_THE_JOB.has(outcome.code)
  reputation.record(award.provider, isJobs ? 'broken-for-owner' : 'broken', job.owner)
  const mayRun = outcome.kind === 'silent' && onDisconnect === 'stop'
  await store.change(job.id, (draft) => {
    const { state } = draft.job
    tell(draft)
    if (state.status !== 'pending') return
    draft.refine('pending', {
      award: null,
      // It may have accepted: then the job is another's, whatever the one before brings back.
      ...(outcome.kind === 'silent' ? { lost: null } : {}),
      // It may accept as long as its bid is valid, and run on from then for as long as nobody speaks to it.
      waitOutMs: mayRun ? award.bidValidMs + leaseTimeoutMs + FENCE_MARGIN_MS : 0,
      excluded: [...new Set([...state.excluded, award.provider])],
    })
  })
  if (mayRun) await waitOut(components, job.id, signal)
  return outcome
}

/** After a restart: an award whose answer nobody heard is sent again, a wait that was under way begins anew. */
export async function resumeAward(components: DeliveryComponents, jobId: string, signal: AbortSignal): Promise<void> {
  const job = await components.store.get(jobId)
  if (job?.state.status !== 'pending') return
  if (job.state.award !== null) await deliver(components, job, job.state.award, signal)
  else if (job.state.waitOutMs > 0) await waitOut(components, jobId, signal)
}

async function waitOut({ store, clock }: DeliveryComponents, jobId: string, signal: AbortSignal): Promise<void> {
  const job = await store.get(jobId)
  // A cancelled job is given to nobody else, so there is nothing to wait for.
  if (job?.state.status !== 'pending' || job.cancelRequestedAtMs !== null) return
  await clock.sleep(job.state.waitOutMs, signal)
  await store.change(jobId, (draft) => {
    if (draft.job.state.status === 'pending') draft.refine('pending', { waitOutMs: 0 })
  })
}

function shownTerms(award: AwardInFlight): Record<string, number> {
  const { pricePerHour, minimumCharge, pricePerGb, volumePerGbHour } = termsOf(award)
  return {
    pricePerHour: usdNumber(pricePerHour),
    ...(minimumCharge === 0n ? {} : { minimumCharge: usdNumber(minimumCharge) }),
    ...(pricePerGb === 0n ? {} : { pricePerGb: usdNumber(pricePerGb) }),
    ...(volumePerGbHour === 0n ? {} : { volumePerGbHour: usdNumber(volumePerGbHour) }),
  }
}
