/** GPUs as people ask for them, and whether those of one kind are what somebody asks for. */

import type { NanoUsd, Prices } from './money.ts'
import { formatBytes } from './units.ts'

/** Makers of GPUs that are sold. */
export const GPU_VENDORS = ['nvidia', 'amd', 'intel'] as const
/** One of {@link GPU_VENDORS}. */
export type GpuVendor = (typeof GPU_VENDORS)[number]

/** What joins a card to others of its machine. */
export const GPU_INTERCONNECTS = ['pcie', 'nvlink', 'xgmi'] as const

/** GPUs of one kind. Text is empty where a provider does not tell, or is of a version that did not. */
export interface GpuModel {
  /** The driver's name, e.g. `"NVIDIA A100-SXM4-40GB"`. */
  model: string
  /** Of each. */
  memoryBytes: number
  count: number
  /** One of {@link GPU_VENDORS}. */
  vendor: string
  /** Its version. */
  driver: string
  /** The newest CUDA that the driver runs, or the ROCm that is installed. */
  runtime: string
  /** Compute capability of NVIDIA's (`"9.0"`), target of AMD's (`"gfx942"`). */
  compute: string
  /** One of {@link GPU_INTERCONNECTS}. */
  interconnect: string
  /** e.g. `"1g.10gb"` of a part of a card; empty for a whole one. */
  migProfile: string
  /** Nano-dollars for one; null where the provider's price of any GPU holds. */
  pricePerHour: NanoUsd | null
  /** Of the count; null where it is not told. */
  free: number | null
}

/** What a job asks of its GPUs; what is empty, or 0, is not asked for. */
export interface GpuRequirements {
  /** One of {@link GPU_VENDORS}. */
  vendor: string
  /** Any of these. */
  models: string[]
  minMemoryBytes: number
  /** The least, as in {@link GpuModel}. */
  minCompute: string
  /** The least version, e.g. `"12.4"`. */
  minCuda: string
  /** One of {@link GPU_INTERCONNECTS}. */
  interconnect: string
}

/**
 * The share of what a card is sold as that its driver may keep: a card of "24 GB" shows 22.5 to 24 GiB, and no two sizes
 * that are sold lie as close together.
 */
const KEPT_SHARE = 0.07

/** What GPUs of a kind lack of what is asked, in words that follow their provider's name; empty where they are right. */
export function gpuLacks(gpu: GpuModel, wanted: GpuRequirements): string[] {
  const { vendor, models, minMemoryBytes, minCompute, minCuda, interconnect } = wanted
  const lacks: string[] = []
  const miss = (asked: string, has: string): void => {
    lacks.push(`${asked} asked, ${has} there`)
  }
  if (vendor !== '' && vendor !== gpu.vendor) miss(vendor, told(gpu.vendor))
  if (models.length > 0 && !models.some((name) => isModel(gpu.model, name))) miss(models.join(' or '), told(gpu.model))
  if (gpu.memoryBytes < minMemoryBytes * (1 - KEPT_SHARE)) {
    miss(`${formatBytes(minMemoryBytes)} VRAM`, gigabytes(gpu.memoryBytes))
  }
  if (minCompute !== '' && !isAtLeast(computeParts(gpu.compute), computeParts(minCompute))) {
    miss(`compute ${minCompute}`, told(gpu.compute))
  }
  const cuda = gpu.vendor === 'nvidia' ? gpu.runtime : ''
  if (minCuda !== '' && !isAtLeast(versionParts(cuda), versionParts(minCuda))) miss(`CUDA ${minCuda}`, told(cuda))
  if (interconnect !== '' && interconnect !== gpu.interconnect) miss(interconnect, told(gpu.interconnect))
  return lacks
}

/**
 * Whether a model is meant by what somebody wrote: in any case, as whole words of it, in their order. `h100` means
 * "NVIDIA H100 80GB HBM3", `rtx4090` means "NVIDIA GeForce RTX 4090", and `a10` does not mean an A100.
 */
export function isModel(model: string, asked: string): boolean {
  const words = wordsOf(model)
  let at = 0
  return wordsOf(asked).every((word) => {
    const end = endOf(words, at, word)
    at = end ?? at
    return end !== null
  })
}

/** Behind the words, from `from` on, that written together are this one; null where there are none. */
function endOf(words: string[], from: number, asked: string): number | null {
  for (let first = from; first < words.length; first++) {
    let together = ''
    for (let last = first; last < words.length && together.length < asked.length; last++) {
      together += words[last]
      if (together === asked) return last + 1
    }
  }
  return null
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

/** `1 NVIDIA H100 80GB HBM3 (79.6 GiB)`, with the profile of a part. */
export function describeGpu({ model, memoryBytes, migProfile }: GpuModel, count: number): string {
  const name = model === '' ? 'GPU' : model
  return `${count} ${name} (${migProfile === '' ? '' : `MIG ${migProfile}, `}${gigabytes(memoryBytes)})`
}

function gigabytes(bytes: number): string {
  return `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`
}

function told(text: string): string {
  return text === '' ? 'an unknown one' : text
}

function isAtLeast(has: number[] | null, wanted: number[] | null): boolean {
  if (has === null || wanted === null || has[0] !== wanted[0]) return false
  const place = wanted.findIndex((part, i) => part !== (has[i] ?? 0))
  return place === -1 || (has[place] ?? 0) > (wanted[place] ?? 0)
}

/** Of two kinds, told apart by the first: numbers of one say nothing of the other's. */
function computeParts(text: string): number[] | null {
  const [, major, minor, stepping] = /^gfx(\d{1,3})([0-9a-f])([0-9a-f])$/.exec(text) ?? []
  if (major !== undefined)
    return [1, Number(major), Number.parseInt(minor ?? '', 16), Number.parseInt(stepping ?? '', 16)]
  return versionParts(text)
}

function versionParts(text: string): number[] | null {
  return /^\d{1,4}(\.\d{1,4}){0,3}$/.test(text) ? [0, ...text.split('.').map(Number)] : null
}

/** What is asked of GPUs, of which kinds there are so many. */
interface Wanted {
  resources: { gpu: number }
  gpuRequirements?: GpuRequirements
}

/**
 * Kinds of which a job would be given its GPUs, all of one: the cheapest first, and of those that cost the same the least.
 *
 * @param price of any GPU, for kinds that have none of their own
 */
export function suitableKinds<T extends GpuModel>(kinds: readonly T[], wanted: Wanted, price: NanoUsd): T[] {
  const { gpuRequirements } = wanted
  const right = kinds.filter((gpu) => gpuRequirements === undefined || gpuLacks(gpu, gpuRequirements).length === 0)
  const priceOf = (gpu: T): NanoUsd => gpu.pricePerHour ?? price
  return right
    .filter(({ count }) => count >= wanted.resources.gpu)
    .toSorted((a, b) => Number(priceOf(a) - priceOf(b)) || a.memoryBytes - b.memoryBytes)
}

/**
 * A provider's prices for a job: with its GPUs' own. Null where it has none of a kind that is asked for.
 *
 * @param gpus as it announces them; older versions mix kinds, and tell none free
 */
export function pricesFor<P extends Pick<Prices, 'gpuPerHour'>>(
  prices: P,
  gpus: readonly GpuModel[],
  wanted: Wanted,
): P | null {
  if (wanted.resources.gpu === 0) return prices
  const knowsKinds = gpus.some(({ free }) => free !== null)
  if (!knowsKinds && wanted.gpuRequirements === undefined) return prices
  const [first] = suitableKinds(gpus, wanted, prices.gpuPerHour)
  return first === undefined ? null : { ...prices, gpuPerHour: first.pricePerHour ?? prices.gpuPerHour }
}
