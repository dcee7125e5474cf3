import { useMemo } from 'react'
import type { CostForecast, Costs } from '../../../client/index.ts'
import { DAY_MS } from '../../../contract/costs.ts'
import type { Line } from '../charts/columns.ts'
import { type ChartSpec, TimeCharts } from '../charts/time-charts.tsx'
import type { TimeRange } from '../charts/time-range.ts'
import { usd } from '../format/amounts.ts'
import { dayRange, daysBetween, wholeDays } from '../format/time-axis.ts'

const dayName = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })

interface CostChartProps {
  rows: Costs['rows']
  whole: TimeRange
  zoom: TimeRange | null
  forecast: CostForecast | undefined
  onZoom(range: TimeRange | null): void
}

/** What was spent for good on each day: nothing that runs, and nothing that is expected, is in a bar. */
export function CostChart({ rows, whole, zoom, forecast, onZoom }: CostChartProps) {
  const chart = useMemo(() => chartOf(rows, zoom ?? whole, forecast), [rows, whole, zoom, forecast])
  return (
    <TimeCharts
      label="Costs by day"
      charts={chart}
      stepMs={DAY_MS}
      {...{ whole, zoom }}
      onZoom={(range) => onZoom(range === null ? null : wholeDays(range))}
      when={(at) => dayName.format(at)}
      hasTable={false}
    />
  )
}

function chartOf(rows: Costs['rows'], { from, to }: TimeRange, forecast: CostForecast | undefined): ChartSpec[] {
  const byDay = new Map(rows.map((row) => [row.group, row]))
  // Days on which nothing was spent are days, too.
  const days = daysBetween(isoDay(from), isoDay(to - 1))
  const line = (name: string, field: 'spent' | 'final'): Line => ({
    name,
    points: days.map((day) => ({ at: noonOf(day), value: byDay.get(day)?.[field] ?? 0 })),
  })
  const hasVolumes = rows.some(({ volumes }) => volumes > 0)
  const { perDay = null, days: count = 0 } = forecast?.basis ?? {}
  const average =
    perDay === null ? undefined : { name: `${usd(perDay)} a day in the last ${count}`, value: perDay, isNote: true }
  return [
    {
      title: 'Spent',
      lines: [
        line(hasVolumes ? 'In all, volumes on top' : 'Spent', 'spent'),
        ...(hasVolumes ? [line('Of it on jobs', 'final')] : []),
      ],
      format: usd,
      kind: 'bars',
      limit: average,
    },
  ]
}

/** The middle of a day of the viewer's. */
function noonOf(day: string): number {
  const { from, to } = dayRange(day)
  return (from + to) / 2
}

/** The day of the viewer's at a moment, as `2026-01-31`. */
function isoDay(ms: number): string {
  const date = new Date(ms)
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
