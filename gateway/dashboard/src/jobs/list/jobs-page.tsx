import { Button, Group, Menu } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Page as ApiPage } from '../../../../client/index.ts'
import { hasEnded } from '../../../../contract/job-status.ts'
import { client } from '../../app/client.ts'
import { useMay } from '../../app/session.ts'
import { counted } from '../../format/amounts.ts'
import { Icon } from '../../ui/icons.tsx'
import { Outline } from '../../ui/loaded.tsx'
import { Page } from '../../ui/page.tsx'
import { Problem } from '../../ui/problem.tsx'
import { CancelJob } from '../actions/cancel-job.tsx'
import type { JobRow } from '../job-row.ts'
import { jobKeys } from '../queries.ts'
import { type JobFilter, queryOf } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'
import { FirstSteps, isBeginning } from './first-steps.tsx'
import { JobsTable } from './jobs-table.tsx'
import { NoJobs } from './no-jobs.tsx'

/** Jobs asked for at a time. */
const PAGE = 100

/** The table of jobs. Its filter is in the address, so that it can be kept and shared. */
export function JobsPage() {
  const filter = useSearch({ from: '/signed-in/jobs' })
  const navigate = useNavigate()
  const mayWrite = useMay('jobs:write')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [isCancelling, setCancelling] = useState(false)

  const query = useInfiniteQuery({
    queryKey: [...jobKeys.lists, filter],
    queryFn: async ({ pageParam: cursor, signal }) =>
      (await client.jobs.list(
        { ...queryOf(filter), limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
        { signal },
      )) as ApiPage<JobRow>,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ pagination }) => pagination.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  })
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data])
  const total = query.data?.pages[0]?.pagination.total ?? 0
  const searched = query.hasNextPage
    ? (query.data?.pages ?? []).reduce((sum, { pagination }) => sum + (pagination.searched ?? 0), 0)
    : 0
  const chosenRows = rows.filter((row) => chosen.has(row.id))
  const cancellable = chosenRows.filter((row) => !hasEnded(row.status))
  const [a, b, ...more] = chosenRows.map(({ id }) => id).toSorted()
  const isFiltered = Object.keys(filter).some((name) => name !== 'sort')
  const isGuided = rows.length > 0 && !isFiltered && mayWrite && isBeginning(rows)

  function show(next: JobFilter): void {
    setChosen(new Set())
    void navigate({ to: '/jobs', search: next, replace: true })
  }

  return (
    <Page
      title="Jobs"
      isFilled={!isGuided}
      description={query.data && `${counted(total, 'job')}${isFiltered ? ' that match' : ''}`}
      actions={mayWrite && <CreateActions />}
    >
      <FilterBar filter={filter} onChange={show} />
      {chosenRows.length > 0 && (
        <Group className="bulk-bar" gap="sm">
          <span>{chosenRows.length} selected</span>
          {cancellable.length > 0 && (
            <Button size="xs" color="red" onClick={() => setCancelling(true)}>
              Cancel {cancellable.length === 1 ? 'Job' : `${cancellable.length} jobs`}
            </Button>
          )}
          {a && b && more.length === 0 && (
            <Button
              size="xs"
              variant="default"
              renderRoot={(props) => <Link {...props} to="/jobs/compare" search={{ a, b }} />}
            >
              Compare
            </Button>
          )}
          <Button size="xs" variant="default" onClick={() => setChosen(new Set())}>
            Clear
          </Button>
        </Group>
      )}
      {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Outline rows={8} />}
      {query.data && rows.length === 0 && searched === 0 && <NoJobs isFiltered={isFiltered} onClear={() => show({})} />}
      {isGuided && <FirstSteps rows={rows} />}
      {rows.length > 0 && (
        <JobsTable
          rows={rows}
          total={total}
          filter={filter}
          chosen={chosen}
          onChoose={setChosen}
          onSort={(sort) => show({ ...filter, sort })}
          hasMore={query.hasNextPage}
          onMore={() => {
            if (!query.isFetchingNextPage) void query.fetchNextPage()
          }}
        />
      )}
      {searched > 0 && (
        <Group gap="sm" mt="sm" role="status">
          <span>{`Looked at ${counted(searched, 'job')} so far.`}</span>
          <Button
            size="xs"
            variant="default"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Search on
          </Button>
        </Group>
      )}
      <CancelJob
        jobs={cancellable}
        isOpen={isCancelling}
        onClose={() => setCancelling(false)}
        onDone={() => setChosen(new Set())}
      />
    </Page>
  )
}

function CreateActions() {
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" rightSection={<Icon name="down" size={14} />}>
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item component={Link} to="/jobs/batches/create" leftSection={<Icon name="batches" size={16} />}>
            Create Batch
          </Menu.Item>
          <Menu.Item component={Link} to="/jobs/schedules/create" leftSection={<Icon name="schedules" size={16} />}>
            Create Schedule
          </Menu.Item>
          <Menu.Item component={Link} to="/jobs/templates" leftSection={<Icon name="templates" size={16} />}>
            Create Job from Template
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Button component={Link} to="/jobs/create" leftSection={<Icon name="plus" size={16} />}>
        Create Job
      </Button>
    </>
  )
}
