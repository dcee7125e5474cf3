import { type NanoUsd, usdNumber } from '../../protocol/money.ts'
import { formatBytes, type GpuModel, type Resources } from '../../protocol/units.ts'
import type { ProviderView } from '../directory/index.ts'
import { isoTime } from './time.ts'

/** A provider as the API shows it. @param costToDate what the asker's jobs cost there */
export function providerView(provider: ProviderView, costToDate: NanoUsd) {
  const { prices } = provider
  return {
    id: provider.provider,
    name: provider.name,
    type: 'p2p' as const,
    status: provider.status,
    version: provider.version,
    endpoints: provider.addresses,
    region: provider.region,
    labels: provider.labels,
    architecture: provider.architecture,
    capacity: {
      total: { ...capacityView(provider.total), gpu: gpuView(provider.gpus, provider.total.gpu) },
      // Jobs get the first ones first.
      free: {
        ...capacityView(provider.free),
        gpu: gpuView(provider.gpus.toReversed(), provider.free.gpu).toReversed(),
      },
    },
    metrics: {
      latency: provider.latencyMs,
      uptime: provider.uptimeSeconds,
      jobsCompleted: provider.jobsCompleted,
      jobsFailed: provider.jobsFailed,
      costToDate: usdNumber(costToDate),
    },
    pricing: {
      cpu: usdNumber(prices.cpuPerCoreHour),
      memory: usdNumber(prices.memoryPerGbHour),
      storage: usdNumber(prices.storagePerGbHour),
      gpu: usdNumber(prices.gpuPerHour),
      network: usdNumber(prices.networkPerGb),
      minimum: usdNumber(prices.minimumPerJob),
      currency: 'USD' as const,
    },
    capabilities: provider.capabilities,
    storageQuota: provider.capabilities.includes('storage-quota') ? ('hard' as const) : ('measured' as const),
    paused: provider.pausedReason === '' ? null : provider.pausedReason,
    createdAt: isoTime(provider.firstSeenMs),
    updatedAt: isoTime(provider.lastSeenMs),
  }
}

export function capacityView({ cpuMillis, memoryBytes, storageBytes, gpu }: Resources) {
  return { cpu: cpuMillis, memory: formatBytes(memoryBytes), storage: formatBytes(storageBytes), gpu }
}

/** So many GPUs, by kind as far as the kinds are told; the others have an empty model. */
function gpuView(kinds: GpuModel[], count: number) {
  let left = count
  const views = kinds.map(({ model, memoryBytes, count: there }) => {
    const taken = Math.min(left, there)
    left -= taken
    return { model, memory: formatBytes(memoryBytes), count: taken }
  })
  return [...views, { model: '', memory: '0', count: left }].filter((view) => view.count > 0)
}
