import type { z } from 'zod'
import type { JobStore, MetricSample } from '../../node/store/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { metricsSchema } from '../contract/jobs.ts'
import type { ServerEvent } from '../events/index.ts'
import { followSource } from '../events/index.ts'
import { GatewayError } from '../http/errors.ts'
import { endEvent } from './logs.ts'

const NEVER = Number.MAX_SAFE_INTEGER
/** Samples read at a time. */
const BATCH_SAMPLES = 500
/** Points of one series in one answer: a week by the minute, or a day by 5 seconds. */
const MAX_POINTS = 20_000

const USES = ['cpuMillis', 'memoryBytes', 'storageBytes', 'gpuMillis', 'gpuMemoryBytes'] as const
type Use = (typeof USES)[number]

/** What is kept of the samples of one stretch of time. */
interface Bucket {
  startMs: number
  sums: Record<Use, { sum: number; count: number }>
  rxBytes: number
  txBytes: number
}

/**
 * Samples in buckets: amounts in use are averaged, counters show their last value.
 * Buckets begin at whole multiples of the resolution, so that charts of several jobs line up.
 * @throws {GatewayError} VALIDATION_ERROR where there would be too many of them
 */
export async function metricsView(
  samples: AsyncIterable<MetricSample> | Iterable<MetricSample>,
  resolutionMs: number,
): Promise<z.input<typeof metricsSchema>> {
  const buckets: Bucket[] = []
  for await (const sample of samples) {
    const startMs = Math.floor(sample.timestampMs / resolutionMs) * resolutionMs
    let bucket = buckets.at(-1)
    if (bucket?.startMs !== startMs) {
      if (buckets.length === MAX_POINTS) throw tooManyPoints()
      bucket = { startMs, sums: noSums(), rxBytes: 0, txBytes: 0 }
      buckets.push(bucket)
    }
    bucket.rxBytes = sample.rxBytes
    bucket.txBytes = sample.txBytes
    for (const use of USES) {
      const value = sample[use] ?? null
      if (value === null) continue
      bucket.sums[use].sum += value
      bucket.sums[use].count += 1
    }
  }
  const series = (value: (bucket: Bucket) => number | null) =>
    buckets.flatMap((bucket) => {
      const number = value(bucket)
      return number === null ? [] : [{ timestamp: isoTime(bucket.startMs), value: number }]
    })
  const mean = (use: Use) =>
    series(({ sums }) => (sums[use].count === 0 ? null : Math.round(sums[use].sum / sums[use].count)))
  return {
    cpu: mean('cpuMillis'),
    memory: mean('memoryBytes'),
    network: { rx: series(({ rxBytes }) => rxBytes), tx: series(({ txBytes }) => txBytes) },
    storage: mean('storageBytes'),
    gpu: mean('gpuMillis'),
    gpuMemory: mean('gpuMemoryBytes'),
  }
}

function noSums(): Bucket['sums'] {
  return {
    cpuMillis: { sum: 0, count: 0 },
    memoryBytes: { sum: 0, count: 0 },
    storageBytes: { sum: 0, count: 0 },
    gpuMillis: { sum: 0, count: 0 },
    gpuMemoryBytes: { sum: 0, count: 0 },
  }
}

function tooManyPoints(): GatewayError {
  const message = `would have more than ${MAX_POINTS} points: ask for a coarser one, or a shorter period`
  return new GatewayError('VALIDATION_ERROR', `resolution ${message}`, {
    details: { fields: [{ path: 'resolution', message }], in: 'query' },
  })
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
      const samples = await store.metrics(id, last + 1, NEVER, BATCH_SAMPLES)
      last = samples.at(-1)?.timestampMs ?? last
      return samples
    },
    async ended() {
      const job = await store.get(id)
      return job === undefined || isTerminal(job.state.status)
    },
    onChange: (callback: () => void) => store.onChange(id, callback),
  }
  for await (const samples of followSource(source, signal)) {
    yield samples.map((sample) => ({ id: sample.timestampMs, data: sampleView(sample) }))
  }
  if (!signal.aborted) yield [await endEvent(store, id, last)]
}

function sampleView(sample: MetricSample) {
  const { timestampMs, cpuMillis: cpu, memoryBytes: memory, rxBytes: rx, txBytes: tx, storageBytes: storage } = sample
  const { gpuMillis: gpu = null, gpuMemoryBytes: gpuMemory = null } = sample
  return { timestamp: isoTime(timestampMs), cpu, memory, network: { rx, tx }, storage, gpu, gpuMemory }
}
