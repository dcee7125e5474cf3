import { MultiSelect, Table, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useMemo } from 'react'
import type { Provider } from '../../../client/index.ts'
import { useProviders } from '../jobs/queries.ts'
import { Card } from '../ui/card.tsx'
import { Loaded, Outline } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { labelsOf, MOST_COMPARED } from './compared.ts'
import { uptimeQuery } from './queries.ts'
import { bestOf, type Compared, GROUPS, type Trait } from './traits.ts'

const OverTime = lazy(async () => ({ default: (await import('./over-time.tsx')).OverTime }))

/** Two to four providers side by side; the address says which. */
export function CompareProvidersPage() {
  const providers = useProviders()
  return (
    <Page title="Compare Providers" description="What each has, asks and did, side by side.">
      <Loaded query={providers}>{(list) => <Comparison providers={list} />}</Loaded>
    </Page>
  )
}

function Comparison({ providers }: { providers: Provider[] }) {
  const { ids = '' } = useSearch({ from: '/signed-in/network/compare' })
  const navigate = useNavigate()
  const chosen = [...new Set(ids.split(','))].slice(0, MOST_COMPARED)
  const compared = chosen.flatMap((id) => providers.find((one) => one.id === id) ?? [])
  const labels = useMemo(() => labelsOf(providers), [providers])
  const named = compared.map(({ id }) => ({ id, name: labels.get(id) ?? id }))
  return (
    <>
      <MultiSelect
        label="Providers"
        placeholder={compared.length < MOST_COMPARED ? 'Add one' : ''}
        data={[...labels].map(([value, label]) => ({ value, label }))}
        value={compared.map(({ id }) => id)}
        maxValues={MOST_COMPARED}
        limit={60}
        searchable
        maw={720}
        onChange={(next) => void navigate({ to: '/network/compare', search: { ids: next.join(',') }, replace: true })}
      />
      {compared.length < 2 ? (
        <Text size="sm" c="dimmed">
          Choose two to {MOST_COMPARED} of them.
        </Text>
      ) : (
        <>
          <SideBySide providers={compared} labels={labels} />
          <Suspense fallback={<Outline rows={6} />}>
            <OverTime providers={named} />
          </Suspense>
        </>
      )}
    </>
  )
}

function SideBySide({ providers, labels }: { providers: Provider[]; labels: ReadonlyMap<string, string> }) {
  const uptimes = useQueries({ queries: providers.map(({ id }) => uptimeQuery(id)) })
  const all = providers.map((provider, i) => ({ provider, uptime: shareOf(uptimes[i]?.data) }))
  return (
    <Card>
      <PlainTable
        label="Side by side"
        heads={[{ label: 'What', isHidden: true }, ...providers.map(({ id }) => labels.get(id) ?? id)]}
      >
        <Table.Tr>
          <Table.Th scope="row">Now</Table.Th>
          {providers.map(({ id, status }) => (
            <Table.Td key={id}>
              <Link to="/network/$providerId" params={{ providerId: id }} className="text-link">
                <StatusBadge status={status} />
              </Link>
            </Table.Td>
          ))}
        </Table.Tr>
        {GROUPS.map(({ title, traits }) => (
          <Group key={title} title={title} traits={traits} all={all} />
        ))}
      </PlainTable>
    </Card>
  )
}

/** Traits of one kind, below its name; none that nobody has. */
function Group({ title, traits, all }: { title: string; traits: Trait[]; all: readonly Compared[] }) {
  const shown = traits.filter(({ value }) => all.some((one) => value(one) !== null))
  if (shown.length === 0) return null
  return (
    <>
      <Table.Tr>
        <Table.Th scope="colgroup" colSpan={all.length + 1} className="compare-group">
          {title}
        </Table.Th>
      </Table.Tr>
      {shown.map((trait) => (
        <TraitRow key={trait.label} trait={trait} all={all} />
      ))}
    </>
  )
}

/** How much of the time that is known a provider was there, in percent; null where nothing is. */
function shareOf(uptime: { value: number }[] | undefined): number | null {
  if (uptime === undefined || uptime.length === 0) return null
  return uptime.reduce((sum, { value }) => sum + value, 0) / uptime.length
}

function TraitRow({ trait, all }: { trait: Trait; all: readonly Compared[] }) {
  const best = bestOf(trait, all)
  return (
    <Table.Tr>
      <Table.Th scope="row">{trait.label}</Table.Th>
      {all.map((one) => (
        <Table.Td key={one.provider.id}>
          {best.has(one) ? (
            <strong>
              {trait.value(one)} <span className="best">best</span>
            </strong>
          ) : (
            (trait.value(one) ?? '–')
          )}
        </Table.Td>
      ))}
    </Table.Tr>
  )
}
