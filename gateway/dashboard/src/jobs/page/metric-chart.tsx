import { Card } from '../../ui/card.tsx'
import { TimeChart } from '../../ui/time-chart.tsx'
import type { Points } from './metric-series.ts'

interface MetricChartProps {
  title: string
  series: { name: string; points: Points }[]
  format(value: number): string
  /** What it may use at most: drawn in. */
  limit?: number
}

const COLORS = ['indigo.6', 'teal.6']

/** One measure over time. */
export function MetricChart({ title, series, format, limit }: MetricChartProps) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(({ timestamp }) => timestamp)))].sort()
  const values = series.map(({ points }) => new Map(points.map(({ timestamp, value }) => [timestamp, value])))
  const data = times.map((timestamp) => ({
    at: Date.parse(timestamp),
    ...Object.fromEntries(series.map(({ name }, i) => [name, values[i]?.get(timestamp)])),
  }))
  const latest = series
    .map(({ name, points }) => `${series.length > 1 ? `${name} ` : ''}${format(points.at(-1)?.value ?? 0)}`)
    .join(', ')
  const short = (value: number): string => format(value).replaceAll(' ', '\u00a0') // an axis breaks its words at spaces
  const most = Math.max(0, ...series.flatMap(({ points }) => points.map(({ value }) => value)))
  return (
    <Card
      title={title}
      actions={
        <span className="chart-now">
          {latest}
          {limit === undefined ? '' : ` of ${format(limit)}`}
        </span>
      }
    >
      <div
        role="img"
        aria-label={`${title} over time; now ${latest}${limit === undefined ? '' : `, limit ${format(limit)}`}`}
      >
        <TimeChart
          h={200}
          data={data}
          series={series.map(({ name }, i) => ({ name, color: COLORS[i] ?? 'gray.6' }))}
          valueFormatter={short}
          withDots={data.length < 3}
          curveType="monotone"
          strokeWidth={1.8}
          yAxisProps={{
            width: 84,
            ...(limit === undefined ? { domain: [0, 'auto'] } : quarters(Math.max(limit, most))),
          }}
          referenceLines={limit === undefined ? [] : [{ y: limit, label: 'Limit', color: 'red.6' }]}
        />
      </div>
    </Card>
  )
}

/** An axis from 0 to the top, divided by four: amounts of bytes are round then. */
function quarters(top: number): { domain: [number, number]; ticks: number[] } {
  return { domain: [0, top], ticks: [0, 1, 2, 3, 4].map((quarter) => (top * quarter) / 4) }
}
