/**
 * Money is whole nano-dollars in a `bigint`; decimals exist only where people read or write them.
 */

import { GIB, type Resources } from './units.ts'

/** Nano-dollars: 1_000_000_000n is one US dollar. */
export type NanoUsd = bigint

const NANO = 1_000_000_000n
const MILLIS_PER_CORE = 1000n
const SECONDS_PER_HOUR = 3600n

const USD = /^(\d{1,9})(?:\.(\d{1,9}))?$/

/** What a provider charges, in nano-dollars. GB are 2^30 bytes. */
export interface Prices {
  cpuPerCoreHour: NanoUsd
  memoryPerGbHour: NanoUsd
  storagePerGbHour: NanoUsd
  gpuPerHour: NanoUsd
  networkPerGb: NanoUsd
  /** What a job that ran pays at least; 0 is no minimum. */
  minimumPerJob: NanoUsd
  /** Of a volume that outlives its job, for the hours in which no job has it. */
  volumePerGbHour: NanoUsd
}

/** What a job's run is charged by: the receipt of it repeats these. */
export interface RunTerms {
  pricePerHour: NanoUsd
  /** What the job pays at least if its container ran at all; 0 is no minimum. */
  minimumCharge: NanoUsd
  /** For each GB that the job sends or receives; 0 is nothing. */
  pricePerGb: NanoUsd
}

/** What a bid asks for one job: an award repeats it, and receipts are held to it. */
export interface Terms extends RunTerms {
  /** For each GB of the volumes that the job leaves and hour in which no job has them; 0 is nothing. */
  volumePerGbHour: NanoUsd
}

/**
 * Nano-dollars of a decimal amount such as `"0.05"` or `0.05`; null where it is negative, no plain decimal, finer than
 * a nano-dollar, or a billion dollars and more.
 */
export function parseUsd(amount: string | number): NanoUsd | null {
  const text = typeof amount === 'number' ? decimalText(amount) : amount
  const match = USD.exec(text)
  if (match === null) return null
  const [, whole = '', fraction = ''] = match
  return BigInt(whole) * NANO + BigInt(fraction.padEnd(9, '0'))
}

/** The exact decimal text: `0.05`, `12`, `0.000000001`. */
export function formatUsd(amount: NanoUsd): string {
  const sign = amount < 0n ? '-' : ''
  const absolute = amount < 0n ? -amount : amount
  const fraction = String(absolute % NANO)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${sign}${absolute / NANO}${fraction === '' ? '' : `.${fraction}`}`
}

/** The number for JSON; exact up to 15 significant digits. */
export function usdNumber(amount: NanoUsd): number {
  return Number(formatUsd(amount))
}

/** What the resources cost for an hour, rounded down to a whole nano-dollar once, at the end. */
export function pricePerHour(resources: Resources, prices: Prices): NanoUsd {
  const gib = BigInt(GIB)
  const scaled =
    BigInt(resources.cpuMillis) * prices.cpuPerCoreHour * gib +
    BigInt(resources.memoryBytes) * prices.memoryPerGbHour * MILLIS_PER_CORE +
    BigInt(resources.storageBytes) * prices.storagePerGbHour * MILLIS_PER_CORE +
    BigInt(resources.gpu) * prices.gpuPerHour * MILLIS_PER_CORE * gib
  return scaled / (MILLIS_PER_CORE * gib)
}

/** What metered whole seconds cost at a price per hour, rounded down to a whole nano-dollar. */
export function costOf(perHour: NanoUsd, seconds: number): NanoUsd {
  return (perHour * BigInt(seconds)) / SECONDS_PER_HOUR
}

/** What a job used: metered whole seconds, and the bytes that it sent and received where those are counted. */
export interface Used {
  seconds: number
  networkBytes: number
}

/** All that a job may come to: what it may use, and what it may leave for later. */
export interface Most extends Used {
  /** Of each volume that it leaves its bytes times the seconds that it is kept after its last use, together. */
  keptByteSeconds: bigint
}

/** What was used costs at its prices, each part rounded down to a whole nano-dollar, whatever the minimum. */
export function useOf({ pricePerHour: perHour, pricePerGb }: RunTerms, { seconds, networkBytes }: Used): NanoUsd {
  return costOf(perHour, seconds) + (pricePerGb * BigInt(networkBytes)) / BigInt(GIB)
}

/**
 * What was used costs under these terms: time and traffic at their prices, or the minimum where that is more. What never ran
 * costs nothing.
 */
export function chargeOf(terms: RunTerms, used: Used): NanoUsd {
  if (used.seconds === 0) return 0n
  const cost = useOf(terms, used)
  return larger(cost, terms.minimumCharge)
}

/** What volumes cost for so many bytes times seconds in which no job has them, rounded down. */
export function keepingCost(volumePerGbHour: NanoUsd, byteSeconds: bigint): NanoUsd {
  return (volumePerGbHour * byteSeconds) / (BigInt(GIB) * SECONDS_PER_HOUR)
}

/** The most that a job comes to under these terms: its run, and the volumes that it leaves, for as long as nobody uses them. */
export function mostCharge(terms: Terms, most: Most): NanoUsd {
  return chargeOf(terms, most) + keepingCost(terms.volumePerGbHour, most.keptByteSeconds)
}

/**
 * The price per hour at which a job of this duration would cost as much if it sent and received all that it may, and nobody used
 * what it leaves: what bids are ranked by, and what a price cap holds. Rounded up.
 */
export function effectivePerHour(terms: Terms, most: Most): NanoUsd {
  const { pricePerHour: perHour, minimumCharge, pricePerGb, volumePerGbHour } = terms
  const seconds = BigInt(Math.max(1, most.seconds))
  const traffic = divideUp(pricePerGb * BigInt(most.networkBytes) * SECONDS_PER_HOUR, BigInt(GIB) * seconds)
  const kept = divideUp(volumePerGbHour * most.keptByteSeconds, BigInt(GIB) * seconds)
  const spread = divideUp(minimumCharge * SECONDS_PER_HOUR, seconds)
  return larger(spread, perHour + traffic) + kept
}

/** The larger of two; Math.max is of numbers. */
export function larger(a: NanoUsd, b: NanoUsd): NanoUsd {
  if (a > b) return a
  return b
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by
}

/** Terms as records hold them, as decimal text; those of versions that knew no such price lack it. */
export interface StoredTerms {
  pricePerHour: string
  minimumCharge?: string
  pricePerGb?: string
  volumePerGbHour?: string
}

/** The terms of a record. */
export function termsOf({
  pricePerHour: perHour,
  minimumCharge = '0',
  pricePerGb = '0',
  volumePerGbHour = '0',
}: StoredTerms): Terms {
  return {
    pricePerHour: BigInt(perHour),
    minimumCharge: BigInt(minimumCharge),
    pricePerGb: BigInt(pricePerGb),
    volumePerGbHour: BigInt(volumePerGbHour),
  }
}

/** The terms for a record; prices of traffic and of volumes only where there are such. */
export function storedTerms({
  pricePerHour: perHour,
  minimumCharge,
  pricePerGb,
  volumePerGbHour,
}: Terms): StoredTerms & { minimumCharge: string } {
  const traffic = pricePerGb === 0n ? {} : { pricePerGb: String(pricePerGb) }
  const volumes = volumePerGbHour === 0n ? {} : { volumePerGbHour: String(volumePerGbHour) }
  return { pricePerHour: String(perHour), minimumCharge: String(minimumCharge), ...traffic, ...volumes }
}

/** Billing is by the second begun: 1 ms is one second. */
export function meteredSeconds(durationMs: number): number {
  return Math.ceil(Math.max(0, durationMs) / 1000)
}

/**
 * The longest run of one attempt that may be billed, in seconds: its duration, and the grace that its job gives it after
 * the stop signal.
 */
export function mostSeconds(job: { durationSeconds: number; stopGraceSeconds: number }): number {
  return job.durationSeconds + job.stopGraceSeconds
}

/** A number as plain decimal text; JavaScript prints small ones with an exponent. */
function decimalText(amount: number): string {
  const match = /^(\d)(?:\.(\d+))?e-(\d+)$/.exec(String(amount))
  if (match === null) return String(amount)
  const [, whole = '', fraction = '', exponent = ''] = match
  return `0.${'0'.repeat(Number(exponent) - 1)}${whole}${fraction}`
}
