import { readRequirements } from '../../protocol/checks.ts'
import { requirementsOf } from '../../protocol/job-wire.ts'
import { effectivePerHour } from '../../protocol/money.ts'
import type { BidRecord, JobRecord } from '../store/index.ts'
import type { Ranked } from './ranking.ts'
import type { LiveOffer, RoundResult } from './round.ts'

/** What is kept of an answer for the user to read; the store adds the time. */
type NewBidRecord = Omit<BidRecord, 'timestampMs'>

/** Whether an offer, its minimum charge spread over the job's duration, is within the job's price cap. */
export function withinCap(job: JobRecord, offer: LiveOffer): boolean {
  const { maxPricePerHour: cap, durationSeconds } = readRequirements(requirementsOf(job.spec))
  return cap === null || effectivePerHour(offer, durationSeconds) <= cap
}

/** The part of a bid's record that is the same whatever becomes of it. */
export function bidRecord(job: JobRecord, offer: LiveOffer): Omit<NewBidRecord, 'outcome' | 'reason' | 'score'> {
  const { provider, name } = offer
  const terms = { pricePerHour: String(offer.pricePerHour), minimumCharge: String(offer.minimumCharge) }
  return { attempt: job.attempt, provider, name, ...terms }
}

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
  return offers.map((offer) => {
    const entry = places.get(offer)
    const excluded = withinCap(job, offer) ? 'kept out of this round after a failed attempt' : 'above maxPrice'
    return {
      ...bidRecord(job, offer),
      outcome: 'released',
      score: entry?.score ?? null,
      reason: entry?.reason ?? excluded,
    }
  })
}
