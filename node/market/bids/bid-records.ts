import { kindOfFailure } from '../../../protocol/failures.ts'
import { gpuLacks } from '../../../protocol/gpus.ts'
import { gpuRequirementsOf } from '../../../protocol/job-gpus.ts'
import { maxPricePerHour, minimumsOf, mostOf } from '../../../protocol/job-spec.ts'
import { lacking } from '../../../protocol/measured.ts'
import { effectivePerHour, storedTerms } from '../../../protocol/money.ts'
import { platformsAsked } from '../../../protocol/platforms.ts'
import type { BidRecord, JobRecord } from '../../store/index.ts'
import { gpuView } from '../../views/gpu-view.ts'
import type { LiveOffer, RoundResult } from '../placement/round.ts'
import type { Ranked } from './ranking.ts'

/** What is kept of an answer for the user to read; the store adds the time. */
type NewBidRecord = Omit<BidRecord, 'timestampMs'>

/**
 * Why an offer is not what the job asks for; null where it is: in price, any minimum charge spread over the job's duration,
 * in speed, as far as its provider is believed, and in GPUs.
 */
export function unfitness({ spec, image }: Pick<JobRecord, 'spec' | 'image'>, offer: LiveOffer): string | null {
  const cap = maxPricePerHour(spec)
  if (cap !== null && effectivePerHour(offer, mostOf(spec)) > cap) return 'above maxPrice'
  if (lacking(minimumsOf(spec.constraints), offer.figures).length > 0) return 'slower than it says'
  const platforms = platformsAsked(spec, image ?? null)
  if (platforms.length > 0 && !platforms.includes(offer.platform))
    return 'does not offer the platform that is asked for'
  if (spec.isolation !== undefined && offer.isolation !== spec.isolation) {
    return 'does not offer the isolation that is asked for'
  }
  const asked = gpuRequirementsOf(spec.gpuRequirements)
  if (asked === null) return null
  if (offer.gpu === null || offer.gpu.count < spec.gpu) return 'does not offer the GPUs that are asked for'
  const [lack] = gpuLacks(offer.gpu, asked)
  return lack === undefined ? null : `offers other GPUs: ${lack}`
}

/** Providers that a job does not go to again, whatever they bid: see `mayReturn` of the table of failures. */
export function barredFrom({ pastLeases }: Pick<JobRecord, 'pastLeases'>): string[] {
  return pastLeases.flatMap(({ provider, why }) =>
    why === undefined || kindOfFailure(why).mayReturn ? [] : [provider],
  )
}

/** The part of a bid's record that is the same whatever becomes of it. */
function bidRecord(job: JobRecord, offer: LiveOffer): Omit<NewBidRecord, 'outcome' | 'reason' | 'score'> {
  const { provider, name, platform, emulated, isolation } = offer
  const gpu = offer.gpu === null ? {} : { gpu: gpuView(offer.gpu) }
  const runs = platform === '' ? {} : { platform, ...(emulated ? { emulated } : {}) }
  const walls = isolation === '' ? {} : { isolation }
  const data = {
    ...(offer.missingBytes === null ? {} : { missingBytes: offer.missingBytes }),
    ...(offer.waiting.mostMs === 0 ? {} : { waitMs: Math.round(offer.waitMs) }),
  }
  return { attempt: job.attempt, provider, name, ...storedTerms(offer), ...gpu, ...runs, ...walls, ...data }
}

/** Every decline of a round, its code cut to 64 characters and its message to 256: both are a stranger's. */
export function declinesOf(job: JobRecord, { declines }: RoundResult): NewBidRecord[] {
  return declines.map(({ provider, name, decline }) => ({
    attempt: job.attempt,
    provider,
    name,
    outcome: 'declined',
    pricePerHour: null,
    minimumCharge: null,
    score: null,
    reason: `${decline.code.slice(0, 64)}: ${decline.message.slice(0, 256)}`,
  }))
}

/** Every bid of a round before an award was tried: released, with its score or why it has none. */
export function passedOver(job: JobRecord, { offers }: RoundResult, ranked: Ranked<LiveOffer>[]): NewBidRecord[] {
  const places = new Map(ranked.map((entry) => [entry.offer, entry]))
  const barred = barredFrom(job)
  return offers.map((offer) => {
    const entry = places.get(offer)
    const keptOut = barred.includes(offer.provider)
      ? 'kept out: the owner of the machine stopped this job there'
      : 'kept out of this round after a failed attempt'
    const excluded = unfitness(job, offer) ?? keptOut
    return {
      ...bidRecord(job, offer),
      outcome: 'released',
      score: entry?.score ?? null,
      reason: entry?.reason ?? excluded,
    }
  })
}
