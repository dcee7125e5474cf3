/** A GPU of this machine, as the tools of its maker tell of it. */

import type { GpuVendor } from '../../protocol/gpus.ts'

/** One GPU that could be sold: a whole card, or a MIG device of one. */
export interface Gpu {
  vendor: GpuVendor
  /** Place in the list of the vendor's tool, from 0; of a MIG device, of its card. */
  index: number
  /** What it is known by, e.g. `"GPU-5d4d5a1f-…"`, `"MIG-…"`; of other vendors `"amd-0000:05:00.0"`. */
  uuid: string
  /** e.g. `"NVIDIA A100-SXM4-40GB"`. */
  model: string
  memoryBytes: number
  /** Version of the driver; empty where no tool tells. */
  driver: string
  /** The newest CUDA that the driver runs, or the ROCm that is installed, e.g. `"12.4"`; empty where no tool tells. */
  runtime: string
  /** What code it runs: `"9.0"`, `"gfx942"`; empty where no tool tells. */
  compute: string
  /** What joins it to others: `"nvlink"`, `"xgmi"`, or `"pcie"`. */
  interconnect: string
  /** e.g. `"1g.10gb"` of a part of a card; empty for a whole one. */
  migProfile: string
  /** The card that it is a part of, and its place there; null for a whole one. */
  part: { card: string; place: number } | null
  /** Files of the machine by which a container is given it; empty where the engine knows it by its uuid. */
  devices: string[]
  /** Groups that may open those, by number; root apart. */
  groups: number[]
  /** Why it is not sold at the moment, for people, with the remedy; null while it is. */
  problem: string | null
}

/** A card that is there and cannot be sold. */
export interface UnsoldCard {
  name: string
  /** For people, with the remedy. */
  reason: string
}

/** What one look at the machine finds. */
export interface FoundGpus {
  gpus: Gpu[]
  unsold: UnsoldCard[]
}

/** What they say of a card that cannot be looked at. */
export const LOST = 'does not answer its driver (fallen off the bus, or to be reset): restart the machine, or reset it'

/** Of one that shares the machine's memory, which jobs are given by themselves. */
export const NO_MEMORY = 'has no memory of its own: such GPUs are not sold'

/** Of one whose memory has failed. */
export function eccProblem(errors: number): string {
  return `had ${errors} uncorrectable ECC errors since its driver was loaded: reset it, or have it replaced`
}

/** Of one that is as hot as it may be. @param at with its unit, e.g. `"97 °C"` */
export function heatProblem(at: string): string {
  return `is too hot (${at}): look after its cooling`
}

/** A whole card of which nothing else is known yet. */
export function bareGpu(known: Pick<Gpu, 'vendor' | 'index' | 'uuid' | 'model' | 'memoryBytes'>): Gpu {
  return {
    ...{ ...known, model: known.model.slice(0, MAX_MODEL) },
    ...{ driver: '', runtime: '', compute: '', interconnect: 'pcie', migProfile: '', part: null },
    ...{ devices: [], groups: [], problem: null },
  }
}

/** Longer names are cut. */
const MAX_MODEL = 128

/** In bytes; what the makers' tools count in. */
export const MIB = 2 ** 20
