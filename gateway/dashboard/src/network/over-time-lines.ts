import type { ProviderHistoryEntry, ProviderMetrics } from '../../../client/index.ts'
import type { Line, Point } from '../charts/columns.ts'
import type { TimeRange } from '../charts/time-range.ts'

/** How far apart points are. */
export const HOUR_MS = 3_600_000
const MONTH_MS = 30 * 24 * HOUR_MS

/** A provider, with what people call it. */
export interface Named {
  id: string
  name: string
}

/** The same with what is known of its past. */
export interface Known extends Named {
  /** Newest first. */
  history: ProviderHistoryEntry[]
  uptime: NonNullable<ProviderMetrics['uptime']>
}

/** A line for each provider, of what is known up to now. */
export interface PastLines {
  /** Of a core-hour, in US dollars. */
  prices: Line[]
  /** How much of each hour it was there, in percent. */
  shares: Line[]
  whole: TimeRange
}

/** What is known of the last 30 days. */
export function pastLines(providers: readonly Known[], nowMs: number): PastLines {
  const since = nowMs - MONTH_MS
  const prices = providers.map(({ name, history }) => ({ name, points: pricesOf(history, since, nowMs) }))
  const shares = providers.map(({ name, uptime }) => ({
    name,
    points: uptime.map(({ timestamp, value }) => ({ at: Date.parse(timestamp), value })),
  }))
  const first = [...prices, ...shares].flatMap(({ points }) => points[0]?.at ?? [])
  return { prices, shares, whole: { from: Math.max(since, Math.min(nowMs - HOUR_MS, ...first)), to: nowMs } }
}

/** A price holds until the next: it is told at each change, and each hour, so that no time without a change is a gap. */
function pricesOf(history: ProviderHistoryEntry[], since: number, nowMs: number): Point[] {
  const changes = history
    .toReversed()
    .map(({ timestamp, pricing }) => ({ at: Date.parse(timestamp), value: pricing.cpu }))
  const first = changes[0]
  if (first === undefined) return []
  const from = Math.max(since, first.at)
  const hours = Array.from({ length: Math.ceil((nowMs - from) / HOUR_MS) }, (_, i) => from + i * HOUR_MS)
  const times = [...hours, ...changes.map(({ at }) => at).filter((at) => at > from), nowMs].sort((a, b) => a - b)
  return times.flatMap((at) => {
    const price = changes.findLast((change) => change.at <= at)
    return price === undefined ? [] : { at, value: price.value }
  })
}
