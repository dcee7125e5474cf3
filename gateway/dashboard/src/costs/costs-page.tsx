import { Button, SegmentedControl, Stack, Table, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useMemo } from 'react'
import type { CostForecast, CostPeriod, CostQuery, Costs } from '../../../client/index.ts'
import { forecastWords, trendWords } from '../../../contract/cost-words.ts'
import { COST_PERIODS, DAY_MS } from '../../../contract/costs.ts'
import { client } from '../app/client.ts'
import { rangeOf, type TimeRange } from '../charts/time-range.ts'
import { number, usd, usdExact } from '../format/amounts.ts'
import { save } from '../format/save.ts'
import { lastDays } from '../format/time-axis.ts'
import { useProviderNames, useProviders } from '../jobs/queries.ts'
import { Card } from '../ui/card.tsx'
import { Empty } from '../ui/empty.tsx'
import { Icon } from '../ui/icons.tsx'
import { Loaded, Outline } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { type CostGrouping, type CostsSearch, GROUPINGS } from './costs-search.ts'
import { csvOf } from './csv.ts'

const CostChart = lazy(async () => ({ default: (await import('./cost-chart.tsx')).CostChart }))
const PERIODS = Object.keys(COST_PERIODS) as CostPeriod[]
/** How a period is called: each is whole days, today among them. */
const PERIOD_NAMES: Partial<Record<CostPeriod, string>> = { '24h': 'Today' }
/** How often a forecast is asked for again, in ms. */
const FORECAST_MS = 60_000
/** Rows of the table; all of them are in the CSV. */
const MOST_ROWS = 400
const TIMEZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone
type Row = Costs['rows'][number]

/** What was spent, on what. */
export function CostsPage() {
  const search = useSearch({ from: '/signed-in/costs' })
  const navigate = useNavigate()
  const { period = '30d', by = 'day', label = 'team' } = search
  const zoom = rangeOf(search)
  const groupBy: NonNullable<CostQuery['groupBy']> = by === 'label' ? `label.${label}` : by
  const nameOf = useProviderNames()
  const { data: providers = [] } = useProviders()
  // Whole days, today among them.
  const today = new Date().setHours(0, 0, 0, 0)
  const whole = useMemo(() => lastDays(Math.max(1, COST_PERIODS[period] / DAY_MS), today), [period, today])
  const query = useQuery({
    queryKey: ['costs', zoom ?? whole, groupBy],
    queryFn: async ({ signal }) => {
      const { from, to } = zoom ?? whole
      return await client.analytics.costs(
        { from: new Date(from), to: new Date(to), groupBy, timezone: TIMEZONE },
        { signal },
      )
    },
    // Those of another grouping would stand under the wrong head.
    placeholderData: (before) => (before?.groupBy === groupBy ? before : undefined),
  })
  const { data: forecast } = useQuery({
    // Not among what each event has asked for again: every job of a month is looked at for it.
    queryKey: ['cost-forecast'],
    queryFn: async ({ signal }) => await client.analytics.forecast({ timezone: TIMEZONE }, { signal }),
    refetchInterval: FORECAST_MS,
  })
  const groupName = (group: string) => (by === 'provider' && group !== 'none' ? nameOf(group) : group)

  function show(next: CostsSearch): void {
    void navigate({ to: '/costs', search: { ...search, ...next }, resetScroll: false })
  }

  function download(costs: Costs): void {
    const nameIn = (id: string): string => providers.find((provider) => provider.id === id)?.name ?? ''
    const text = csvOf(costs, by === 'provider' ? nameIn : undefined)
    save(new Blob([text], { type: 'text/csv' }), `costs-${zoom === null ? period : 'part'}-${by}.csv`)
  }

  return (
    <Page
      title="Costs"
      description="Of jobs by when they were created, and of volumes that stayed, in US dollars."
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
      <CostChoices {...{ period, by, label }} onChange={show} />
      <Loaded query={query}>
        {(costs) =>
          costs.rows.length === 0 && zoom === null ? (
            <Empty icon="costs" title="Nothing was spent">
              Jobs show here once they are submitted. Give them labels, as team=research, to tell their costs apart.
            </Empty>
          ) : (
            <Stack>
              <Figures costs={costs} forecast={forecast} />
              {by === 'day' && (
                <Suspense fallback={<Outline rows={3} />}>
                  <CostChart
                    rows={costs.rows}
                    {...{ whole, zoom, forecast }}
                    onZoom={(range: TimeRange | null) => show({ from: range?.from, to: range?.to })}
                  />
                </Suspense>
              )}
              <CostTable
                head={{ day: 'Day', provider: 'Provider', label }[by]}
                rows={by === 'day' ? costs.rows : costs.rows.toSorted((a, b) => b.spent - a.spent)}
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
  period: CostPeriod
  by: CostGrouping
  label: string
}

/** Of what time costs are shown, and by what. */
function CostChoices({ period, by, label, onChange }: Choices & { onChange(next: CostsSearch): void }) {
  return (
    <div className="choices">
      <SegmentedControl
        aria-label="Period"
        data={PERIODS.map((value) => ({ value, label: PERIOD_NAMES[value] ?? value }))}
        value={period}
        onChange={(next) => onChange({ period: next as CostPeriod, from: undefined, to: undefined })}
      />
      <SegmentedControl
        aria-label="Group by"
        data={Object.entries(GROUPINGS).map(([value, text]) => ({ value, label: text }))}
        value={by}
        onChange={(next) => onChange({ by: next === 'day' ? undefined : (next as CostGrouping) })}
      />
      {by === 'label' && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            onChange({ label: String(new FormData(event.currentTarget).get('label') ?? '') || undefined })
          }}
        >
          <TextInput
            key={label}
            name="label"
            aria-label="Label"
            defaultValue={label}
            onBlur={(event) => {
              const next = event.currentTarget.value
              if (next !== label) onChange({ label: next || undefined })
            }}
            placeholder="team"
            maxLength={100}
            w={160}
          />
        </form>
      )}
    </div>
  )
}

/** What was spent for good, what runs, and what is expected: never one sum. */
function Figures({ costs: { total }, forecast }: { costs: Costs; forecast: CostForecast | undefined }) {
  const { perDay = null } = forecast?.basis ?? {}
  const figures: [name: string, value: string, note: string | null][] = [
    ['Spent', usd(total.spent), `For good: ended jobs, and ${usd(total.volumes)} of it volumes that stayed.`],
    [
      'Running',
      usd(total.running),
      `Metered so far of jobs that have not ended; they come to ${usd(total.projected)} at most.`,
    ],
    ['A day', usd(perDay), (forecast && trendWords(forecast)) ?? 'No week before to hold it against.'],
    ['Expected this month', usd(forecast?.month.expected), forecast === undefined ? null : forecastWords(forecast)],
  ]
  return (
    <dl className="figures">
      {figures.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <strong>{value}</strong>
            <span>{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}

function CostTable({ head, rows, nameOf }: { head: string; rows: Row[]; nameOf: (group: string) => string }) {
  const most = rows.reduce((high, { spent }) => Math.max(high, spent), 0)
  if (rows.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No job was created in this time.
      </Text>
    )
  }
  return (
    <Card>
      <PlainTable
        label="Costs"
        heads={[
          head,
          { label: 'Jobs', isRight: true },
          { label: 'Spent', isRight: true },
          { label: 'Of it volumes', isRight: true },
          { label: 'Running so far', isRight: true },
          { label: 'At most', isRight: true },
        ]}
      >
        {rows.slice(0, MOST_ROWS).map(({ group, jobs, spent, volumes, running, projected }) => (
          <Table.Tr key={group}>
            <Table.Td>{nameOf(group)}</Table.Td>
            <Table.Td ta="right">{number(jobs)}</Table.Td>
            <Table.Td ta="right" title={usdExact(spent)} className="bar-cell">
              <meter className="bar" min={0} max={most || 1} value={spent} aria-hidden />
              {usd(spent)}
            </Table.Td>
            <Table.Td ta="right">{usd(volumes)}</Table.Td>
            <Table.Td ta="right">{usd(running)}</Table.Td>
            <Table.Td ta="right">{usd(projected)}</Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
      {rows.length > MOST_ROWS && (
        <Text size="sm" c="dimmed" mt="xs">
          The first {number(MOST_ROWS)} of {number(rows.length)}: the CSV has all of them.
        </Text>
      )}
    </Card>
  )
}
