import { Group, SegmentedControl, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Job, JobMetrics, MetricsPeriod, MetricsResolution } from '../../../../client/index.ts'
import { hasEnded } from '../../../../contract/job-status.ts'
import { PERIODS, RESOLUTIONS } from '../../../../contract/metric-times.ts'
import { client } from '../../app/client.ts'
import { noteError } from '../../app/query.ts'
import { bytes, bytesOf, cores, number } from '../../format/amounts.ts'
import { Empty } from '../../ui/empty.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { MetricChart } from './metric-chart.tsx'
import { rateOf, withSample } from './metric-series.ts'

const PERIOD_NAMES = Object.keys(PERIODS) as MetricsPeriod[]
const RESOLUTION_NAMES = Object.keys(RESOLUTIONS) as MetricsResolution[]
/** More points than this are more than a screen can show. */
const MAX_POINTS = 2_000

/** What the container uses, against what it may. */
export function Metrics({ job }: { job: Job }) {
  const [period, setPeriod] = useState<MetricsPeriod>('1h')
  const [chosen, setResolution] = useState<MetricsResolution>('5s')
  const possible = RESOLUTION_NAMES.filter(
    (one) => PERIODS[period] / RESOLUTIONS[one] <= MAX_POINTS && RESOLUTIONS[one] < PERIODS[period],
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
        <Choice<MetricsPeriod>
          label="Range"
          values={PERIOD_NAMES}
          value={period}
          onChange={(next) => setPeriod(next)}
        />
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
      {metrics.gpu.length > 0 && (
        <MetricChart
          title="GPUs"
          series={[{ name: 'Used', points: metrics.gpu }]}
          format={(value) => `${number(value / 10)} %`}
          limit={job.gpu * 1000}
        />
      )}
      {metrics.gpuMemory.length > 0 && (
        <MetricChart title="VRAM" series={[{ name: 'Used', points: metrics.gpuMemory }]} format={bytes} />
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
        queryClient.setQueryData<JobMetrics>(at, (old) => old && withSample(old, sample, RESOLUTIONS[resolution]))
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
