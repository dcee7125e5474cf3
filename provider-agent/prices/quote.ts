import { NO_FACTOR_MILLIS } from '../../protocol/isolation.ts'
import { type NanoUsd, type Prices, parseUsd, pricePerHour, type Terms } from '../../protocol/money.ts'
import type { Resources } from '../../protocol/units.ts'

/**
 * Posted where the owner sets none, in nano-dollars: US$ 0.01 per core-hour, 0.002 per GB-hour of memory, 0.0001 per
 * GB-hour of storage, 0.50 per GPU-hour, traffic free, no minimum. About half of what clouds ask for a small machine on demand.
 */
export const DEFAULT_PRICES: Readonly<Prices> = {
  cpuPerCoreHour: usd('0.01'),
  memoryPerGbHour: usd('0.002'),
  storagePerGbHour: usd('0.0001'),
  gpuPerHour: usd('0.5'),
  networkPerGb: 0n,
  minimumPerJob: 0n,
}

/**
 * What a bid on these resources asks.
 *
 * @param factorMillis of the walls that the job has, see `Wall`; the minimum stays as it is
 */
export function quote(resources: Resources, prices: Prices, factorMillis = NO_FACTOR_MILLIS): Terms {
  const plain = pricePerHour(resources, prices)
  const price = (plain * BigInt(factorMillis)) / BigInt(NO_FACTOR_MILLIS)
  return { pricePerHour: price, minimumCharge: prices.minimumPerJob }
}

function usd(amount: string): NanoUsd {
  const nano = parseUsd(amount)
  if (nano === null) throw new RangeError(`Not an amount: ${amount}`)
  return nano
}
