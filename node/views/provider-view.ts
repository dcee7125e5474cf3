import type { GpuModel } from '../../protocol/gpus.ts'
import { NO_FACTOR_MILLIS } from '../../protocol/isolation.ts'
import { figuresOf, type Measured } from '../../protocol/measured.ts'
import { type NanoUsd, usdNumber } from '../../protocol/money.ts'
import { formatBytes, type Resources } from '../../protocol/units.ts'
import type { ProviderView } from '../directory/index.ts'
import type { SpeedRecord } from '../store/index.ts'
import { gpuView } from './gpu-view.ts'
import { hardwareView } from './hardware-view.ts'
import { isoTime } from './time.ts'

/**
 * A provider as the API shows it.
 * @param costToDate what the asker's jobs and volumes cost there
 * @param seen what they measured there
 */
export function providerView(provider: ProviderView, costToDate: NanoUsd, seen: SpeedRecord | null = null) {
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
    platforms: provider.platforms,
    emulatedPlatforms: provider.emulatedPlatforms,
    isolations: provider.isolations.map(({ isolation, factorMillis }) => ({
      isolation,
      priceFactor: factorMillis / NO_FACTOR_MILLIS,
    })),
    capacity: {
      total: { ...capacityView(provider.total), gpu: gpusView(provider, provider.total.gpu) },
      free: { ...capacityView(provider.free), gpu: freeGpusView(provider) },
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
      volume: usdNumber(prices.volumePerGbHour),
      minimum: usdNumber(prices.minimumPerJob),
      currency: 'USD' as const,
    },
    hardware: provider.hardware === null ? null : hardwareView(provider.hardware),
    measured: measuredView(provider.measured),
    seen: seen === null ? null : { ...withTime(seen), jobs: seen.count },
    capabilities: provider.capabilities,
    storageQuota: provider.capabilities.includes('storage-quota') ? ('hard' as const) : ('measured' as const),
    paused: provider.pausedReason === '' ? null : provider.pausedReason,
    createdAt: isoTime(provider.firstSeenMs),
    updatedAt: isoTime(provider.lastSeenMs),
  }
}

/** What the machine does in a second, as its provider measured; null where it did not. */
export function measuredView(measured: Measured | null) {
  return measured === null ? null : withTime(measured)
}

function withTime(measured: Measured) {
  return { ...figuresOf((figure) => measured[figure]), at: isoTime(measured.atMs), method: measured.method }
}

/** Resources as the API shows them: millicores, text such as `"2Gi"`, and how many GPUs. */
export function capacityView({ cpuMillis, memoryBytes, storageBytes, gpu }: Resources) {
  return { cpu: cpuMillis, memory: formatBytes(memoryBytes), storage: formatBytes(storageBytes), gpu }
}

type Sold = Pick<ProviderView, 'gpus' | 'prices'>

/** So many GPUs, by kind as far as the kinds are told; the others have an empty model. */
function gpusView({ gpus, prices }: Sold, count: number) {
  let left = count
  const views = gpus.map((kind) => {
    const taken = Math.min(left, kind.count)
    left -= taken
    return gpuOffer(kind, taken, prices)
  })
  return [...views, gpuOffer(UNTOLD, left, prices)].filter((view) => view.count > 0)
}

/** As it says itself; of older versions, which gave jobs the first ones first, the last. */
function freeGpusView({ gpus, free, prices }: Sold & Pick<ProviderView, 'free'>) {
  const isTold = gpus.some((kind) => kind.free !== null)
  if (!isTold) return gpusView({ gpus: gpus.toReversed(), prices }, free.gpu).toReversed()
  return gpus.map((kind) => gpuOffer(kind, kind.free ?? 0, prices)).filter((view) => view.count > 0)
}

function gpuOffer(kind: GpuModel, count: number, { gpuPerHour }: ProviderView['prices']) {
  return { ...gpuView(kind, count), pricePerHour: usdNumber(kind.pricePerHour ?? gpuPerHour) }
}

const UNTOLD: GpuModel = {
  ...{ vendor: '', model: '', memoryBytes: 0, driver: '', runtime: '', compute: '', interconnect: '', migProfile: '' },
  ...{ count: 0, pricePerHour: null, free: null },
}
