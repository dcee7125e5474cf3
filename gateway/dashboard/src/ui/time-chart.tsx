import '@mantine/charts/styles.css'
import { ChartTooltip, LineChart, type LineChartProps } from '@mantine/charts'
import { exact } from '../format/time.ts'
import { timeMarks } from '../format/time-axis.ts'

interface TimeChartProps extends Omit<LineChartProps, 'data' | 'dataKey' | 'xAxisProps' | 'tooltipProps'> {
  /** In the order of time: `at` in ms, and a value for each series that has one then. */
  data: ({ at: number } & Record<string, number | undefined>)[]
}

/** Lines over time: as far apart as the times are. */
export function TimeChart({ data, series, valueFormatter, ...rest }: TimeChartProps) {
  const { ticks, format } = timeMarks(data[0]?.at ?? 0, data.at(-1)?.at ?? 0)
  return (
    <LineChart
      data={data}
      dataKey="at"
      series={series}
      {...(valueFormatter && { valueFormatter })}
      xAxisProps={{
        ...{ type: 'number', scale: 'time', domain: ['dataMin', 'dataMax'], ticks },
        tickFormatter: format,
        minTickGap: 24,
      }}
      tooltipProps={{
        content: ({ label, payload }) => (
          <ChartTooltip
            label={typeof label === 'number' ? exact(label) : ''}
            payload={payload}
            series={series}
            {...(valueFormatter && { valueFormatter })}
          />
        ),
      }}
      lineChartProps={{ accessibilityLayer: false }}
      lineProps={{ isAnimationActive: false }}
      {...rest}
    />
  )
}
