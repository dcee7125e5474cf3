import type { ProviderStrategy } from '../../../protocol/job-spec.ts'
import { describeFigure, type Figures } from '../../../protocol/measured.ts'
import { effectivePerHour, type Most, type NanoUsd, type Terms, usdNumber } from '../../../protocol/money.ts'
import { type Resources, shownBytes } from '../../../protocol/units.ts'

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
  /** What the machine does in a second, as far as its provider is believed; null where nobody measured. */
  figures: Figures | null
  /** Whether its machine would run the image by emulation. */
  emulated: boolean
  /** Whether it has the image already, as it says. */
  holdsImage: boolean
  /** What of the job's bytes it lacks, as it says; null where it does not say, or the job needs none. */
  missingBytes: number | null
  /** How long the job would wait for what it lacks, in ms, as far as its provider is believed. */
  waitMs: number
}

/** An offer with its place among the others of its round. */
export interface Ranked<O extends Offer> {
  offer: O
  /** 0..1, higher is better. */
  score: number
  /** For people: what the score is made of. */
  reason: string
}

type Weights = Record<'price' | 'headroom' | 'latency' | 'uptime' | 'speed' | 'start', number>

/** Shares in a score; each row sums to 1. For `value` the price is that of the work and not of the hour. */
const WEIGHTS: Record<ProviderStrategy, Weights> = {
  cost: { price: 1, headroom: 0, latency: 0, uptime: 0, speed: 0, start: 0 },
  performance: { price: 0.1, headroom: 0.2, latency: 0.1, uptime: 0, speed: 0.25, start: 0.35 },
  availability: { price: 0.1, headroom: 0.1, latency: 0, uptime: 0.8, speed: 0, start: 0 },
  value: { price: 1, headroom: 0, latency: 0, uptime: 0, speed: 0, start: 0 },
}
/** Offers whose scores by `cost` are so near to the best of them go by how soon the job would run there. */
const TIE = 0.05
/** How a machine compares that nobody measured, beside the slowest that was. */
const UNMEASURED = 0.5

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

/** What of a machine emulation leaves: a fifth of its speed at best, so that any that runs the image by itself is better. */
const EMULATED = 0.1

/** Of ratios in whole numbers. */
const SCALE = 1_000_000n
const LEAST_RATIO = 1e-6

/** How much longer than where it is shortest a job waits for its data where that share is half, in ms. */
const HALF_WAIT_MS = 10_000
/** Latency at which its share is half, in ms. */
const HALF_LATENCY_MS = 50
/** Uptime at which its share is half, in seconds: a day. */
const HALF_UPTIME_S = 24 * 3600

/**
 * Best first. Equal scores go by price, then headroom, then id, so that the order is the same everywhere.
 * @param most what the job may use: a minimum charge weighs more on a short one, and prices of traffic and of volumes count for all that it may cause and leave
 */
export function rank<O extends Offer>(offers: O[], strategy: ProviderStrategy, most: Most): Ranked<O>[] {
  const ratios = speedRatios(offers.map(speedOf))
  const speeds = new Map(offers.map((offer, i) => [offer, ratios[i] ?? 1]))
  const priceOf = (offer: O): NanoUsd => {
    const perHour = effectivePerHour(offer, most)
    return strategy === 'value' ? perWork(perHour, speeds.get(offer) ?? 1) : perHour
  }
  const believed = offers.filter(({ trust }) => trust >= LEAST_TRUST)
  const isDoubtful = believed.length === 0 && offers.length >= LEAST_FOR_MEDIAN
  const prices = (believed.length > 0 ? believed : offers).map(priceOf).sort(compare)
  const standard = prices[isDoubtful ? Math.floor(prices.length / 2) : 0] ?? 0n
  const shortestMs = Math.min(...offers.map(({ waitMs }) => waitMs))
  const startOf = ({ waitMs }: O): number => (shortestMs + HALF_WAIT_MS) / (waitMs + HALF_WAIT_MS)
  const ratioOf = (price: NanoUsd): number =>
    isDoubtful && 2n * price < standard ? ratio(price, standard) : ratio(standard, price)
  const ratiosOf = (offer: O): Ratios => ({
    price: ratioOf(priceOf(offer)),
    speed: speeds.get(offer) ?? 1,
    start: startOf(offer),
  })
  const ranked = offers
    .map((offer) => score(offer, ratiosOf(offer), strategy))
    .sort(
      (a, b) =>
        b.score - a.score ||
        compare(priceOf(a.offer), priceOf(b.offer)) ||
        headroom(b.offer) - headroom(a.offer) ||
        compare(a.offer.provider, b.offer.provider),
    )
  return strategy === 'cost' ? soonerFirst(ranked) : ranked
}

/** Of those that are about as good as the best of them, those first where the job would run a second or more sooner. */
function soonerFirst<O extends Offer>(ranked: readonly Ranked<O>[]): Ranked<O>[] {
  const [best] = ranked
  if (best === undefined) return []
  const end = ranked.findIndex(({ score: other }) => other < best.score * (1 - TIE))
  const near = end === -1 ? ranked : ranked.slice(0, end)
  const seconds = ({ offer: { waitMs } }: Ranked<O>): number => Math.floor(waitMs / 1_000)
  return [...near.toSorted((a, b) => seconds(a) - seconds(b)), ...soonerFirst(end === -1 ? [] : ranked.slice(end))]
}

/** One more than the prices, so that free machines compare, too. */
function ratio(a: NanoUsd, b: NanoUsd): number {
  return Number(((a + 1n) * 1_000_000n) / (b + 1n)) / 1_000_000
}

function score<O extends Offer>(offer: O, ratios: Ratios, strategy: ProviderStrategy): Ranked<O> {
  const distrust = offer.trust < 1 ? `, trust ${percent(offer.trust)} from what was seen of it` : ''
  const least = offer.minimumCharge === 0n ? '' : `, at least $${usdNumber(offer.minimumCharge)}`
  const traffic = offer.pricePerGb === 0n ? '' : `, $${usdNumber(offer.pricePerGb)} per GB of traffic`
  const kept = offer.volumePerGbHour === 0n ? '' : `, $${usdNumber(offer.volumePerGbHour)} per GB-hour of volumes`
  const perCore = speedOf(offer)
  const speed = perCore === null ? '' : `, ${describeFigure('cpuSingle', perCore)} a core`
  return {
    offer,
    score: merit(offer, ratios, strategy) * offer.trust * (offer.emulated ? EMULATED : 1),
    reason: `${strategy}: $${usdNumber(offer.pricePerHour)}/h${least}${traffic}${kept}${speed}${offer.emulated ? ', by emulation' : ''}${offer.holdsImage ? ', has the image' : ''}${dataOf(offer)}, ${percent(headroom(offer))} left free${distrust}`,
  }
}

/** What a job would wait for there, where anything has to come. */
function dataOf({ missingBytes, waitMs }: Offer): string {
  const lacks = missingBytes === null || missingBytes === 0 ? '' : `, lacks ${shownBytes(missingBytes)}`
  return waitMs < 1_000 ? lacks : `${lacks}, about ${Math.round(waitMs / 1_000)} s until that is there`
}

/**
 * What a machine is worth to a strategy, 0..1, before what was seen of its provider.
 */
export function merit(
  machine: Pick<Offer, 'free' | 'total' | 'uptimeSeconds' | 'latencyMs'>,
  ratios: Ratios,
  strategy: ProviderStrategy,
): number {
  const { latencyMs, uptimeSeconds } = machine
  const weights = WEIGHTS[strategy]
  return (
    weights.price * Math.min(1, ratios.price) +
    weights.speed * Math.min(1, ratios.speed) +
    weights.headroom * headroom(machine) +
    weights.latency * (latencyMs === null ? 0.5 : HALF_LATENCY_MS / (HALF_LATENCY_MS + latencyMs)) +
    weights.start * ratios.start +
    weights.uptime * (uptimeSeconds / (HALF_UPTIME_S + uptimeSeconds))
  )
}

/** How a machine compares with the others. */
export interface Ratios {
  /** The cheapest price divided by this one's; above 1 counts as 1. */
  price: number
  /** This one's speed divided by the fastest one's. */
  speed: number
  /** How soon the job would run there, beside where it would soonest; 0..1. */
  start: number
}

/** Of each speed: itself divided by the fastest one, above 0 up to 1. All are alike where nobody measured. */
export function speedRatios(speeds: readonly (number | null)[]): number[] {
  let [slowest, fastest] = [Number.POSITIVE_INFINITY, 0]
  for (const speed of speeds) {
    if (speed === null || speed <= 0) continue
    slowest = Math.min(slowest, speed)
    fastest = Math.max(fastest, speed)
  }
  return speeds.map((speed) => {
    if (fastest === 0) return 1
    return Math.max((speed === null || speed <= 0 ? slowest * UNMEASURED : speed) / fastest, LEAST_RATIO)
  })
}

function speedOf({ figures }: Pick<Offer, 'figures'>): number | null {
  return figures?.cpuSingle ?? null
}

/** What the fastest machine's work of an hour costs here. */
function perWork(perHour: NanoUsd, speed: number): NanoUsd {
  return (perHour * SCALE) / BigInt(Math.round(speed * Number(SCALE)))
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
