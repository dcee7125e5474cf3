import { Checkbox } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useElementScrollRestoration } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type Dispatch, type SetStateAction, useCallback, useEffect, useRef } from 'react'
import type { Waiting } from '../../../../client/index.ts'
import type { JobRow } from '../job-row.ts'
import { useProviderNames } from '../queries.ts'
import { batchPaceMs } from './batch-pace.ts'
import { BatchRow } from './batch-row.tsx'
import { batchOf, FIRST_SORT, type JobFilter, type JobSorting, type SortField } from './filter.ts'
import { JobsTableRow } from './jobs-table-row.tsx'
import { useWaiting } from './use-waiting.ts'

/** Heights of a row in px: two lines of cells, or a small card. */
const ROW = { wide: 60, narrow: 88 }
/** Rows before the end at which more are asked for. */
const AHEAD = 30
/** Where the router keeps how far the table was scrolled. */
const SCROLLED_AS = 'jobs'

const COLUMNS: { label: string; sort?: SortField; isDescendingFirst?: boolean }[] = [
  { label: 'Status', sort: 'status' },
  { label: 'Job', sort: 'image' },
  { label: 'Provider and size', sort: 'cpu', isDescendingFirst: true },
  { label: 'Created', sort: 'createdAt', isDescendingFirst: true },
  { label: 'Cost', sort: 'cost', isDescendingFirst: true },
]

interface JobsTableProps {
  rows: JobRow[]
  /** Those of them that do not stand for a batch. */
  jobs: JobRow[]
  /** How many rows there are; null where nobody knows. */
  total: number | null
  filter: JobFilter
  chosen: ReadonlySet<string>
  onChoose: Dispatch<SetStateAction<ReadonlySet<string>>>
  onChange(filter: JobFilter): void
  /** Whether it is said whose jobs they are. */
  withOwners: boolean
  hasMore: boolean
  onMore(): void
}

/** Only the rows in sight are in the page, however many there are. */
export function JobsTable(props: JobsTableProps) {
  const { rows, jobs, total, filter, chosen, onChoose, onChange, withOwners, hasMore, onMore } = props
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  const scroller = useRef<HTMLDivElement>(null)
  const nameOf = useProviderNames()
  const height = isNarrow ? ROW.narrow : ROW.wide
  const before = useElementScrollRestoration({ id: SCROLLED_AS })
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => {
      const row = rows[index]
      return row === undefined ? index : (batchOf(row, filter) ?? row.id)
    },
    initialOffset: before?.scrollY ?? 0,
    overscan: 12,
  })
  const items = virtual.getVirtualItems()
  const lastSeen = items.at(-1)?.index ?? 0
  const inSight = items.flatMap(({ index }) => rows[index] ?? [])
  const waiting = useWaiting(inSight, filter)
  const everyMs = batchPaceMs(inSight.filter((row) => batchOf(row, filter) !== undefined).length)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height is what has to be measured again for
  useEffect(() => virtual.measure(), [height])

  useEffect(() => {
    if (hasMore && lastSeen >= rows.length - AHEAD) onMore()
  }, [hasMore, lastSeen, rows.length, onMore])

  const chooseOne = useCallback(
    (id: string, isChosen: boolean) =>
      onChoose((chosenBefore) => {
        const next = new Set(chosenBefore)
        if (isChosen) next.add(id)
        else next.delete(id)
        return next
      }),
    [onChoose],
  )

  const latest = useRef(filter)
  latest.current = filter
  const narrow = useCallback(
    ({ owner, label = [] }: Pick<JobFilter, 'label' | 'owner'>) => {
      const { label: labels = [] } = latest.current
      const all = [...new Set([...labels, ...label])]
      onChange({ ...latest.current, ...(owner && { owner }), ...(all.length > 0 && { label: all }) })
    },
    [onChange],
  )

  const chosenHere = chosen.size === 0 ? 0 : jobs.filter(({ id }) => chosen.has(id)).length
  return (
    <div
      ref={scroller}
      className="table-scroller"
      tabIndex={0}
      role="region"
      aria-label="Jobs"
      data-scroll-restoration-id={SCROLLED_AS}
    >
      <div
        role="table"
        aria-label="Jobs"
        aria-rowcount={total === null ? -1 : total + 1}
        className="grid-table jobs-table"
      >
        <div role="rowgroup" className="grid-head">
          <div role="row" aria-rowindex={1} className="grid-row">
            <div role="columnheader">
              <Checkbox
                size="xs"
                aria-label="Select all loaded jobs"
                checked={chosenHere > 0 && chosenHere === jobs.length}
                indeterminate={chosenHere > 0 && chosenHere < jobs.length}
                onChange={(event) =>
                  onChoose(event.currentTarget.checked ? new Set(jobs.map(({ id }) => id)) : new Set())
                }
              />
            </div>
            {COLUMNS.map((column) => (
              <Heading key={column.label} column={column} filter={filter} onChange={onChange} />
            ))}
            <div role="columnheader">
              <span className="sr-only">Actions</span>
            </div>
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, key, start }) => {
            const row = rows[index]
            if (row === undefined) return null
            const place = { index, top: start, height }
            const batch = batchOf(row, filter)
            if (batch !== undefined)
              return <BatchRow key={key} job={row} batchId={batch} everyMs={everyMs} {...place} />
            return (
              <JobsTableRow
                key={key}
                job={row}
                {...place}
                provider={nameOf(row.assignedProvider)}
                waiting={waiting.get(row.id) ?? stillTrue(row.waiting)}
                isChosen={chosen.has(row.id)}
                onChoose={chooseOne}
                owner={withOwners ? row.owner : undefined}
                onNarrow={narrow}
              />
            )
          })}
        </div>
      </div>
    </div>
  )
}

interface HeadingProps {
  column: (typeof COLUMNS)[number]
  filter: JobFilter
  onChange(filter: JobFilter): void
}

/** Sorts by its column, then the other way round, then not any more. */
function Heading({ column: { label, sort, isDescendingFirst = false }, filter, onChange }: HeadingProps) {
  if (sort === undefined) return <div role="columnheader">{label}</div>
  const [field, order] = (filter.sort ?? FIRST_SORT).split(':')
  const orders = isDescendingFirst ? ['desc', 'asc'] : ['asc', 'desc']
  const at = field === sort ? orders.indexOf(order ?? '') : -1
  const next = orders[at + 1]
  const sorting = next === undefined ? undefined : (`${sort}:${next}` as JobSorting)
  return (
    <div role="columnheader" aria-sort={at === -1 ? 'none' : order === 'asc' ? 'ascending' : 'descending'}>
      <button
        type="button"
        className="sort-button"
        onClick={() => onChange({ ...filter, sort: sorting === FIRST_SORT ? undefined : sorting })}
      >
        {label}
        <span aria-hidden="true">{at === -1 ? '' : order === 'asc' ? '↑' : '↓'}</span>
      </button>
    </div>
  )
}

/** What a row said as it was loaded, unless the job has given up since. */
function stillTrue(waiting: Waiting | undefined): Waiting | undefined {
  return waiting !== undefined && Date.parse(waiting.givesUpAt) > Date.now() ? waiting : undefined
}
