import type { z } from 'zod'
import type { JobStore, MetricSample } from '../../node/store/index.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { follow } from '../sse/follow.ts'
import type { ServerEvent } from '../sse/sse.ts'
import { isoTime } from '../time.ts'
import { endEvent } from './logs.ts'
import type { metricsSchema } from './schemas.ts'

/** Answers of `period` and `resolution`, in ms. */
export const PERIODS = { '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000, '7d': 604_800_000 } as const
export const RESOLUTIONS = { '5s': 5_000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000 } as const

const NEVER = Number.MAX_SAFE_INTEGER

/**
 * Samples in buckets: amounts in use are averaged, counters show their last value.
 * Buckets begin at whole multiples of the resolution, so that charts of several jobs line up.
 */
export function metricsView(samples: MetricSample[], resolutionMs: number): z.input<typeof metricsSchema> {
  const buckets = Map.groupBy(samples, ({ timestampMs }) => Math.floor(timestampMs / resolutionMs) * resolutionMs)
  const series = (value: (bucket: MetricSample[]) => number | null) =>
    [...buckets].flatMap(([startMs, bucket]) => {
      const number = value(bucket)
      return number === null ? [] : [{ timestamp: isoTime(startMs), value: number }]
    })
  return {
    cpu: series((bucket) => mean(bucket.map((sample) => sample.cpuMillis))),
    memory: series((bucket) => mean(bucket.map((sample) => sample.memoryBytes))),
    network: {
      rx: series((bucket) => bucket.at(-1)?.rxBytes ?? null),
      tx: series((bucket) => bucket.at(-1)?.txBytes ?? null),
    },
    storage: series((bucket) =>
      mean(bucket.flatMap(({ storageBytes }) => (storageBytes === null ? [] : [storageBytes]))),
    ),
  }
}

function mean(values: number[]): number | null {
  return values.length === 0 ? null : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length)
}

/** Samples after a time, history first and then live; then `end`. The id is the sample's time in ms. */
export async function* followMetrics(
  store: Pick<JobStore, 'get' | 'metrics' | 'onChange'>,
  id: string,
  afterMs: number,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent[]> {
  let last = afterMs
  const source = {
    async read() {
      const samples = await store.metrics(id, last + 1, NEVER)
      last = samples.at(-1)?.timestampMs ?? last
      return samples
    },
    async ended() {
      const job = await store.get(id)
      return job === undefined || isTerminal(job.state.status)
    },
    onChange: (callback: () => void) => store.onChange(id, callback),
  }
  for await (const samples of follow(source, signal)) {
    yield samples.map((sample) => ({ id: sample.timestampMs, data: sampleView(sample) }))
  }
  if (!signal.aborted) yield [await endEvent(store, id, last)]
}

function sampleView(sample: MetricSample) {
  const { timestampMs, cpuMillis: cpu, memoryBytes: memory, rxBytes: rx, txBytes: tx, storageBytes: storage } = sample
  return { timestamp: isoTime(timestampMs), cpu, memory, network: { rx, tx }, storage }
}
