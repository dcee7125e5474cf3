/**
 * Prices that change with the time of day, the day, and who asks. A rule is a few conditions, and then a factor, a minimum
 * charge per job or both, as the owner writes it: `22:00-06:00 x0.5`, `sat,sun x0.8 min=0.01`, `client=12D3Koo… min=0`,
 * `mon-fri 09:00-17:00 x1.5`. The factors of all rules that hold are multiplied; they do not touch the minimum. Of the
 * minimums the lowest counts, and none but those of rules where one holds. So the order of rules means nothing.
 */

import { isModel } from '../../protocol/gpus.ts'
import { MAX_PRICE_NANO_USD } from '../../protocol/limits.ts'
import { type NanoUsd, type Prices, parseUsd } from '../../protocol/money.ts'
import { createLocalTime, isWithin, type LocalWindow, parseDays, parseMinutes } from '../hours/local-time.ts'

/** One rule, as {@link parsePriceRule} reads it. It holds where all of its conditions do. */
export interface PriceRule extends LocalWindow {
  /** Peer id of the requester; null is everyone. */
  client: string | null
  /** Thousandths: 500 is half the price. 0..100_000. */
  factorMillis: number
  /** Replaces the minimum charge, in nano-dollars; null leaves it. */
  minimumPerJob: NanoUsd | null
}

const FACTOR = /^x(\d{1,3})(?:\.(\d{1,3}))?$/
const MINIMUM = /^min=(\S{1,20})$/
const CLIENT = /^client=([1-9A-HJ-NP-Za-km-z]{40,64})$/
const MAX_FACTOR_MILLIS = 100_000
const MILLIS = 1000n

/** The rule, or null where the text is none: conditions, each at most once, and then the factor, the minimum or both. */
export function parsePriceRule(text: string): PriceRule | null {
  const words = text.trim().split(/\s+/)
  const minimumPerJob = parseMinimum(words.at(-1) ?? '')
  if (minimumPerJob !== null) words.pop()
  const factor = parseFactor(words.at(-1) ?? '')
  if (factor !== null) words.pop()
  if ((factor === null && minimumPerJob === null) || words.length === 0) return null
  const factorMillis = factor ?? Number(MILLIS)
  const rule: PriceRule = { minutes: null, days: null, client: null, factorMillis, minimumPerJob }
  for (const word of words) {
    const [, client = null] = CLIENT.exec(word) ?? []
    const minutes = parseMinutes(word)
    const days = parseDays(word)
    if (client !== null && rule.client === null) rule.client = client
    else if (minutes !== null && rule.minutes === null) rule.minutes = minutes
    else if (days !== null && rule.days === null) rule.days = days
    else return null
  }
  return rule
}

/** What one GPU costs an hour whose model is meant by this text; see `isModel`. */
export interface GpuPrice {
  model: string
  pricePerHour: NanoUsd
}

/** Prices of one provider with its rules, in nano-dollars. */
export interface PriceList {
  /** What everyone is told, at this moment in ms since the epoch. @param gpuModel with the price of these @default of any */
  posted(nowMs: number, gpuModel?: string): Prices
  /** What this requester is asked. */
  forClient(nowMs: number, client: string, gpuModel?: string): Prices
}

/**
 * @param timeZone IANA name. @default the machine's
 * @param gpuPrices of models; the first that is meant holds, and none has the price of any GPU
 */
export function createPriceList(
  prices: Prices,
  rules: readonly PriceRule[],
  timeZone?: string,
  gpuPrices: readonly GpuPrice[] = [],
): PriceList {
  const momentAt = createLocalTime(timeZone)

  function pricesOf(gpuModel: string | undefined): Prices {
    const own = gpuModel === undefined ? undefined : gpuPrices.find(({ model }) => isModel(gpuModel, model))
    return own === undefined ? prices : { ...prices, gpuPerHour: own.pricePerHour }
  }

  function scaledFor(nowMs: number, client: string | null, gpuModel?: string): Prices {
    const moment = momentAt(nowMs)
    const holding = rules.filter((rule) => (rule.client === null || rule.client === client) && isWithin(rule, moment))
    const factor = holding.reduce((all, { factorMillis }) => all * BigInt(factorMillis), 1n)
    const minimums = holding.map(({ minimumPerJob }) => minimumPerJob).filter((minimum) => minimum !== null)
    const minimumPerJob = minimums.reduce<NanoUsd | null>(
      (least, one) => (least === null || one < least ? one : least),
      null,
    )
    const scaled = scale(pricesOf(gpuModel), factor, MILLIS ** BigInt(holding.length))
    return { ...scaled, minimumPerJob: minimumPerJob ?? prices.minimumPerJob }
  }

  return {
    posted: (nowMs, gpuModel) => scaledFor(nowMs, null, gpuModel),
    forClient: scaledFor,
  }
}

function scale(prices: Prices, factor: bigint, unit: bigint): Omit<Prices, 'minimumPerJob'> {
  const scaled = (price: NanoUsd): NanoUsd => {
    const changed = (price * factor) / unit
    // Beyond it nobody would believe the announcement.
    if (changed > MAX_PRICE_NANO_USD) return MAX_PRICE_NANO_USD
    return changed
  }
  return {
    cpuPerCoreHour: scaled(prices.cpuPerCoreHour),
    memoryPerGbHour: scaled(prices.memoryPerGbHour),
    storagePerGbHour: scaled(prices.storagePerGbHour),
    gpuPerHour: scaled(prices.gpuPerHour),
    networkPerGb: scaled(prices.networkPerGb),
    volumePerGbHour: scaled(prices.volumePerGbHour),
  }
}

function parseMinimum(word: string): NanoUsd | null {
  const amount = parseUsd(MINIMUM.exec(word)?.[1] ?? '')
  return amount === null || amount > MAX_PRICE_NANO_USD ? null : amount
}

function parseFactor(word: string): number | null {
  const [, whole, fraction = ''] = FACTOR.exec(word) ?? []
  if (whole === undefined) return null
  const millis = Number(whole) * 1000 + Number(fraction.padEnd(3, '0'))
  return millis <= MAX_FACTOR_MILLIS ? millis : null
}
