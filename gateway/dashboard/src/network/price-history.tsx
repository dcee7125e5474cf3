import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ProviderHistoryEntry, ProviderPricing } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { usd } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { OverTime } from './over-time.tsx'
import type { Named } from './over-time-lines.ts'
import { historyQuery } from './queries.ts'

const WORDS: Record<ProviderHistoryEntry['type'], string> = {
  'provider.added': 'Heard of for the first time',
  'provider.status.changed': 'Another status',
  'provider.pricing.changed': 'Other prices',
  'provider.removed': 'Forgotten',
}
const SHOWN = 20

/** What a provider asked over time, and when it was there. */
export function PriceHistory({ id, name }: Named) {
  const history = useQuery(historyQuery(id))
  const pricing = useQuery({
    queryKey: ['providers', 'pricing', id],
    queryFn: async ({ signal }) => await client.providers.pricing(id, { signal }),
  })
  return (
    <>
      <OverTime providers={[{ id, name }]} />
      <Loaded query={pricing}>
        {({ cpu }) => (
          <Text size="sm" c="dimmed">
            A core-hour is {usd(cpu.price)} now. In 7 days it was {usd(cpu['7d'].min)} to {usd(cpu['7d'].max)}, in 30
            days {usd(cpu['30d'].min)} to {usd(cpu['30d'].max)}, {usd(cpu['30d'].avg)} on average.
          </Text>
        )}
      </Loaded>
      {(pricing.data?.gpus.length ?? 0) > 0 && <GpuPrices gpus={pricing.data?.gpus ?? []} />}
      <Card title="History">
        <Loaded query={history}>
          {(entries) => (
            <PlainTable label="History" heads={headsOf(entries)}>
              {entries.slice(0, SHOWN).map(({ timestamp, type, status, pricing: { cpu }, gpus }) => (
                <Table.Tr key={`${timestamp}${type}`}>
                  <Table.Td>{WORDS[type]}</Table.Td>
                  <Table.Td>
                    <StatusBadge status={status} />
                  </Table.Td>
                  <Table.Td ta="right">{usd(cpu)}</Table.Td>
                  {withGpus(entries) && (
                    <Table.Td ta="right">
                      {gpus.map(({ model, pricePerHour }) => `${model} ${usd(pricePerHour)}`).join(', ') || '–'}
                    </Table.Td>
                  )}
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

function withGpus(entries: ProviderHistoryEntry[]): boolean {
  return entries.some(({ gpus }) => gpus.length > 0)
}

function headsOf(entries: ProviderHistoryEntry[]) {
  const prices = ['Core-hour', ...(withGpus(entries) ? ['GPU-hour'] : [])]
  return ['What', 'Status', ...prices.map((label) => ({ label, isRight: true })), 'When']
}

function GpuPrices({ gpus }: Pick<ProviderPricing, 'gpus'>) {
  const heads = ['Now', '7 days', '30 days', 'On average'].map((label) => ({ label, isRight: true }))
  const between = ({ min, max }: { min: number; max: number }): string =>
    min === max ? usd(min) : `${usd(min)} to ${usd(max)}`
  return (
    <Card title="Price of a GPU-hour">
      <PlainTable label="Prices of GPUs" heads={['GPU', ...heads]}>
        {gpus.map(({ model, price, '7d': week, '30d': month }) => (
          <Table.Tr key={model}>
            <Table.Td>{model}</Table.Td>
            <Table.Td ta="right">{usd(price)}</Table.Td>
            <Table.Td ta="right">{between(week)}</Table.Td>
            <Table.Td ta="right">{between(month)}</Table.Td>
            <Table.Td ta="right">{usd(month.avg)}</Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
    </Card>
  )
}
