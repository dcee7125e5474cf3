import { type NanoUsd, type Prices, parseUsd } from '../../protocol/money.ts'

/**
 * Posted where the owner sets none, in nano-dollars: US$ 0.01 per core-hour, 0.002 per GB-hour of memory, 0.0001 per
 * GB-hour of storage, 0.50 per GPU-hour, traffic and volumes that stay free, no minimum. About half of what clouds ask for a small machine on demand.
 */
export const DEFAULT_PRICES: Readonly<Prices> = {
  cpuPerCoreHour: usd('0.01'),
  memoryPerGbHour: usd('0.002'),
  storagePerGbHour: usd('0.0001'),
  gpuPerHour: usd('0.5'),
  networkPerGb: 0n,
  minimumPerJob: 0n,
  volumePerGbHour: 0n,
}

function usd(amount: string): NanoUsd {
  const nano = parseUsd(amount)
  if (nano === null) throw new RangeError(`Not an amount: ${amount}`)
  return nano
}
