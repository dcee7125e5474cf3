import type { ContainerStats } from 'dockerode'
import type { StatsSample } from '../index.ts'

/** What the engine says of a running container at one moment. */
export interface StatsReading {
  timestampMs: number
  /** CPU time used since the start, in ns. */
  cpuNanos: number
  memoryBytes: number
  rxBytes: number
  txBytes: number
  pids: StatsSample['pids']
}

/** Reads the engine's answer, of cgroup v1 or v2. Null when the container is not running: then the engine has no numbers. */
export function toReading(stats: ContainerStats): StatsReading | null {
  const timestampMs = Date.parse(stats.read)
  const cpuNanos = stats.cpu_stats?.cpu_usage?.total_usage ?? 0
  const used = stats.memory_stats?.usage
  if (!(timestampMs > 0) || used === undefined) return null
  const interfaces = Object.values(stats.networks ?? {})
  const { current, limit } = (stats.pids_stats ?? {}) as { current?: number; limit?: number }
  return {
    timestampMs,
    cpuNanos,
    memoryBytes: Math.max(0, used - reclaimable(stats)),
    rxBytes: interfaces.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    txBytes: interfaces.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
    pids: current === undefined || limit === undefined ? null : { current, limit },
  }
}

/** File cache that the kernel takes back before it calls memory short: nobody would call it used. */
function reclaimable({ memory_stats: memory }: ContainerStats): number {
  const details = memory.stats as { total_inactive_file?: number; inactive_file?: number } | undefined
  const bytes = details?.total_inactive_file ?? details?.inactive_file ?? 0 // v1 has both, v2 the second.
  return bytes < memory.usage ? bytes : 0
}

/** A sample, with the CPU's average since `previous`. */
export function toSample(
  previous: Pick<StatsReading, 'timestampMs' | 'cpuNanos'>,
  reading: StatsReading,
  storageBytes: number | null,
): StatsSample {
  const elapsedMs = reading.timestampMs - previous.timestampMs
  const usedNanos = Math.max(0, reading.cpuNanos - previous.cpuNanos)
  const { timestampMs, memoryBytes, rxBytes, txBytes, pids } = reading
  const cpuMillis = elapsedMs > 0 ? Math.round(usedNanos / 1_000 / elapsedMs) : 0
  return { timestampMs, cpuMillis, memoryBytes, rxBytes, txBytes, storageBytes, pids }
}
