import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import type { Costs } from '../../../client/index.ts'
import { usd } from '../format/amounts.ts'

/** What each group cost. What was agreed at most is no estimate, and many times as high where jobs end early: no bar of its own. */
export function CostChart({ rows }: { rows: Costs['rows'] }) {
  const data = rows.map(({ group, actual, volumes }) => ({ group, Jobs: actual, Volumes: volumes }))
  return (
    <div role="img" aria-label="Cost of each group; the table below has estimated and actual cost in numbers">
      <BarChart
        h={240}
        data={data}
        dataKey="group"
        type="stacked"
        series={[
          { name: 'Jobs', color: 'indigo.6' },
          { name: 'Volumes', color: 'teal.6' },
        ]}
        valueFormatter={usd}
        yAxisProps={{ width: 84 }}
        barProps={{ isAnimationActive: false, maxBarSize: 48 }}
        barChartProps={{ accessibilityLayer: false }}
      />
    </div>
  )
}
