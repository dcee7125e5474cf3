import { Group, SegmentedControl, Text } from '@mantine/core'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo } from 'react'
import type { Job, JobMetrics, MetricsResolution } from '../../../../client/index.ts'
import { hasEnded } from '../../../../contract/job-status.ts'
import { RESOLUTIONS } from '../../../../contract/metric-times.ts'
import { client } from '../../app/client.ts'
import { noteError } from '../../app/query.ts'
import { type ChartSpec, TimeCharts } from '../../charts/time-charts.tsx'
import { rangeOf, type TimeRange } from '../../charts/time-range.ts'
import { bytes, bytesOf, cores, number } from '../../format/amounts.ts'
import { Empty } from '../../ui/empty.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { useNow } from '../../ui/time.tsx'
import { jobKeys } from '../queries.ts'
import { metricsQueryOf, SHOWN_PERIODS, shownPeriod, wholeOf } from './metric-query.ts'
import { pointsOf, rateOf, withSample } from './metric-series.ts'

/** What the container uses, against what it may. */
export function Metrics({ job }: { job: Job }) {
  const search = useSearch({ from: '/signed-in/jobs/$jobId' })
  const navigate = useNavigate()
  const period = shownPeriod(search.period)
  const zoom = rangeOf(search)
  const { from, to } = wholeOf(job, period, useNow())
  const whole = useMemo(() => ({ from, to }), [from, to])
  const { resolution, ...ends } = metricsQueryOf(whole, zoom)
  // What comes while it is looked at is put behind it: it is not asked for again as time goes by.
  const queryKey = ['jobs', 'metrics', job.id, zoom ?? period, resolution]
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }) => await client.jobs.metrics(job.id, { ...ends, resolution, signal }),
    placeholderData: keepPreviousData,
  })
  useLiveSamples(job, queryKey, resolution, query.isSuccess && zoom === null)

  function show(next: { period?: string | undefined; zoom: TimeRange | null }): void {
    void navigate({
      to: '/jobs/$jobId',
      params: { jobId: job.id },
      search: {
        ...search,
        ...('period' in next && { period: next.period }),
        ...{ from: next.zoom?.from, to: next.zoom?.to },
      },
      resetScroll: false,
    })
  }

  return (
    <>
      <Group gap="xs" mb="md">
        <Text size="sm" c="dimmed" id="metrics-range">
          Range
        </Text>
        <SegmentedControl
          aria-labelledby="metrics-range"
          size="xs"
          data={SHOWN_PERIODS.map((value) => ({ value, label: value === 'all' ? 'All' : value }))}
          value={period}
          onChange={(next) => show({ period: next === '1h' ? undefined : next, zoom: null })}
        />
      </Group>
      <Loaded query={query}>
        {(metrics) =>
          metrics.cpu.length === 0 && zoom === null ? (
            <Empty icon="costs" title="No samples yet">
              The provider sends one every few seconds while the container runs.
            </Empty>
          ) : (
            <Charts
              {...{ job, metrics, whole, zoom }}
              stepMs={RESOLUTIONS[resolution]}
              onZoom={(next) => show({ zoom: next })}
            />
          )
        }
      </Loaded>
    </>
  )
}

interface ChartsProps {
  job: Job
  metrics: JobMetrics
  whole: TimeRange
  zoom: TimeRange | null
  stepMs: number
  onZoom(range: TimeRange | null): void
}

function Charts({ job, metrics, ...range }: ChartsProps) {
  const vram = useVram(job, metrics.gpuMemory.length > 0)
  const { cpu, memory, storage, gpu } = job
  const charts = useMemo(
    () => chartsOf({ cpu, memory, storage, gpu }, metrics, vram),
    [cpu, memory, storage, gpu, metrics, vram],
  )
  return (
    <>
      <TimeCharts label="Metrics" charts={charts} {...range} />
      {metrics.storage.length === 0 && (
        <Text size="sm" c="dimmed" mt="sm">
          The provider does not measure storage.
        </Text>
      )}
    </>
  )
}

function chartsOf(
  { cpu, memory, storage, gpu }: Pick<Job, 'cpu' | 'memory' | 'storage' | 'gpu'>,
  metrics: JobMetrics,
  vram: number | null,
): ChartSpec[] {
  const limit = (value: number, format: (value: number) => string) => ({ name: `Limit ${format(value)}`, value })
  const used = (points: JobMetrics['cpu']) => [{ name: 'Used', points: pointsOf(points) }]
  const perSecond = (value: number): string => `${bytes(value)}/s`
  const percent = (value: number): string => `${number(value / 10)} %`
  const { rx, tx } = metrics.network
  const all: (ChartSpec & { isShown: boolean })[] = [
    { title: 'CPU', lines: used(metrics.cpu), format: cores, limit: limit(cpu, cores), isShown: true },
    {
      ...{ title: 'Memory', lines: used(metrics.memory), format: bytes, isBytes: true },
      ...{ limit: limit(bytesOf(memory), bytes), isShown: true },
    },
    {
      title: 'Network',
      lines: [
        { name: 'Received', points: pointsOf(rateOf(rx)) },
        { name: 'Sent', points: pointsOf(rateOf(tx)) },
      ],
      ...{ format: perSecond, isBytes: true, isShown: true },
    },
    {
      ...{ title: 'Storage', lines: used(metrics.storage), format: bytes, isBytes: true },
      ...{ limit: limit(bytesOf(storage), bytes), isShown: metrics.storage.length > 0 },
    },
    {
      ...{ title: 'GPUs', lines: used(metrics.gpu), format: percent },
      ...{ limit: limit(gpu * 1000, percent), isShown: metrics.gpu.length > 0 },
    },
    {
      ...{ title: 'VRAM', lines: used(metrics.gpuMemory), format: bytes, isBytes: true },
      ...{ limit: vram === null ? undefined : limit(vram, bytes), isShown: metrics.gpuMemory.length > 0 },
    },
  ]
  return all.filter(({ isShown }) => isShown)
}

/** The bytes of VRAM of the GPUs that the job was given; null where its provider did not say which. */
function useVram({ id, attempt }: Job, isAsked: boolean): number | null {
  const { data: bids = [] } = useQuery({
    queryKey: jobKeys.bids(id),
    queryFn: async ({ signal }) => await client.jobs.bids(id, { signal }),
    enabled: isAsked,
  })
  const taken = bids.findLast((bid) => bid.outcome === 'accepted' && bid.attempt === attempt)?.gpu ?? null
  return taken === null ? null : taken.count * bytesOf(taken.memory)
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
