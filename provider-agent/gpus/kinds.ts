/** The GPUs of this machine as they are sold: by kind, each with a price and how many are free. */

import { type GpuModel, suitableKinds } from '../../protocol/gpus.ts'
import { MAX_GPU_MODELS } from '../../protocol/limits.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import type { NanoUsd } from '../../protocol/money.ts'
import type { Gpu } from './gpu.ts'
import { kindOf } from './gpus.ts'

/** GPUs that are sold as the same; `key` is {@link kindOf} of each. */
export interface GpuKind extends GpuModel {
  key: string
}

/** Kinds in the order of the first of each; as many as an announcement takes. */
export function kindsOf(gpus: readonly Gpu[]): GpuKind[] {
  const kinds = new Map<string, GpuKind>()
  for (const gpu of gpus) {
    const key = kindOf(gpu)
    const { vendor, model, memoryBytes, driver, runtime, compute, interconnect, migProfile } = gpu
    const kind = kinds.get(key) ?? {
      ...{ key, vendor, model, memoryBytes, driver, runtime, compute, interconnect, migProfile },
      ...{ count: 0, pricePerHour: null, free: null },
    }
    kind.count += 1
    kinds.set(key, kind)
  }
  return [...kinds.values()].slice(0, MAX_GPU_MODELS)
}

/** How many of each kind there are, by key. */
export function countsOf(kinds: readonly GpuKind[]): ReadonlyMap<string, number> {
  return new Map(kinds.map(({ key, count }) => [key, count]))
}

/**
 * With prices, and what is free of them.
 *
 * @param free by key
 * @param priceOf for one GPU of a model
 */
export function onSale(
  kinds: readonly GpuKind[],
  free: ReadonlyMap<string, number>,
  priceOf: (model: string) => NanoUsd,
): GpuKind[] {
  return kinds.map((kind) => ({ ...kind, free: free.get(kind.key) ?? 0, pricePerHour: priceOf(kind.model) }))
}

/** The kind that a job would have its GPUs of: one with enough free before a cheaper one without. Null where none will do. */
export function chooseKind<T extends GpuModel>(kinds: readonly T[], wanted: Requirements): T | null {
  const { gpu } = wanted.resources
  if (gpu === 0) return null
  const right = suitableKinds(kinds, wanted, 0n)
  return right.find(({ free }) => (free ?? 0) >= gpu) ?? right[0] ?? null
}
