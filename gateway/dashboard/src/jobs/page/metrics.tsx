import { Group, SegmentedControl, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Job, JobMetrics, MetricsPeriod, MetricsResolution } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { noteError } from '../../app/query.ts'
import { bytes, bytesOf, cores } from '../../format/amounts.ts'
import { Empty } from '../../ui/empty.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { hasEnded } from '../cost.ts'
import { MetricChart } from './metric-chart.tsx'
import { RESOLUTION_MS, rateOf, withSample } from './metric-series.ts'

const PERIODS: MetricsPeriod[] = ['1h', '6h', '24h', '7d']
const RESOLUTIONS: MetricsResolution[] = ['5s', '1m', '5m', '1h']
/** More points than this are more than a screen can show. */
const MAX_POINTS = 2_000
const PERIOD_MS = { '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000, '7d': 604_800_000 }

/** What the container uses, against what it may. */
export function Metrics({ job }: { job: Job }) {
  const [period, setPeriod] = useState<MetricsPeriod>('1h')
  const [chosen, setResolution] = useState<MetricsResolution>('5s')
  const possible = RESOLUTIONS.filter(
    (one) => PERIOD_MS[period] / RESOLUTION_MS[one] <= MAX_POINTS && RESOLUTION_MS[one] < PERIOD_MS[period],
  )
  const resolution = possible.includes(chosen) ? chosen : (possible[0] ?? '1h')
  const queryKey = ['jobs', 'metrics', job.id, period, resolution]
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }) => await client.jobs.metrics(job.id, { period, resolution, signal }),
  })
  useLiveSamples(job, queryKey, resolution, query.isSuccess)
  return (
    <>
      <Group gap="md" mb="md">
        <Choice<MetricsPeriod> label="Range" values={PERIODS} value={period} onChange={(next) => setPeriod(next)} />
        <Choice<MetricsResolution>
          label="Resolution"
          values={possible}
          value={resolution}
          onChange={(next) => setResolution(next)}
        />
      </Group>
      <Loaded query={query}>{(metrics) => <Charts job={job} metrics={metrics} />}</Loaded>
    </>
  )
}

function Charts({ job, metrics }: { job: Job; metrics: JobMetrics }) {
  if (metrics.cpu.length === 0) {
    return (
      <Empty icon="costs" title="No samples yet">
        The provider sends one every few seconds while the container runs.
      </Empty>
    )
  }
  const { rx, tx } = metrics.network
  return (
    <div className="charts">
      <MetricChart title="CPU" series={[{ name: 'Used', points: metrics.cpu }]} format={cores} limit={job.cpu} />
      <MetricChart
        title="Memory"
        series={[{ name: 'Used', points: metrics.memory }]}
        format={bytes}
        limit={bytesOf(job.memory)}
      />
      <MetricChart
        title="Network"
        series={[
          { name: 'Received', points: rateOf(rx) },
          { name: 'Sent', points: rateOf(tx) },
        ]}
        format={(value) => `${bytes(value)}/s`}
      />
      {metrics.storage.length > 0 ? (
        <MetricChart
          title="Storage"
          series={[{ name: 'Used', points: metrics.storage }]}
          format={bytes}
          limit={bytesOf(job.storage)}
        />
      ) : (
        <Text size="sm" c="dimmed">
          The provider does not measure storage.
        </Text>
      )}
    </div>
  )
}

function useLiveSamples(job: Job, queryKey: unknown[], resolution: MetricsResolution, isReady: boolean): void {
  const queryClient = useQueryClient()
  const isOver = hasEnded(job.status)
  const key = JSON.stringify(queryKey)
  useEffect(() => {
    if (!isReady || isOver) return
    const stop = new AbortController()
    const follow = async () => {
      const at = JSON.parse(key) as unknown[]
      for await (const sample of client.jobs.followMetrics(job.id, { after: new Date(), signal: stop.signal })) {
        queryClient.setQueryData<JobMetrics>(at, (old) => old && withSample(old, sample, RESOLUTION_MS[resolution]))
      }
    }
    follow().catch((error: unknown) => {
      if (!stop.signal.aborted) noteError(error)
    })
    return () => stop.abort()
  }, [job.id, isOver, isReady, key, resolution, queryClient])
}

interface ChoiceProps<T extends string> {
  label: string
  values: readonly T[]
  value: T
  onChange(value: T): void
}

function Choice<T extends string>({ label, values, value, onChange }: ChoiceProps<T>) {
  return (
    <Group gap="xs">
      <Text size="sm" c="dimmed" id={`choice-${label}`}>
        {label}
      </Text>
      <SegmentedControl
        aria-labelledby={`choice-${label}`}
        size="xs"
        data={[...values]}
        value={value}
        onChange={(next) => onChange(next as T)}
      />
    </Group>
  )
}
