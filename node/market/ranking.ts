import type { ProviderStrategy } from '../../protocol/job-spec.ts'
import { effectivePerHour, type NanoUsd, type Terms, usdNumber } from '../../protocol/money.ts'
import type { Resources } from '../../protocol/units.ts'

/** A checked bid with what is known of its provider. */
export interface Offer extends Terms {
  provider: string
  name: string
  /** What stays free at the provider beside this job. */
  free: Resources
  /** Everything it has; null where it never announced. */
  total: Resources | null
  uptimeSeconds: number
  latencyMs: number | null
  /** 0..1, from {@link Reputation}. */
  trust: number
}

export interface Ranked<O extends Offer> {
  offer: O
  /** 0..1, higher is better. */
  score: number
  /** For people: what the score is made of. */
  reason: string
}

/** Shares of price, headroom, latency and uptime in a score; each row sums to 1. */
const WEIGHTS: Record<ProviderStrategy, { price: number; headroom: number; latency: number; uptime: number }> = {
  cost: { price: 1, headroom: 0, latency: 0, uptime: 0 },
  performance: { price: 0.1, headroom: 0.6, latency: 0.3, uptime: 0 },
  availability: { price: 0.1, headroom: 0.1, latency: 0, uptime: 0.8 },
}

/**
 * Trust below which a price sets no standard for the others: who breaks its word could otherwise bid next to nothing, and
 * stay ahead of everybody whatever is known of it.
 */
export const LEAST_TRUST = 0.5

/**
 * Where none of so many offers is believed, the price in the middle is the standard, and less than half of it no bargain
 * but the less likely the cheaper it is: those who mean to break their word underbid.
 */
const LEAST_FOR_MEDIAN = 3

/** Latency at which its share is half, in ms. */
const HALF_LATENCY_MS = 50
/** Uptime at which its share is half, in seconds: a day. */
const HALF_UPTIME_S = 24 * 3600

/**
 * Best first. Equal scores go by price, then headroom, then id, so that the order is the same everywhere.
 * @param durationSeconds of the job: a minimum charge weighs more on a short one
 */
export function rank<O extends Offer>(offers: O[], strategy: ProviderStrategy, durationSeconds: number): Ranked<O>[] {
  const priceOf = (offer: O): NanoUsd => effectivePerHour(offer, durationSeconds)
  const believed = offers.filter(({ trust }) => trust >= LEAST_TRUST)
  const isDoubtful = believed.length === 0 && offers.length >= LEAST_FOR_MEDIAN
  const prices = (believed.length > 0 ? believed : offers).map(priceOf).sort(compare)
  const standard = prices[isDoubtful ? Math.floor(prices.length / 2) : 0] ?? 0n
  const ratioOf = (price: NanoUsd): number =>
    isDoubtful && 2n * price < standard ? ratio(price, standard) : ratio(standard, price)
  return offers
    .map((offer) => score(offer, ratioOf(priceOf(offer)), strategy))
    .sort(
      (a, b) =>
        b.score - a.score ||
        compare(priceOf(a.offer), priceOf(b.offer)) ||
        headroom(b.offer) - headroom(a.offer) ||
        compare(a.offer.provider, b.offer.provider),
    )
}

/** One more than the prices, so that free machines compare, too. */
function ratio(a: NanoUsd, b: NanoUsd): number {
  return Number(((a + 1n) * 1_000_000n) / (b + 1n)) / 1_000_000
}

function score<O extends Offer>(offer: O, priceRatio: number, strategy: ProviderStrategy): Ranked<O> {
  const distrust = offer.trust < 1 ? `, trust ${percent(offer.trust)} from what was seen of it` : ''
  const least = offer.minimumCharge === 0n ? '' : `, at least $${usdNumber(offer.minimumCharge)}`
  return {
    offer,
    score: merit(offer, priceRatio, strategy) * offer.trust,
    reason: `${strategy}: $${usdNumber(offer.pricePerHour)}/h${least}, ${percent(headroom(offer))} left free${distrust}`,
  }
}

/**
 * What a machine is worth to a strategy, 0..1, before what was seen of its provider.
 * @param priceRatio the cheapest price divided by this one's; above 1 counts as 1
 */
export function merit(
  machine: Pick<Offer, 'free' | 'total' | 'uptimeSeconds' | 'latencyMs'>,
  priceRatio: number,
  strategy: ProviderStrategy,
): number {
  const { latencyMs, uptimeSeconds } = machine
  const weights = WEIGHTS[strategy]
  return (
    weights.price * Math.min(1, priceRatio) +
    weights.headroom * headroom(machine) +
    weights.latency * (latencyMs === null ? 0.5 : HALF_LATENCY_MS / (HALF_LATENCY_MS + latencyMs)) +
    weights.uptime * (uptimeSeconds / (HALF_UPTIME_S + uptimeSeconds))
  )
}

/** Share of the machine's CPU that stays free beside the job. */
function headroom({ free, total }: Pick<Offer, 'free' | 'total'>): number {
  return total === null || total.cpuMillis === 0 ? 0 : Math.min(1, free.cpuMillis / total.cpuMillis)
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}

function compare<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
