import { Button, Checkbox, SimpleGrid, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import type { Network, Provider } from '../../../client/index.ts'
import { shownName } from '../../../contract/names.ts'
import { PROVIDER_STATUSES } from '../../../contract/provider-status.ts'
import { bytes, cores, number, usd } from '../format/amounts.ts'
import { span } from '../format/time.ts'
import { useProviders } from '../jobs/queries.ts'
import { Card } from '../ui/card.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded, Outline } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { CapacityBar } from './capacity-bar.tsx'
import { MOST_COMPARED } from './compared.ts'
import { JoinCommand } from './join-command.tsx'
import { networkQuery } from './queries.ts'

const RegionMap = lazy(async () => ({ default: (await import('./region-map.tsx')).RegionMap }))

/** Who sells, and what the network has in all. */
export function NetworkPage() {
  const network = useQuery(networkQuery)
  const providers = useProviders()
  return (
    <Page title="Network" description="Providers that this gateway has heard of.">
      <Loaded query={network}>{(totals) => <Totals network={totals} />}</Loaded>
      <Loaded query={providers}>
        {(list) => (list.length === 0 ? <NoProviders /> : <Providers providers={list} />)}
      </Loaded>
    </Page>
  )
}

/** Those of the region that the address names, below where all of them are. */
function Providers({ providers }: { providers: Provider[] }) {
  const { region } = useSearch({ from: '/signed-in/network' })
  const navigate = useNavigate()
  const choose = (next: string | undefined) =>
    void navigate({
      to: '/network',
      search: next === undefined ? {} : { region: next },
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      <Suspense fallback={<Outline rows={4} />}>
        <RegionMap providers={providers} chosen={region} onChoose={choose} />
      </Suspense>
      <ProvidersTable providers={region === undefined ? providers : providers.filter((one) => one.region === region)} />
    </>
  )
}

function Totals({ network: { providers, peers, capacity, priceRange, jobs } }: { network: Network }) {
  const range = (name: 'cpu' | 'memory') => {
    const prices = priceRange?.[name]
    if (!prices) return '–'
    return prices.min === prices.max ? usd(prices.min) : `${usd(prices.min)} to ${usd(prices.max)}`
  }
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm">
      <Stat name="Providers online" value={`${providers.online} of ${providers.total}`} />
      <Stat name="Connected peers" value={number(peers)} />
      <Stat name="Free CPU" value={cores(capacity.free.cpu)} />
      <Stat name="Free memory" value={bytes(capacity.free.memory)} />
      <Stat name="Core-hour" value={range('cpu')} />
      <Stat name="Running jobs" value={number(jobs.running + jobs.scheduled)} />
    </SimpleGrid>
  )
}

function Stat({ name, value }: { name: string; value: string }) {
  return (
    <Card>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text fw={650} size="lg">
        {value}
      </Text>
    </Card>
  )
}

function NoProviders() {
  return (
    <Empty icon="network" title="No provider is known yet">
      <JoinCommand />
    </Empty>
  )
}

function ProvidersTable({ providers }: { providers: Provider[] }) {
  const sorted = providers.toSorted(
    (a, b) =>
      PROVIDER_STATUSES.indexOf(a.status) - PROVIDER_STATUSES.indexOf(b.status) ||
      a.pricing.cpu - b.pricing.cpu ||
      a.name.localeCompare(b.name),
  )
  const [chosen, setChosen] = useState<readonly string[]>([])
  const navigate = useNavigate()
  const compare = (
    <Button
      size="xs"
      variant="default"
      disabled={chosen.length < 2}
      onClick={() => void navigate({ to: '/network/compare', search: { ids: chosen.join(',') } })}
    >
      {chosen.length < 2 ? `Compare: choose 2 to ${MOST_COMPARED}` : `Compare ${chosen.length} providers`}
    </Button>
  )
  return (
    <Card title="Providers" actions={compare}>
      <PlainTable
        label="Providers"
        heads={[
          { label: 'Compare', isHidden: true },
          'Provider',
          'Status',
          'CPU',
          'Memory',
          'Storage',
          { label: 'Core-hour', isRight: true },
          { label: 'GB-hour', isRight: true },
          { label: 'Latency', isRight: true },
          'Region',
          'Up for',
        ]}
      >
        {sorted.map((provider) => (
          <Table.Tr key={provider.id}>
            <Table.Td>
              <Checkbox
                size="xs"
                aria-label={`Compare ${shownName(provider.name, provider.id)}`}
                checked={chosen.includes(provider.id)}
                disabled={!chosen.includes(provider.id) && chosen.length >= MOST_COMPARED}
                onChange={(event) =>
                  setChosen(
                    event.currentTarget.checked ? [...chosen, provider.id] : chosen.filter((id) => id !== provider.id),
                  )
                }
              />
            </Table.Td>
            <Table.Td>
              <Link
                to="/network/$providerId"
                params={{ providerId: provider.id }}
                className="text-link"
                title={provider.id}
              >
                {shownName(provider.name, provider.id)}
              </Link>
            </Table.Td>
            <Table.Td>
              <StatusBadge status={provider.status} />
              {provider.paused !== null && (
                <Text size="xs" c="dimmed">
                  {provider.paused}
                </Text>
              )}
            </Table.Td>
            <Capacities provider={provider} />
            <Table.Td ta="right">{usd(provider.pricing.cpu)}</Table.Td>
            <Table.Td ta="right">{usd(provider.pricing.memory)}</Table.Td>
            <Table.Td ta="right" className="nowrap">
              {provider.metrics.latency === null ? '–' : `${number(provider.metrics.latency, 1)} ms`}
            </Table.Td>
            <Table.Td>{provider.region || '–'}</Table.Td>
            <Table.Td className="nowrap">
              {provider.status === 'offline' ? '–' : span(provider.metrics.uptime)}
            </Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
    </Card>
  )
}

function Capacities({ provider: { name, capacity } }: { provider: Provider }) {
  const { total, free } = capacity
  return (
    <>
      <Table.Td>
        <CapacityBar what={`CPU of ${name}`} total={total.cpu} free={free.cpu} format={cores} />
      </Table.Td>
      <Table.Td>
        <CapacityBar what={`memory of ${name}`} total={total.memory} free={free.memory} format={bytes} />
      </Table.Td>
      <Table.Td>
        <CapacityBar what={`storage of ${name}`} total={total.storage} free={free.storage} format={bytes} />
      </Table.Td>
    </>
  )
}
