import { Button, Group, Menu } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo, useState } from 'react'
import type { Page as ApiPage, Batch } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { meQuery, useMay } from '../../app/session.ts'
import { counted } from '../../format/amounts.ts'
import { Icon } from '../../ui/icons.tsx'
import { Outline } from '../../ui/loaded.tsx'
import { Page } from '../../ui/page.tsx'
import { Problem } from '../../ui/problem.tsx'
import type { JobRow } from '../job-row.ts'
import { jobKeys } from '../queries.ts'
import { BulkBar } from './bulk-bar.tsx'
import { ExportItem } from './export-item.tsx'
import { isFolded, isNarrowed, type JobFilter, queryOf } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'
import { FirstSteps, isBeginning } from './first-steps.tsx'
import { foldedRows, type ListRow } from './folded.ts'
import { JobsTable } from './jobs-table.tsx'
import { NoJobs } from './no-jobs.tsx'

/** Jobs, and batches, asked for at a time. */
const PAGE = 100

/** The table of jobs. Its filter is in the address, so that it can be kept and shared. */
export function JobsPage() {
  const filter = useSearch({ from: '/signed-in/jobs' })
  const navigate = useNavigate()
  const router = useRouter()
  const { data: me } = useQuery(meQuery)
  const mayWrite = useMay('jobs:write')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const address = JSON.stringify(filter)
  const [chosenAt, setChosenAt] = useState(address)
  // What was selected was among other jobs, whoever changed the address: a view, a field, or the way back.
  if (chosenAt !== address) {
    setChosenAt(address)
    setChosen(new Set())
  }
  const folds = isFolded(filter)
  const query = useJobs(filter)
  const batches = useBatches(folds)

  const jobs = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data])
  const rows = useMemo((): ListRow[] => {
    if (!folds) return jobs.map((job) => ({ type: 'job', id: job.id, job }))
    const folded = batches.data?.pages.flatMap(({ items }) => items) ?? []
    return foldedRows({ items: jobs, hasMore: query.hasNextPage }, { items: folded, hasMore: batches.hasNextPage })
  }, [folds, jobs, batches.data, query.hasNextPage, batches.hasNextPage])
  const total = query.data?.pages[0]?.pagination.total ?? 0
  const totalBatches = folds ? (batches.data?.pages[0]?.pagination.total ?? 0) : 0
  const searched = query.hasNextPage
    ? (query.data?.pages ?? []).reduce((sum, { pagination }) => sum + (pagination.searched ?? 0), 0)
    : 0
  /** Those that are rows: what is selected, and done to it, is no more than what is shown. */
  const shown = useMemo(() => rows.flatMap((row) => (row.type === 'job' ? [row.job] : [])), [rows])
  const isFiltered = isNarrowed(filter)
  const isGuided = jobs.length > 0 && !isFiltered && mayWrite && isBeginning(jobs)

  const show = useCallback(
    (next: JobFilter): void => {
      // What is typed counts a moment later: somebody may be on the way to another page.
      if (router.latestLocation.pathname !== '/jobs') return
      void navigate({ to: '/jobs', search: next, replace: true })
    },
    [navigate, router],
  )

  const mayLoadJobs = goesOn(query)
  const mayLoadBatches = goesOn(batches)
  const { fetchNextPage: loadJobs } = query
  const { fetchNextPage: loadBatches } = batches
  const loadMore = useCallback((): void => {
    if (mayLoadJobs) void loadJobs()
    if (mayLoadBatches) void loadBatches()
  }, [mayLoadJobs, mayLoadBatches, loadJobs, loadBatches])

  return (
    <Page
      title="Jobs"
      isFilled={!isGuided}
      description={
        query.data &&
        `${counted(total, 'job')}${isFiltered ? ' that match' : ''}${folds ? ` and ${totalBatches === 1 ? '1 batch' : `${totalBatches} batches`}` : ''}`
      }
      actions={<Actions filter={filter} mayWrite={mayWrite} />}
    >
      <FilterBar filter={filter} onChange={show} />
      <BulkBar jobs={chosen.size === 0 ? [] : shown.filter(({ id }) => chosen.has(id))} onChoose={setChosen} />
      {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Outline rows={8} />}
      {query.data && rows.length === 0 && searched === 0 && <NoJobs isFiltered={isFiltered} onClear={() => show({})} />}
      {isGuided && <FirstSteps rows={jobs} />}
      {rows.length > 0 && (
        <JobsTable
          rows={rows}
          jobs={shown}
          total={total + totalBatches}
          filter={filter}
          chosen={chosen}
          onChoose={setChosen}
          onChange={show}
          withOwners={me?.admin === true}
          hasMore={mayLoadJobs || mayLoadBatches}
          onMore={loadMore}
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
    </Page>
  )
}

/**
 * Whether the next page is loaded by itself as the last row comes near. Behind one that looked at many jobs and was not
 * filled, or one that could not be loaded, it is for who looks at the page to go on.
 */
function goesOn({ data, hasNextPage, isFetchingNextPage, isFetchNextPageError }: LoadedPages): boolean {
  return (
    hasNextPage && !isFetchingNextPage && !isFetchNextPageError && data?.pages.at(-1)?.pagination.searched === undefined
  )
}

type LoadedPages = Pick<
  ReturnType<typeof useJobs> | ReturnType<typeof useBatches>,
  'data' | 'hasNextPage' | 'isFetchingNextPage' | 'isFetchNextPageError'
>

function useJobs(filter: JobFilter) {
  return useInfiniteQuery({
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
}

function useBatches(isEnabled: boolean) {
  return useInfiniteQuery({
    queryKey: ['batches', 'folded'],
    queryFn: async ({ pageParam: cursor, signal }): Promise<ApiPage<Batch>> =>
      await client.batches.list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ pagination }) => pagination.nextCursor ?? undefined,
    enabled: isEnabled,
  })
}

function Actions({ filter, mayWrite }: { filter: JobFilter; mayWrite: boolean }) {
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" rightSection={<Icon name="down" size={14} />}>
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {mayWrite && (
            <>
              <Menu.Item component={Link} to="/jobs/batches/create" leftSection={<Icon name="batches" size={16} />}>
                Create Batch
              </Menu.Item>
              <Menu.Item component={Link} to="/jobs/schedules/create" leftSection={<Icon name="schedules" size={16} />}>
                Create Schedule
              </Menu.Item>
              <Menu.Item component={Link} to="/jobs/templates" leftSection={<Icon name="templates" size={16} />}>
                Create Job from Template
              </Menu.Item>
              <Menu.Divider />
            </>
          )}
          <ExportItem filter={filter} />
        </Menu.Dropdown>
      </Menu>
      {mayWrite && (
        <Button component={Link} to="/jobs/create" leftSection={<Icon name="plus" size={16} />}>
          Create Job
        </Button>
      )}
    </>
  )
}
