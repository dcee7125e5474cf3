import { NO_FACTOR_MILLIS } from '../../protocol/isolation.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import { type NanoUsd, type Prices, parseUsd, pricePerHour, type Terms } from '../../protocol/money.ts'

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
 * What a bid on these asks. What sends and receives nothing is asked nothing for that.
 *
 * @param factorMillis of the walls that the job has, see `Wall`; the minimum stays as it is, and so does the price of traffic
 */
export function quote(
  { resources, maxNetworkBytes }: Pick<Requirements, 'resources' | 'maxNetworkBytes'>,
  prices: Prices,
  factorMillis = NO_FACTOR_MILLIS,
): Terms {
  const plain = pricePerHour(resources, prices)
  return {
    pricePerHour: (plain * BigInt(factorMillis)) / BigInt(NO_FACTOR_MILLIS),
    minimumCharge: prices.minimumPerJob,
    pricePerGb: maxNetworkBytes === 0 ? 0n : prices.networkPerGb,
  }
}

function usd(amount: string): NanoUsd {
  const nano = parseUsd(amount)
  if (nano === null) throw new RangeError(`Not an amount: ${amount}`)
  return nano
}
