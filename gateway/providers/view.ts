import type { z } from 'zod'
import type { ProviderStatus, ProviderView } from '../../node/directory/index.ts'
import type { SpeedRecord } from '../../node/store/index.ts'
import * as views from '../../node/views/provider-view.ts'
import { isoTime } from '../../node/views/time.ts'
import { type NanoUsd, usdNumber } from '../../protocol/money.ts'
import { addResources, NO_RESOURCES, type Resources } from '../../protocol/units.ts'
import type { networkSchema, providerSchema, providerStatusSchema } from '../contract/providers.ts'

/**
 * A provider as the API shows it.
 * @param costToDate what the asker's jobs and volumes cost there
 * @param seen what they measured there
 */
export function providerView(
  provider: ProviderView,
  costToDate: NanoUsd,
  seen: SpeedRecord | null = null,
): z.input<typeof providerSchema> {
  return views.providerView(provider, costToDate, seen)
}

/** Whether a provider is there, how near and how busy. */
export function providerStatusView(provider: ProviderView): z.input<typeof providerStatusSchema> {
  const { total, free } = provider
  return {
    id: provider.provider,
    status: provider.status,
    latency: provider.latencyMs,
    lastChecked: isoTime(provider.lastSeenMs),
    version: provider.version,
    nodeCount: 1,
    networkLoad: {
      cpu: percentTaken(total.cpuMillis, free.cpuMillis),
      memory: percentTaken(total.memoryBytes, free.memoryBytes),
      storage: percentTaken(total.storageBytes, free.storageBytes),
    },
  }
}

/** The whole network: everyone that is not offline counts for capacity. */
export function networkView(
  name: string,
  providers: ProviderView[],
  rest: Pick<z.input<typeof networkSchema>, 'peers' | 'jobs' | 'join'>,
): z.input<typeof networkSchema> {
  const count = (status: ProviderStatus) => providers.filter((provider) => provider.status === status).length
  const online = providers.filter((provider) => provider.status === 'online')
  const present = providers.filter((provider) => provider.status !== 'offline')
  const sum = (of: (provider: ProviderView) => Resources) =>
    views.capacityView(present.map(of).reduce(addResources, NO_RESOURCES))
  return {
    name,
    type: 'p2p',
    status: online.length > 0 ? 'online' : present.length > 0 ? 'degraded' : 'offline',
    providers: {
      online: online.length,
      degraded: count('degraded'),
      offline: count('offline'),
      total: providers.length,
    },
    capacity: { total: sum((provider) => provider.total), free: sum((provider) => provider.free) },
    priceRange:
      online.length === 0
        ? null
        : {
            cpu: rangeOf(online.map((provider) => provider.prices.cpuPerCoreHour)),
            memory: rangeOf(online.map((provider) => provider.prices.memoryPerGbHour)),
          },
    ...rest,
  }
}

/** How much of a capacity is in use, in percent with one decimal; 0 where there is none. */
export function percentTaken(total: number, free: number): number {
  return total === 0 ? 0 : Math.round(((total - free) / total) * 1000) / 10
}

function rangeOf(prices: NanoUsd[]): { min: number; max: number } {
  const numbers = prices.map(usdNumber)
  return { min: Math.min(...numbers), max: Math.max(...numbers) }
}
