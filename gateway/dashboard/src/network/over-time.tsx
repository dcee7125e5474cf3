import { Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { type ChartSpec, TimeCharts } from '../charts/time-charts.tsx'
import type { TimeRange } from '../charts/time-range.ts'
import { number, usd } from '../format/amounts.ts'
import { Outline } from '../ui/loaded.tsx'
import { Problem } from '../ui/problem.tsx'
import { HOUR_MS, type Known, type Named, pastLines } from './over-time-lines.ts'
import { historyQuery, uptimeQuery } from './queries.ts'

/** What providers asked, and how much of the time they were there, in the last 30 days: all on the same axis. */
export function OverTime({ providers }: { providers: readonly Named[] }) {
  const histories = useQueries({ queries: providers.map(({ id }) => historyQuery(id)) })
  const uptimes = useQueries({ queries: providers.map(({ id }) => uptimeQuery(id)) })
  const broken = [...histories, ...uptimes].find(({ isError }) => isError)
  if (broken !== undefined) return <Problem error={broken.error} onRetry={() => void broken.refetch()} />
  const all = providers.flatMap(({ id, name }, i) => {
    const [history, uptime] = [histories[i]?.data, uptimes[i]?.data]
    return history === undefined || uptime === undefined ? [] : [{ id, name, history, uptime }]
  })
  return all.length < providers.length ? <Outline rows={6} /> : <Charts providers={all} />
}

function Charts({ providers }: { providers: readonly Known[] }) {
  const [zoom, setZoom] = useState<TimeRange | null>(null)
  const { charts, whole } = useMemo(() => {
    const { prices, shares, whole } = pastLines(providers, Date.now())
    const charts: ChartSpec[] = [
      { title: 'Price of a core-hour', lines: prices, format: usd, kind: 'steps' },
      { title: 'There', lines: shares, format: (value) => `${number(value, 1)} %` },
    ]
    return { charts, whole }
  }, [providers])
  return (
    <>
      <TimeCharts label="Price and reliability" {...{ charts, whole, zoom }} stepMs={HOUR_MS} onZoom={setZoom} />
      <Text size="sm" c="dimmed">
        As this gateway saw it in the last 30 days, looking every five minutes.
      </Text>
    </>
  )
}
