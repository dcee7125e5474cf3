import type { Provider } from '../../../client/index.ts'
import { describeIsolation } from '../../../contract/isolation-words.ts'
import { bytes, bytesOf, cores, gpuName, number, usd } from '../format/amounts.ts'
import { span } from '../format/time.ts'
import { coresOf, FIGURE_NAMES, type Figure, linkOf, perSecond } from './figures.ts'

/** A provider with how much of the time it was there, in percent; null where that is not known. */
export interface Compared {
  provider: Provider
  uptime: number | null
}

/** Something that providers are compared by. */
export interface Trait {
  label: string
  /** As it is written; null where there is nothing of it. */
  value(one: Compared): string | null
  /** What it is measured by, and whether less is better; absent where nothing is better. */
  rank?: { of(one: Compared): number | null; isLess: boolean }
}

/** Those that are best by a trait; none where all are alike. */
export function bestOf({ rank }: Trait, all: readonly Compared[]): Set<Compared> {
  if (rank === undefined) return new Set()
  const ranked = all.flatMap((one) => {
    const value = rank.of(one)
    return value === null || !Number.isFinite(value) ? [] : [{ one, value }]
  })
  const values = ranked.map(({ value }) => value)
  const best = rank.isLess ? Math.min(...values) : Math.max(...values)
  const winners = ranked.filter(({ value }) => value === best)
  return new Set(winners.length === ranked.length ? [] : winners.map(({ one }) => one))
}

const price = (label: string, name: 'cpu' | 'memory' | 'storage' | 'network' | 'volume' | 'minimum'): Trait => ({
  label,
  value: ({ provider }) => usd(provider.pricing[name]),
  rank: { of: ({ provider }) => provider.pricing[name], isLess: true },
})

const amount = (label: string, name: 'memory' | 'storage'): Trait => ({
  label,
  value: ({ provider: { capacity } }) => `${bytes(capacity.free[name])} of ${bytes(capacity.total[name])}`,
  rank: { of: ({ provider }) => bytesOf(provider.capacity.free[name]), isLess: false },
})

/** Of a machine, what its own jobs found before what its provider says. */
function figure({ measured, seen }: Provider, name: Figure): number {
  return seen?.[name] || measured?.[name] || 0
}

/** What they are compared by, in the order in which people ask. */
export const GROUPS: { title: string; traits: Trait[] }[] = [
  {
    title: 'Price',
    traits: [
      price('Core-hour', 'cpu'),
      price('GB-hour of memory', 'memory'),
      price('GB-hour of storage', 'storage'),
      {
        label: 'GPU-hour',
        // Kinds differ too much for one price to be better than another.
        value: ({ provider: { capacity } }) =>
          capacity.total.gpu.map((gpu) => `${gpuName(gpu)}: ${usd(gpu.pricePerHour)}`).join(', ') || null,
      },
      price('GB of traffic', 'network'),
      price('GB-hour of a volume that no job has', 'volume'),
      price('Job, at least', 'minimum'),
    ],
  },
  {
    title: 'Reliability',
    traits: [
      {
        label: 'There in 30 days',
        value: ({ uptime }) => (uptime === null ? null : `${number(uptime, 1)} %`),
        rank: { of: ({ uptime }) => uptime, isLess: false },
      },
      {
        label: 'Up for',
        value: ({ provider: { status, metrics } }) => (status === 'offline' ? null : span(metrics.uptime)),
      },
      {
        label: 'Your jobs that completed',
        value: ({ provider: { metrics } }) => {
          const of = metrics.jobsCompleted + metrics.jobsFailed
          return of === 0 ? null : `${number(metrics.jobsCompleted)} of ${number(of)}`
        },
        rank: {
          of: ({ provider: { metrics } }) => {
            const of = metrics.jobsCompleted + metrics.jobsFailed
            return of === 0 ? null : metrics.jobsCompleted / of
          },
          isLess: false,
        },
      },
      {
        label: 'Latency',
        value: ({ provider: { metrics } }) => (metrics.latency === null ? null : `${number(metrics.latency, 1)} ms`),
        rank: { of: ({ provider }) => provider.metrics.latency, isLess: true },
      },
      { label: 'Takes no jobs', value: ({ provider }) => provider.paused },
    ],
  },
  {
    title: 'Free',
    traits: [
      {
        label: 'CPU',
        value: ({ provider: { capacity } }) => `${cores(capacity.free.cpu)} of ${cores(capacity.total.cpu)}`,
        rank: { of: ({ provider }) => provider.capacity.free.cpu, isLess: false },
      },
      amount('Memory', 'memory'),
      amount('Storage', 'storage'),
      { label: 'GPUs', value: ({ provider }) => provider.capacity.free.gpu.map(gpuName).join(', ') || null },
    ],
  },
  {
    title: 'Speed',
    traits: Object.entries(FIGURE_NAMES).map(([name, label]) => ({
      label,
      value: ({ provider }) => {
        const value = figure(provider, name as Figure)
        return value === 0 ? null : perSecond(value, name as Figure)
      },
      rank: { of: ({ provider }) => figure(provider, name as Figure) || null, isLess: false },
    })),
  },
  {
    title: 'Machine',
    traits: [
      { label: 'Region', value: ({ provider }) => provider.region || null },
      { label: 'Processor', value: ({ provider }) => provider.hardware?.cpu.model || null },
      { label: 'Cores', value: ({ provider }) => coresOf(provider) },
      { label: 'Kind of memory', value: ({ provider }) => provider.hardware?.memory.type || null },
      {
        label: 'Disk',
        value: ({ provider: { hardware } }) =>
          [hardware?.disk.type, hardware?.disk.model].filter(Boolean).join(' ') || null,
      },
      { label: 'Interface', value: ({ provider }) => linkOf(provider) },
      { label: 'Runs', value: ({ provider }) => provider.platforms.join(', ') || null },
      { label: 'Isolation', value: ({ provider }) => provider.isolations.map(describeIsolation).join(', ') || null },
      { label: 'Can', value: ({ provider }) => provider.capabilities.join(', ') || null },
      { label: 'Version', value: ({ provider }) => provider.version || null },
    ],
  },
]
