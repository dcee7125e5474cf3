/** What a job is asked for: the one place where prices, walls and what a job wants become the terms of a bid. */

import { type GpuModel, pricesFor } from './gpus.ts'
import { type IsolationOffer, isolationFor, NO_FACTOR_MILLIS } from './isolation.ts'
import type { Requirements } from './market-messages.ts'
import { effectivePerHour, type Most, type NanoUsd, type Prices, pricePerHour, type Terms } from './money.ts'

/**
 * What a bid on these asks. What sends and receives nothing, or leaves no volume, is asked nothing for that.
 *
 * @param factorMillis of the walls that the job has, see `IsolationOffer`; the minimum stays as it is, and so do the prices of
 * traffic and of volumes
 */
export function quote(
  { resources, maxNetworkBytes, keptVolumes = [] }: Pick<Requirements, 'resources' | 'maxNetworkBytes' | 'keptVolumes'>,
  prices: Prices,
  factorMillis = NO_FACTOR_MILLIS,
): Terms {
  const plain = pricePerHour(resources, prices)
  return {
    pricePerHour: (plain * BigInt(factorMillis)) / BigInt(NO_FACTOR_MILLIS),
    minimumCharge: prices.minimumPerJob,
    pricePerGb: maxNetworkBytes === 0 ? 0n : prices.networkPerGb,
    volumePerGbHour: keptVolumes.some(({ id }) => id === '') ? prices.volumePerGbHour : 0n,
  }
}

/** What a provider posts. */
export interface Posted {
  prices: Prices
  gpus: readonly GpuModel[]
  /** The default first; none where its version tells none. */
  isolations: readonly IsolationOffer[]
}

/**
 * What a job would be asked by whoever posts this; null where it is not sold: GPUs of other kinds, other walls, or traffic
 * without a limit where traffic has a price.
 */
export function quoteOf({ prices, gpus, isolations }: Posted, wanted: Requirements): Terms | null {
  const own = pricesFor(prices, gpus, wanted)
  const wall = isolationFor(isolations, wanted.isolation)
  if (own === null || (wall === null && wanted.isolation !== '')) return null
  const terms = quote(wanted, own, wall?.factorMillis)
  return terms.pricePerGb > 0n && wanted.maxNetworkBytes === undefined ? null : terms
}

/**
 * What it would ask for an hour in all, to be compared with others and with a cap; null where it sells no such job.
 *
 * @param most what the job may take at most, see `mostOf`
 */
export function quotedPerHour(posted: Posted, wanted: Requirements, most: Most): NanoUsd | null {
  const terms = quoteOf(posted, wanted)
  return terms === null ? null : effectivePerHour(terms, most)
}
