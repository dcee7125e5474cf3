import { Button, Group } from '@mantine/core'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useMemo, useState } from 'react'
import type { Page as ApiPage } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { meQuery, useMay } from '../../app/session.ts'
import { counted } from '../../format/amounts.ts'
import { AtFirstClick } from '../../ui/at-first-click.tsx'
import { Icon } from '../../ui/icons.tsx'
import { Outline } from '../../ui/loaded.tsx'
import { Page } from '../../ui/page.tsx'
import { Problem } from '../../ui/problem.tsx'
import type { JobRow } from '../job-row.ts'
import { jobKeys } from '../queries.ts'
import { rowsOf } from './apply-change.ts'
import { isBeginning } from './beginning.ts'
import { BulkBar } from './bulk-bar.tsx'
import { batchOf, isFolded, isNarrowed, type JobFilter, queryOf } from './filter.ts'
import { JobsTable } from './jobs-table.tsx'
import { MoreButton } from './more-button.tsx'
import { NoJobs } from './no-jobs.tsx'

/** What comes behind the list itself. */
const FilterBar = lazy(async () => ({ default: (await import('./filter-bar.tsx')).FilterBar }))
const FirstSteps = lazy(async () => ({ default: (await import('./first-steps.tsx')).FirstSteps }))
const MoreMenu = lazy(async () => ({ default: (await import('./more-menu.tsx')).MoreMenu }))

/** Rows asked for at a time. */
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
  const query = useJobs(filter)

  const rows = useMemo(() => (query.data ? rowsOf(query.data, filter) : []), [query.data, filter])
  const { total = 0, atLeast = false } = query.data?.pages[0]?.pagination ?? {}
  const searched = query.hasNextPage
    ? (query.data?.pages ?? []).reduce((sum, { pagination }) => sum + (pagination.searched ?? 0), 0)
    : 0
  /** Those that are rows: what is selected, and done to it, is no more than what is shown. */
  const shown = useMemo(() => rows.filter((row) => batchOf(row, filter) === undefined), [rows, filter])
  const isFiltered = isNarrowed(filter)
  const isGuided = rows.length > 0 && !isFiltered && mayWrite && isBeginning(rows)

  const show = useCallback(
    (next: JobFilter): void => {
      // What is typed counts a moment later: somebody may be on the way to another page.
      if (router.latestLocation.pathname !== '/jobs') return
      void navigate({ to: '/jobs', search: next, replace: true })
    },
    [navigate, router],
  )

  const mayLoad = goesOn(query)
  const { fetchNextPage } = query
  const loadMore = useCallback((): void => {
    if (mayLoad) void fetchNextPage()
  }, [mayLoad, fetchNextPage])

  return (
    <Page
      title="Jobs"
      isFilled={!isGuided}
      description={
        query.data && `${atLeast ? 'At least ' : ''}${counted(total, 'job')}${isFiltered ? ' that match' : ''}`
      }
      actions={<Actions filter={filter} mayWrite={mayWrite} />}
    >
      <Suspense fallback={<div className="filter-room" />}>
        <FilterBar filter={filter} onChange={show} />
      </Suspense>
      <BulkBar jobs={chosen.size === 0 ? [] : shown.filter(({ id }) => chosen.has(id))} onChoose={setChosen} />
      {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Outline rows={8} />}
      {query.data && rows.length === 0 && searched === 0 && <NoJobs isFiltered={isFiltered} onClear={() => show({})} />}
      {isGuided && (
        <Suspense fallback={null}>
          <FirstSteps rows={rows} />
        </Suspense>
      )}
      {rows.length > 0 && (
        <JobsTable
          rows={rows}
          jobs={shown}
          total={isFolded(filter) || atLeast ? null : total}
          filter={filter}
          chosen={chosen}
          onChoose={setChosen}
          onChange={show}
          withOwners={me?.admin === true}
          hasMore={mayLoad}
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
  ReturnType<typeof useJobs>,
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

function Actions({ filter, mayWrite }: { filter: JobFilter; mayWrite: boolean }) {
  return (
    <>
      <AtFirstClick button={(props) => <MoreButton {...props} />}>
        <MoreMenu filter={filter} mayWrite={mayWrite} />
      </AtFirstClick>
      {mayWrite && (
        <Button component={Link} to="/jobs/create" leftSection={<Icon name="plus" size={16} />}>
          Create Job
        </Button>
      )}
    </>
  )
}
