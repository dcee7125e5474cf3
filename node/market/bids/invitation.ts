import { type GpuModel, pricesFor, suitableKinds } from '../../../protocol/gpus.ts'
import { isolationFor, NO_FACTOR_MILLIS } from '../../../protocol/isolation.ts'
import type { ProviderStrategy } from '../../../protocol/job-spec.ts'
import { keptByteSecondsOf } from '../../../protocol/job-volumes.ts'
import type { Requirements } from '../../../protocol/market-messages.ts'
import type { Figures } from '../../../protocol/measured.ts'
import { fits, GIB } from '../../../protocol/units.ts'
import { couldTake } from '../../directory/could-take.ts'
import type { ProviderView } from '../../directory/index.ts'
import { LEAST_TRUST, merit, speedRatios } from './ranking.ts'

/** Of those asked, the share that the directory says is best; the others are drawn by lot. */
const BEST_SHARE = 0.5

/** What is asked for, and what is known of those who could be asked. */
export interface InvitationInit {
  requirements: Requirements
  strategy: ProviderStrategy
  /** How many are asked at most. */
  count: number
  /** 0..1, see `reputation.ts`. */
  trust: (provider: string) => number
  /** What a machine does in a second, as far as its provider is believed; see `speeds.ts`. @default as announced */
  figures?: (view: ProviderView) => Figures | null
  /** False for one that did not answer lately. */
  isAwaited: (provider: string) => boolean
  /** Whether there is a connection: of equal offers the one that can be asked without dialling is asked. */
  isConnected: (provider: string) => boolean
}

/**
 * Whom to ask, from what providers announced. Half are those with the best offers on paper, the others come by lot: so
 * that a newcomer is heard, a liar's announcement wins it no more than a question, and not every requester asks the same
 * few. Reads the whole directory once: 10,000 providers take less than 5 ms (`bench/directory.ts`).
 */
export function chooseInvited(providers: readonly ProviderView[], init: InvitationInit): ProviderView[] {
  const candidates: ProviderView[] = []
  for (const view of providers) {
    if (isSuitable(view, init.requirements, init.figures) && init.isAwaited(view.provider)) candidates.push(view)
  }
  if (candidates.length <= init.count) return candidates
  const best = bestOf(candidates, Math.ceil(init.count * BEST_SHARE), init)
  return [...best, ...drawn(candidates, new Set(best), init.count - best.length)]
}

/** Whether an announcement says that this provider would bid. */
export function isSuitable(
  view: ProviderView,
  wanted: Requirements,
  figures: InvitationInit['figures'] = announced,
): boolean {
  return (
    view.pausedReason === '' &&
    fits(wanted.resources, view.free) &&
    couldTake(view, wanted, figures) &&
    hasGpus(view, wanted) &&
    (wanted.maxPricePerHour === null || roughPrice(view, wanted) <= Number(wanted.maxPricePerHour) + 1)
  )
}

/** Whether enough GPUs of a kind that is asked for are free. Older versions do not tell how many are, and mix kinds. */
export function hasGpus({ gpus }: Pick<ProviderView, 'gpus'>, wanted: Requirements): boolean {
  const { gpu } = wanted.resources
  if (gpu === 0) return true
  if (!gpus.some(({ free }) => free !== null)) return wanted.gpuRequirements === undefined
  return suitableKinds(gpus, wanted, 0n).some(({ free }: GpuModel) => (free ?? 0) >= gpu)
}

/** The first `count` by score, without sorting the rest. Equal ones are told apart by lot. */
function bestOf(candidates: ProviderView[], count: number, init: InvitationInit): ProviderView[] {
  const speeds = ofSpeed(candidates, init)
  const prices = candidates.map((view, i) => {
    const perHour = roughPrice(view, init.requirements)
    return init.strategy === 'value' ? perHour / (speeds[i] ?? 1) : perHour
  })
  const trusts = candidates.map(({ provider }) => init.trust(provider))
  let cheapest = Number.POSITIVE_INFINITY
  for (const [i, price] of prices.entries()) {
    if (price < cheapest && (trusts[i] ?? 0) >= LEAST_TRUST) cheapest = price
  }
  const best: { view: ProviderView; score: number; lot: number }[] = []
  for (const [i, view] of candidates.entries()) {
    const ratios = { price: (cheapest + 1) / ((prices[i] ?? 0) + 1), speed: speeds[i] ?? 1, start: 1 }
    const score = (trusts[i] ?? 0) * merit(view, ratios, init.strategy)
    const last = best[count - 1]
    if (last !== undefined && score < last.score) continue
    const entry = { view, score, lot: Math.random() + (init.isConnected(view.provider) ? 1 : 0) }
    if (last !== undefined && !isBetter(entry, last)) continue
    const at = best.findIndex((other) => isBetter(entry, other))
    best.splice(at === -1 ? best.length : at, 0, entry)
    best.length = Math.min(best.length, count)
  }
  return best.map(({ view }) => view)
}

function announced({ measured }: ProviderView): Figures | null {
  return measured
}

/** How fast each is beside the fastest, where that matters. */
function ofSpeed(candidates: ProviderView[], { strategy, figures = announced }: InvitationInit): number[] {
  if (strategy !== 'value' && strategy !== 'performance') return []
  return speedRatios(candidates.map((view) => figures(view)?.cpuSingle ?? null))
}

function isBetter(a: { score: number; lot: number }, b: { score: number; lot: number }): boolean {
  return a.score === b.score ? a.lot > b.lot : a.score > b.score
}

/** `count` of the others by lot. */
function drawn(candidates: ProviderView[], taken: ReadonlySet<ProviderView>, count: number): ProviderView[] {
  const found = new Set<ProviderView>()
  const others = candidates.filter((view) => !taken.has(view))
  while (found.size < Math.min(count, others.length)) {
    const view = others[Math.floor(Math.random() * others.length)]
    if (view !== undefined) found.add(view)
  }
  return [...found]
}

/** In nano-dollars per hour with any minimum spread over the job, close enough to choose whom to ask: the bid says the exact price. */
function roughPrice({ prices, gpus, isolations }: ProviderView, wanted: Requirements): number {
  const { resources, durationSeconds } = wanted
  const known = inNumbers(prices)
  const { cpuMillis, memoryBytes, storageBytes, gpu } = resources
  const gpuPrice = gpu === 0 ? 0 : Number(pricesFor(prices, gpus, wanted)?.gpuPerHour ?? prices.gpuPerHour)
  const perHour = cpuMillis * known.cpu + memoryBytes * known.memory + storageBytes * known.storage + gpu * gpuPrice
  const { factorMillis } = isolationFor(isolations, wanted.isolation) ?? { factorMillis: NO_FACTOR_MILLIS }
  const traffic = (known.traffic * (wanted.maxNetworkBytes ?? 0)) / durationSeconds
  const kept = (known.kept * Number(keptByteSecondsOf(wanted.keptVolumes ?? []))) / durationSeconds
  return Math.max((perHour * factorMillis) / NO_FACTOR_MILLIS + traffic, known.minimum / durationSeconds) + kept
}

interface RoughPrices {
  cpu: number
  memory: number
  storage: number
  /** Per job, for seconds of one hour. */
  minimum: number
  /** Per byte, for seconds of one hour. */
  traffic: number
  /** Per byte and second, for seconds of one hour. */
  kept: number
}

/** Announced prices for one millicore and byte, as numbers. */
const numbers = new WeakMap<ProviderView['prices'], RoughPrices>()

function inNumbers(prices: ProviderView['prices']): RoughPrices {
  const before = numbers.get(prices)
  if (before !== undefined) return before
  const known = {
    cpu: Number(prices.cpuPerCoreHour) / 1000,
    memory: Number(prices.memoryPerGbHour) / GIB,
    storage: Number(prices.storagePerGbHour) / GIB,
    minimum: Number(prices.minimumPerJob) * 3600,
    traffic: (Number(prices.networkPerGb) * 3600) / GIB,
    kept: Number(prices.volumePerGbHour) / GIB,
  }
  numbers.set(prices, known)
  return known
}
