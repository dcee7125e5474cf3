import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ProviderHistoryEntry } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { usd } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { TimeChart } from '../ui/time-chart.tsx'

const WORDS: Record<ProviderHistoryEntry['type'], string> = {
  'provider.added': 'Heard of for the first time',
  'provider.status.changed': 'Another status',
  'provider.pricing.changed': 'Other prices',
  'provider.removed': 'Forgotten',
}
const SHOWN = 20

/** What a provider asked over time, and when it was there. */
export function PriceHistory({ id }: { id: string }) {
  const history = useQuery({
    queryKey: ['providers', 'history', id],
    queryFn: async ({ signal }) => await client.providers.history(id, { signal }),
  })
  const pricing = useQuery({
    queryKey: ['providers', 'pricing', id],
    queryFn: async ({ signal }) => await client.providers.pricing(id, { signal }),
  })
  return (
    <>
      <Card title="Price of a core-hour">
        <Loaded query={history}>{(entries) => <Chart entries={entries} />}</Loaded>
        <Loaded query={pricing}>
          {({ cpu }) => (
            <Text size="sm" c="dimmed">
              Now {usd(cpu.price)}. In 7 days {usd(cpu['7d'].min)} to {usd(cpu['7d'].max)}, in 30 days{' '}
              {usd(cpu['30d'].min)} to {usd(cpu['30d'].max)}, {usd(cpu['30d'].avg)} on average.
            </Text>
          )}
        </Loaded>
      </Card>
      <Card title="History">
        <Loaded query={history}>
          {(entries) => (
            <PlainTable label="History" heads={['What', 'Status', { label: 'Core-hour', isRight: true }, 'When']}>
              {entries.slice(0, SHOWN).map(({ timestamp, type, status, pricing: { cpu } }) => (
                <Table.Tr key={`${timestamp}${type}`}>
                  <Table.Td>{WORDS[type]}</Table.Td>
                  <Table.Td>
                    <StatusBadge status={status} />
                  </Table.Td>
                  <Table.Td ta="right">{usd(cpu)}</Table.Td>
                  <Table.Td>
                    <Ago at={timestamp} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </PlainTable>
          )}
        </Loaded>
      </Card>
    </>
  )
}

function Chart({ entries }: { entries: ProviderHistoryEntry[] }) {
  const points = entries.toReversed().map(({ timestamp, pricing }) => ({ at: timestamp, price: pricing.cpu }))
  const data = [...points, { at: new Date().toISOString(), price: points.at(-1)?.price ?? 0 }].map(({ at, price }) => ({
    at: Date.parse(at),
    'Core-hour': price,
  }))
  return (
    <div role="img" aria-label={`Price of a core-hour over time, now ${usd(points.at(-1)?.price)}`}>
      <TimeChart
        h={180}
        data={data}
        series={[{ name: 'Core-hour', color: 'indigo.6' }]}
        curveType="stepAfter"
        valueFormatter={usd}
        yAxisProps={{ width: 72 }}
      />
    </div>
  )
}
