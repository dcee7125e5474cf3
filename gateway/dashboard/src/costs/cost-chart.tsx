import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import type { Costs } from '../../../client/index.ts'
import { usd } from '../format/amounts.ts'

/** Estimated against actual. */
export function CostChart({ rows }: { rows: Costs['rows'] }) {
  const data = rows.map(({ group, estimated, actual }) => ({ group, Estimated: estimated, Actual: actual }))
  return (
    <div role="img" aria-label="Estimated and actual cost of each group; the table below has the numbers">
      <BarChart
        h={240}
        data={data}
        dataKey="group"
        withLegend
        series={[
          { name: 'Estimated', color: 'gray.5' },
          { name: 'Actual', color: 'indigo.6' },
        ]}
        valueFormatter={usd}
        yAxisProps={{ width: 84 }}
        barProps={{ isAnimationActive: false, maxBarSize: 48 }}
        barChartProps={{ accessibilityLayer: false }}
      />
    </div>
  )
}
