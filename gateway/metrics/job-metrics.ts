import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { ClientNode } from '../../node/index.ts'
import type { FeedEntry } from '../../node/store/index.ts'
import { JOB_STATUSES, type JobEventType } from '../../protocol/lifecycle.ts'
import { PROVIDER_STATUSES } from '../contract/provider-status.ts'
import { addNetworkMetrics } from './network-metrics.ts'

/** Seconds: from a local engine that has the image to a pull over a slow line. */
const LATENCY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

/** Phases of a job that are timed: from the first event of one type to the next of another. */
const PHASES: { name: string; help: string; from: JobEventType; to: JobEventType }[] = [
  { name: 'award', help: 'From submission to a provider that accepted', from: 'created', to: 'scheduled' },
  { name: 'start', help: 'From acceptance to the started container', from: 'scheduled', to: 'started' },
]

/** Jobs whose phases are watched at a time; a job beyond it is only counted. */
const MAX_WATCHED = 10_000

/** What the job store and the market know, as Prometheus metrics. `note` is told every event as it happens. */
export function createJobMetrics(registry: Registry, node: ClientNode): { note(entry: FeedEntry): void } {
  const registers = [registry]
  addMarketMetrics(registry, node)
  addNetworkMetrics(registry, node.network)
  const events = new Counter({
    name: 'cortex_job_events_total',
    help: 'Events of jobs by type, since the start of the process',
    labelNames: ['type'],
    registers,
  })
  const phases = PHASES.map(({ name, help, from, to }) => ({
    from,
    to,
    begunMs: new Map<string, number>(),
    histogram: new Histogram({
      name: `cortex_job_${name}_seconds`,
      help,
      buckets: LATENCY_BUCKETS,
      registers,
    }),
  }))

  return {
    note({ jobId, event: { type, timestampMs } }) {
      events.inc({ type })
      for (const { from, to, begunMs, histogram } of phases) {
        if (type === from && begunMs.size < MAX_WATCHED) begunMs.set(jobId, timestampMs)
        const begun = begunMs.get(jobId)
        if (begun === undefined || type === from) continue
        if (type === to) histogram.observe(Math.max(0, timestampMs - begun) / 1000)
        if (type === to || ENDS.has(type)) begunMs.delete(jobId)
      }
    },
  }
}

/** What there is at the moment somebody asks. */
function addMarketMetrics(registry: Registry, { store, directory, requester }: ClientNode): void {
  const registers = [registry]
  new Gauge({
    name: 'cortex_jobs',
    help: 'Jobs by status',
    labelNames: ['status'],
    registers,
    async collect() {
      for (const status of JOB_STATUSES) {
        this.set({ status }, (await store.list({ statuses: [status], limit: 0 })).total)
      }
    },
  })
  new Gauge({
    name: 'cortex_providers',
    help: 'Providers in the directory by status',
    labelNames: ['status'],
    registers,
    collect() {
      const providers = directory.list()
      for (const status of PROVIDER_STATUSES) {
        this.set({ status }, providers.filter((provider) => provider.status === status).length)
      }
    },
  })
  new Gauge({
    name: 'cortex_market',
    help: 'What the requester is doing now',
    labelNames: ['counter'],
    registers,
    collect() {
      for (const [counter, value] of Object.entries(requester.counters())) this.set({ counter }, value)
    },
  })
  new Counter({
    name: 'cortex_market_events_total',
    help: 'Providers asked, requests broadcast, their answers, and what became of awards, since the start of the process',
    labelNames: ['event'],
    registers,
    collect() {
      this.reset()
      for (const [event, count] of Object.entries(requester.tally())) this.inc({ event }, count)
    },
  })
  new Gauge({
    name: 'cortex_store_bytes',
    help: 'Size of the job store on the disk, about',
    registers,
    async collect() {
      this.set(await store.sizeBytes())
    },
  })
}

const ENDS = new Set<JobEventType>(['completed', 'failed', 'cancelled', 'lost'])
