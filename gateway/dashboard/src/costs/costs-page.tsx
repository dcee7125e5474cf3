import { Button, SegmentedControl, Stack, Table, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import type { CostQuery, Costs } from '../../../client/index.ts'
import { COST_PERIODS } from '../../../contract/costs.ts'
import { client } from '../app/client.ts'
import { counted, number, usd } from '../format/amounts.ts'
import { save } from '../format/save.ts'
import { daysBetween } from '../format/time-axis.ts'
import { useProviderNames, useProviders } from '../jobs/queries.ts'
import { Card } from '../ui/card.tsx'
import { Empty } from '../ui/empty.tsx'
import { Icon } from '../ui/icons.tsx'
import { Loaded, Outline } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { csvOf } from './csv.ts'

const CostChart = lazy(async () => ({ default: (await import('./cost-chart.tsx')).CostChart }))
const PERIODS = Object.keys(COST_PERIODS) as (keyof typeof COST_PERIODS)[]
type Grouping = 'day' | 'provider' | 'label'
type Row = Costs['rows'][number]

/** What was spent, on what. */
export function CostsPage() {
  const [period, setPeriod] = useState<(typeof PERIODS)[number]>('30d')
  const [by, setBy] = useState<Grouping>('day')
  const [typed, setLabel] = useState('team')
  const [label] = useDebouncedValue(typed, 300)
  const groupBy: NonNullable<CostQuery['groupBy']> = by === 'label' ? `label.${label || 'team'}` : by
  const nameOf = useProviderNames()
  const { data: providers = [] } = useProviders()
  const query = useQuery({
    queryKey: ['costs', period, groupBy],
    queryFn: async ({ signal }) => await client.analytics.costs({ period, groupBy }, { signal }),
  })
  const groupName = (group: string) => (by === 'provider' && group !== 'none' ? nameOf(group) : group)

  const named = (row: Row): Row => ({ ...row, group: groupName(row.group) })

  function download(costs: Costs): void {
    const nameIn = (id: string): string => providers.find((provider) => provider.id === id)?.name ?? ''
    const text = csvOf(costs, by === 'provider' ? nameIn : undefined)
    save(new Blob([text], { type: 'text/csv' }), `costs-${period}-${by}.csv`)
  }

  return (
    <Page
      title="Costs"
      description="Of jobs created in the period, and of volumes that stayed, in US dollars."
      actions={
        <Button
          variant="default"
          leftSection={<Icon name="download" size={16} />}
          disabled={query.data === undefined}
          onClick={() => query.data && download(query.data)}
        >
          Export CSV
        </Button>
      }
    >
      <CostChoices {...{ period, by, label: typed }} onPeriod={setPeriod} onBy={setBy} onLabel={setLabel} />
      <Loaded query={query}>
        {(costs) =>
          costs.rows.length === 0 ? (
            <Empty icon="costs" title="Nothing was spent">
              Jobs show here once they are submitted. Give them labels, as team=research, to tell their costs apart.
            </Empty>
          ) : (
            <Stack>
              <Card
                title={`Total ${usd(costs.total.actual + costs.total.volumes)}`}
                actions={
                  <Text size="sm" c="dimmed">
                    {counted(costs.total.jobs, 'job')}, at most {usd(costs.total.estimated)} was agreed; volumes{' '}
                    {usd(costs.total.volumes)}
                  </Text>
                }
              >
                <Suspense fallback={<Outline rows={3} />}>
                  <CostChart rows={by === 'day' ? everyDay(costs.rows) : costs.rows.map(named)} />
                </Suspense>
              </Card>
              <CostTable
                head={{ day: 'Day (UTC)', provider: 'Provider', label: label || 'Label' }[by]}
                rows={costs.rows}
                nameOf={groupName}
              />
            </Stack>
          )
        }
      </Loaded>
    </Page>
  )
}

interface Choices {
  period: (typeof PERIODS)[number]
  by: Grouping
  label: string
}

/** Of what time costs are shown, and by what. */
function CostChoices(
  props: Choices & {
    onPeriod: (period: Choices['period']) => void
    onBy: (by: Grouping) => void
    onLabel: (label: string) => void
  },
) {
  const { period, by, label, onPeriod, onBy, onLabel } = props
  return (
    <div className="choices">
      <SegmentedControl
        aria-label="Period"
        data={[...PERIODS]}
        value={period}
        onChange={(value) => onPeriod(value as Choices['period'])}
      />
      <SegmentedControl
        aria-label="Group by"
        data={[
          { value: 'day', label: 'By day' },
          { value: 'provider', label: 'By provider' },
          { value: 'label', label: 'By label' },
        ]}
        value={by}
        onChange={(value) => onBy(value as Grouping)}
      />
      {by === 'label' && (
        <TextInput
          aria-label="Label"
          value={label}
          onChange={(event) => onLabel(event.currentTarget.value)}
          placeholder="team"
          w={160}
        />
      )}
    </div>
  )
}

function CostTable({ head, rows, nameOf }: { head: string; rows: Row[]; nameOf: (group: string) => string }) {
  return (
    <Card>
      <PlainTable
        label="Costs"
        heads={[
          head,
          { label: 'Jobs', isRight: true },
          { label: 'Estimated at most', isRight: true },
          { label: 'Actual', isRight: true },
          { label: 'Volumes', isRight: true },
        ]}
      >
        {rows.map(({ group, jobs, estimated, actual, volumes }) => (
          <Table.Tr key={group}>
            <Table.Td>{nameOf(group)}</Table.Td>
            <Table.Td ta="right">{number(jobs)}</Table.Td>
            <Table.Td ta="right">{usd(estimated)}</Table.Td>
            <Table.Td ta="right">{usd(actual)}</Table.Td>
            <Table.Td ta="right">{usd(volumes)}</Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
    </Card>
  )
}

/** Days on which nothing was spent are days, too. */
function everyDay(rows: Row[]): Row[] {
  const byDay = new Map(rows.map((row) => [row.group, row]))
  const days = daysBetween(rows[0]?.group ?? '', rows.at(-1)?.group ?? '')
  return days.map((group) => byDay.get(group) ?? { group, jobs: 0, estimated: 0, actual: 0, volumes: 0 })
}
