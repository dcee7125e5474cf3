import { Checkbox } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type Dispatch, type SetStateAction, useCallback, useEffect, useRef } from 'react'
import type { JobRow } from '../job-row.ts'
import { useProviderNames } from '../queries.ts'
import type { JobFilter, JobSorting } from './filter.ts'
import { JobsTableRow } from './jobs-table-row.tsx'
import { useWaiting } from './use-waiting.ts'

/** Heights of a row in px: one line of cells, or a small card. */
const ROW = { wide: 48, narrow: 88 }
/** Rows before the end at which more are asked for. */
const AHEAD = 30

const COLUMNS: { label: string; by?: string; sort?: [JobSorting | undefined, JobSorting] }[] = [
  { label: 'Status' },
  { label: 'Job' },
  { label: 'Provider' },
  { label: 'Resources' },
  { label: 'Created', sort: [undefined, 'createdAt:asc'] },
  { label: 'Runtime' },
  { label: 'Cost', sort: ['cost:desc', 'cost:desc'] },
]

interface JobsTableProps {
  rows: JobRow[]
  total: number
  filter: JobFilter
  chosen: ReadonlySet<string>
  onChoose: Dispatch<SetStateAction<ReadonlySet<string>>>
  onSort(sort: JobSorting | undefined): void
  hasMore: boolean
  onMore(): void
}

/** Only the rows in sight are in the page, however many there are. */
export function JobsTable(props: JobsTableProps) {
  const { rows, total, filter, chosen, onChoose, onSort, hasMore, onMore } = props
  const isNarrow = useMediaQuery('(max-width: 48em)', false)
  const scroller = useRef<HTMLDivElement>(null)
  const nameOf = useProviderNames()
  const waiting = useWaiting(rows)
  const height = isNarrow ? ROW.narrow : ROW.wide
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  })
  const items = virtual.getVirtualItems()
  const lastSeen = items.at(-1)?.index ?? 0

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height is what has to be measured again for
  useEffect(() => virtual.measure(), [height])

  useEffect(() => {
    if (hasMore && lastSeen >= rows.length - AHEAD) onMore()
  }, [hasMore, lastSeen, rows.length, onMore])

  const chooseOne = useCallback(
    (id: string, isChosen: boolean) =>
      onChoose((before) => new Set(isChosen ? [...before, id] : [...before].filter((other) => other !== id))),
    [onChoose],
  )

  const chosenHere = rows.filter(({ id }) => chosen.has(id)).length
  return (
    <div ref={scroller} className="table-scroller" tabIndex={0} role="region" aria-label="Jobs, newest first">
      <div role="table" aria-label="Jobs" aria-rowcount={total + 1} className="grid-table jobs-table">
        <div role="rowgroup" className="grid-head">
          <div role="row" aria-rowindex={1} className="grid-row">
            <div role="columnheader">
              <Checkbox
                size="xs"
                aria-label="Select all loaded jobs"
                checked={chosenHere > 0 && chosenHere === rows.length}
                indeterminate={chosenHere > 0 && chosenHere < rows.length}
                onChange={(event) =>
                  onChoose(event.currentTarget.checked ? new Set(rows.map(({ id }) => id)) : new Set())
                }
              />
            </div>
            {COLUMNS.map(({ label, sort }) => (
              <Heading key={label} label={label} sort={sort} current={filter.sort} onSort={onSort} />
            ))}
            <div role="columnheader">
              <span className="sr-only">Actions</span>
            </div>
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, key, start }) => {
            const job = rows[index]
            return (
              job && (
                <JobsTableRow
                  key={key}
                  job={job}
                  index={index}
                  top={start}
                  height={height}
                  provider={nameOf(job.assignedProvider)}
                  waiting={waiting.get(job.id) ?? job.waiting}
                  isChosen={chosen.has(job.id)}
                  onChoose={chooseOne}
                />
              )
            )
          })}
        </div>
      </div>
    </div>
  )
}

interface HeadingProps {
  label: string
  sort: [JobSorting | undefined, JobSorting] | undefined
  current: JobSorting | undefined
  onSort(sort: JobSorting | undefined): void
}

function Heading({ label, sort, current, onSort }: HeadingProps) {
  if (sort === undefined) return <div role="columnheader">{label}</div>
  const [first, second] = sort
  const isFirst = current === first
  const isAscending = current === second && second.endsWith(':asc')
  const isHere = isFirst || current === second
  const next = isFirst ? (first === second ? undefined : second) : first
  return (
    <div role="columnheader" aria-sort={isHere ? (isAscending ? 'ascending' : 'descending') : 'none'}>
      <button type="button" className="sort-button" onClick={() => onSort(next)}>
        {label}
        <span aria-hidden="true">{isHere ? (isAscending ? '↑' : '↓') : ''}</span>
      </button>
    </div>
  )
}
