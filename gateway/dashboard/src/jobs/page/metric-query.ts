import type { Job, MetricsPeriod, MetricsQuery, MetricsResolution } from '../../../../client/index.ts'
import { PERIODS, RESOLUTIONS } from '../../../../contract/metric-times.ts'
import type { TimeRange } from '../../charts/time-range.ts'

/** How far back metrics are shown: of a job that has ended from its end, and `all` from its beginning. */
export const SHOWN_PERIODS = [...(Object.keys(PERIODS) as MetricsPeriod[]), 'all'] as const
/** One of {@link SHOWN_PERIODS}. */
export type ShownPeriod = (typeof SHOWN_PERIODS)[number]

/** More points than this are more than a screen can show. */
const MAX_POINTS = 2_100
/** So that the end of an axis stands still for a while, in ms. */
const STEP_MS = 5_000

/** What an address says of it; the last hour where that makes no sense. */
export function shownPeriod(text: string | undefined): ShownPeriod {
  return SHOWN_PERIODS.find((one) => one === text) ?? '1h'
}

/** All the time that a period shows of a job: no longer than the job has been there. */
export function wholeOf(
  { attempt, createdAt, startedAt, endedAt }: Pick<Job, 'attempt' | 'createdAt' | 'startedAt' | 'endedAt'>,
  period: ShownPeriod,
  nowMs: number,
): TimeRange {
  // An earlier attempt began before the time that is told of the last.
  const begunMs = Date.parse((attempt === 1 ? startedAt : null) ?? createdAt)
  const to = endedAt === null ? Math.ceil(nowMs / STEP_MS) * STEP_MS : Date.parse(endedAt)
  const from = period === 'all' ? begunMs : Math.max(begunMs, to - PERIODS[period])
  return { from: Math.min(from, to - 2 * STEP_MS), to }
}

/** The finest points that a screen can show of a time. */
export function resolutionOf({ from, to }: TimeRange): MetricsResolution {
  const names = Object.keys(RESOLUTIONS) as MetricsResolution[]
  return names.find((one) => (to - from) / RESOLUTIONS[one] <= MAX_POINTS) ?? '1h'
}

/** What is asked of the gateway: a part, or all up to now. */
export function metricsQueryOf(
  whole: TimeRange,
  zoom: TimeRange | null,
): MetricsQuery & { resolution: MetricsResolution } {
  const { from, to } = zoom ?? whole
  const resolution = resolutionOf({ from, to })
  // Wide by a step, so that a line is drawn up to the edges.
  const stepMs = RESOLUTIONS[resolution]
  const ends = { from: new Date(from - stepMs), ...(zoom !== null && { to: new Date(to + stepMs) }) }
  return { ...ends, resolution }
}
