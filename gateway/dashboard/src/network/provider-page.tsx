import { Badge, Button, Group, SimpleGrid, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import type { Provider } from '../../../client/index.ts'
import { describeIsolation } from '../../../contract/isolation-words.ts'
import { shownName } from '../../../contract/names.ts'
import { client } from '../app/client.ts'
import { bytes, cores, gpuName, number, usd } from '../format/amounts.ts'
import { span } from '../format/time.ts'
import type { JobRow } from '../jobs/job-row.ts'
import { Card } from '../ui/card.tsx'
import { Copy } from '../ui/copy.tsx'
import { Facts } from '../ui/facts.tsx'
import { Loaded, Outline } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { CapacityBar } from './capacity-bar.tsx'
import { coresOf, FIGURE_NAMES, type Figure, linkOf, perSecond } from './figures.ts'

const PriceHistory = lazy(async () => ({ default: (await import('./price-history.tsx')).PriceHistory }))
const EVERY_MS = 15_000

/** One provider: what it has, asks and did. */
export function ProviderPage() {
  const { providerId: id } = useParams({ from: '/signed-in/network/$providerId' })
  const query = useQuery({
    queryKey: ['providers', 'one', id],
    queryFn: async ({ signal }) => await client.providers.get(id, { signal }),
    refetchInterval: EVERY_MS,
  })
  return <Loaded query={query}>{(provider) => <ProviderDetails provider={provider} />}</Loaded>
}

function ProviderDetails({ provider }: { provider: Provider }) {
  const { id, name, capacity, metrics, pricing } = provider
  return (
    <Page
      title={shownName(name, id)}
      badge={<StatusBadge status={provider.status} />}
      actions={
        <Button
          variant="default"
          renderRoot={(props) => <Link {...props} to="/network/compare" search={{ ids: id }} />}
        >
          Compare
        </Button>
      }
      description={
        <Group gap={2} wrap="nowrap">
          <span className="mono break">{id}</span>
          <Copy text={id} what="provider id" />
        </Group>
      }
    >
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Card title="Capacity">
          <div className="capacities">
            <span>CPU</span>
            <CapacityBar what="CPU" total={capacity.total.cpu} free={capacity.free.cpu} format={cores} />
            <span>Memory</span>
            <CapacityBar what="memory" total={capacity.total.memory} free={capacity.free.memory} format={bytes} />
            <span>Storage</span>
            <CapacityBar what="storage" total={capacity.total.storage} free={capacity.free.storage} format={bytes} />
          </div>
        </Card>
        <Card title="Price">
          <Facts
            items={[
              ['Core-hour', usd(pricing.cpu)],
              ['GB-hour of memory', usd(pricing.memory)],
              ['GB-hour of storage', usd(pricing.storage)],
              ['GB of traffic', usd(pricing.network)],
              ['GB-hour of a volume that no job has', usd(pricing.volume)],
              ['Job, at least', pricing.minimum > 0 ? usd(pricing.minimum) : null],
              ['What you spent here', usd(metrics.costToDate)],
            ]}
          />
        </Card>
      </SimpleGrid>
      {capacity.total.gpu.length > 0 && <Gpus capacity={capacity} />}
      <Card title="Details">
        <Facts
          items={[
            ['Takes no jobs', provider.paused],
            ['Region', provider.region],
            ['Architecture', provider.architecture],
            ['Runs', provider.platforms.join(', ')],
            ['By emulation', provider.emulatedPlatforms.join(', ')],
            ['Isolation', provider.isolations.map(describeIsolation).join(', ')],
            ['Processor', provider.hardware?.cpu.model],
            ['Cores', coresOf(provider)],
            ['Kind of memory', provider.hardware?.memory.type],
            ['Disk', [provider.hardware?.disk.type, provider.hardware?.disk.model].filter(Boolean).join(' ')],
            ['Interface', linkOf(provider)],
            ['Version', provider.version],
            ['Latency', metrics.latency === null ? '–' : `${number(metrics.latency, 1)} ms`],
            ['Up for', span(metrics.uptime)],
            ['Jobs completed', number(metrics.jobsCompleted)],
            ['Jobs failed', number(metrics.jobsFailed)],
            ['First heard of', <Ago key="first" at={provider.createdAt} />],
            ['Last heard of', <Ago key="last" at={provider.updatedAt} />],
          ]}
        />
        <Group gap={6} mt="md">
          {provider.capabilities.map((capability) => (
            <Badge key={capability} variant="default" tt="none" fw={500}>
              {capability}
            </Badge>
          ))}
          {Object.entries(provider.labels).map(([key, value]) => (
            <Badge key={key} variant="default" tt="none" fw={500}>
              {key}={value}
            </Badge>
          ))}
        </Group>
      </Card>
      <Speed provider={provider} />
      <Suspense fallback={<Outline rows={3} />}>
        <PriceHistory id={id} name={shownName(name, id)} />
      </Suspense>
      <ProviderJobs id={id} />
    </Page>
  )
}

/** What the machine does in a second: as its provider says, and as your own jobs found. */
function Speed({ provider: { measured, seen } }: { provider: Provider }) {
  return (
    <Card title="Speed">
      {measured === null && seen === null ? (
        <Text size="sm" c="dimmed">
          Its provider measured nothing. <span className="mono">cortex provider bench</span> has a job of yours do it.
        </Text>
      ) : (
        <PlainTable
          label="Speed"
          heads={['', { label: 'Its own word', isRight: true }, { label: 'Seen', isRight: true }]}
        >
          {Object.entries(FIGURE_NAMES).map(([figure, label]) => (
            <Table.Tr key={figure}>
              <Table.Td>{label}</Table.Td>
              <Table.Td ta="right">{perSecond(measured?.[figure as Figure] ?? 0, figure as Figure)}</Table.Td>
              <Table.Td ta="right">{perSecond(seen?.[figure as Figure] ?? 0, figure as Figure)}</Table.Td>
            </Table.Tr>
          ))}
        </PlainTable>
      )}
    </Card>
  )
}

function Gpus({ capacity: { total, free } }: Pick<Provider, 'capacity'>) {
  const heads = ['GPU', 'VRAM', 'Free', 'Compute', 'CUDA or ROCm', 'Driver', 'Interconnect']
  return (
    <Card title="GPUs">
      <PlainTable label="GPUs" heads={[...heads, { label: 'Per hour', isRight: true }]}>
        {total.gpu.map((gpu) => (
          <Table.Tr key={`${gpu.model} ${gpu.memory} ${gpu.migProfile} ${gpu.interconnect}`}>
            <Table.Td>{gpuName(gpu)}</Table.Td>
            <Table.Td>{bytes(gpu.memory)}</Table.Td>
            <Table.Td>{freeOf(gpu, free.gpu)}</Table.Td>
            <Table.Td>{gpu.compute || '–'}</Table.Td>
            <Table.Td>{gpu.runtime || '–'}</Table.Td>
            <Table.Td>{gpu.driver || '–'}</Table.Td>
            <Table.Td>{gpu.interconnect || '–'}</Table.Td>
            <Table.Td ta="right">{usd(gpu.pricePerHour)}</Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
    </Card>
  )
}

type ShownGpu = Provider['capacity']['total']['gpu'][number]

/** Of the same kind. */
function freeOf(gpu: ShownGpu, free: ShownGpu[]): number {
  const isSame = (one: ShownGpu) =>
    (['model', 'memory', 'migProfile', 'interconnect', 'compute'] as const).every((name) => one[name] === gpu[name])
  return free.find(isSame)?.count ?? 0
}

function ProviderJobs({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ['providers', 'jobs', id],
    queryFn: async ({ signal }) => (await client.providers.jobs(id, { limit: 20 }, { signal })).items as JobRow[],
  })
  return (
    <Card
      title="Your jobs here"
      actions={
        <Link to="/jobs" search={{ provider: id }} className="text-link small">
          Show all
        </Link>
      }
    >
      <Loaded query={query}>
        {(jobs) =>
          jobs.length === 0 ? (
            <Text size="sm" c="dimmed">
              None yet.
            </Text>
          ) : (
            <PlainTable label="Jobs" heads={['Job', 'Status', 'Created', { label: 'Cost', isRight: true }]}>
              {jobs.map((job) => (
                <Table.Tr key={job.id}>
                  <Table.Td>
                    <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="text-link">
                      {job.name ?? job.image} <span className="job-id">…{job.id.slice(-8)}</span>
                    </Link>
                  </Table.Td>
                  <Table.Td>
                    <StatusBadge status={job.status} />
                  </Table.Td>
                  <Table.Td>
                    <Ago at={job.createdAt} />
                  </Table.Td>
                  <Table.Td ta="right">{usd(job.cost?.current)}</Table.Td>
                </Table.Tr>
              ))}
            </PlainTable>
          )
        }
      </Loaded>
    </Card>
  )
}
