import type { JobMetrics, MetricSample } from '../../../../client/index.ts'
import type { Point } from '../../charts/columns.ts'

/** One metric over time, oldest first. */
export type Points = JobMetrics['cpu']

/** The metrics with one more sample. In the bucket of the last point it takes that one's place. */
export function withSample(metrics: JobMetrics, sample: MetricSample, resolutionMs: number): JobMetrics {
  const timestamp = new Date(Math.floor(Date.parse(sample.timestamp) / resolutionMs) * resolutionMs).toISOString()
  const put = (points: Points, value: number | null): Points => {
    if (value === null) return points
    const isSame = points.at(-1)?.timestamp === timestamp
    return [...(isSame ? points.slice(0, -1) : points), { timestamp, value }]
  }
  return {
    cpu: put(metrics.cpu, sample.cpu),
    memory: put(metrics.memory, sample.memory),
    network: { rx: put(metrics.network.rx, sample.network.rx), tx: put(metrics.network.tx, sample.network.tx) },
    storage: put(metrics.storage, sample.storage),
    gpu: put(metrics.gpu, sample.gpu),
    gpuMemory: put(metrics.gpuMemory, sample.gpuMemory),
  }
}

/** What a counter grew by, per second. A counter that fell began anew, with another container. */
export function rateOf(points: Points): Points {
  return points.slice(1).map(({ timestamp, value }, i) => {
    const before = points[i] ?? { timestamp, value }
    const seconds = (Date.parse(timestamp) - Date.parse(before.timestamp)) / 1000
    const grown = value >= before.value ? value - before.value : value
    return { timestamp, value: seconds > 0 ? grown / seconds : 0 }
  })
}

/** As charts take them. */
export function pointsOf(points: Points): Point[] {
  return points.map(({ timestamp, value }) => ({ at: Date.parse(timestamp), value }))
}
