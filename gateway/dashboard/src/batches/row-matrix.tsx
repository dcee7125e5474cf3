import { useElementSize } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type MouseEvent, memo, useEffect, useRef, useState } from 'react'
import { signOf } from '../ui/mark.tsx'
import type { BatchRow } from './queries.ts'

/** Of a square with what is around it, in px: as much as a finger needs. */
const CELL = 24

/** Rows of a batch as squares that lead to their jobs; arrow keys go through them. Only those in sight are in the page. */
export function RowMatrix({ rows }: { rows: BatchRow[] }) {
  const { ref: measured, width } = useElementSize()
  const scroller = useRef<HTMLDivElement>(null)
  const navigate = useNavigate()
  const columns = Math.max(1, Math.floor(width / CELL))
  const [active, setActive] = useState(0)
  const isMoving = useRef(false)
  const virtual = useVirtualizer({
    count: width > 0 ? Math.ceil(rows.length / columns) : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => CELL,
    overscan: 2,
  })
  const lines = virtual.getVirtualItems()
  const [first, last] = [lines[0]?.index ?? 0, lines.at(-1)?.index ?? 0]
  const line = Math.floor(active / columns)
  // Where the keyboard gets in: where it was, or what is in sight.
  const entry = line >= first && line <= last && active < rows.length ? active : first * columns

  useEffect(() => {
    if (!isMoving.current) return
    const cell = scroller.current?.querySelector<HTMLElement>(`[data-index="${active}"]`)
    if (!cell) return // it is on its way into sight
    isMoving.current = false
    cell.focus({ preventScroll: true })
  })

  function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = columns * Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / CELL))
    const steps: Record<string, number> = {
      ...{ ArrowRight: entry + 1, ArrowLeft: entry - 1, ArrowDown: entry + columns, ArrowUp: entry - columns },
      ...{ PageDown: entry + page, PageUp: entry - page, Home: 0, End: rows.length - 1 },
    }
    const wanted = steps[event.key]
    if (wanted === undefined) return
    event.preventDefault()
    const next = Math.min(rows.length - 1, Math.max(0, wanted))
    isMoving.current = true
    setActive(next)
    virtual.scrollToIndex(Math.floor(next / columns))
  }

  function onClick(event: MouseEvent<HTMLElement>): void {
    const cell = (event.target as HTMLElement).closest<HTMLAnchorElement>('a[data-index]')
    const row = rows[Number(cell?.dataset.index)]
    // Any other way of opening a link is the browser's.
    if (row === undefined || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    void navigate({ to: '/jobs/$jobId', params: { jobId: row.jobId } })
  }

  return (
    <div ref={scroller} className="matrix">
      <div
        ref={measured}
        role="grid"
        aria-label="Rows by outcome"
        aria-rowcount={virtual.options.count}
        aria-colcount={columns}
        tabIndex={-1}
        style={{ height: virtual.getTotalSize(), position: 'relative' }}
        onKeyDown={onKeyDown}
        onClick={onClick}
      >
        {lines.map(({ index, start }) => (
          <Line
            key={index}
            index={index}
            top={start}
            from={index * columns}
            rows={rows}
            columns={columns}
            entry={Math.floor(entry / columns) === index ? entry : -1}
          />
        ))}
      </div>
    </div>
  )
}

interface LineProps {
  index: number
  top: number
  rows: BatchRow[]
  /** Place of its first square among all. */
  from: number
  columns: number
  /** Place of the square that the keyboard gets in at; -1 where that is in no square of this line. */
  entry: number
}

const Line = memo(function Line({ index, top, rows, from, columns, entry }: LineProps) {
  return (
    <div role="row" aria-rowindex={index + 1} className="matrix-line" style={{ transform: `translateY(${top}px)` }}>
      {rows.slice(from, from + columns).map(({ row, jobId, status }, i) => {
        const word = status ?? 'forgotten'
        // As few elements as may be: there are a thousand in sight.
        return (
          <div key={jobId} role="gridcell">
            <a
              href={`/jobs/${jobId}`}
              className="mark matrix-cell"
              data-status={word}
              data-index={from + i}
              aria-label={`Row ${row}: ${word}`}
              title={`Row ${row}: ${word}`}
              tabIndex={from + i === entry ? 0 : -1}
            >
              {signOf(word)}
            </a>
          </div>
        )
      })}
    </div>
  )
})
