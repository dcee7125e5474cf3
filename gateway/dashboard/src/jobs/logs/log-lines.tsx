import { memo, type Ref, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react'
import { exact, exactMs } from '../../format/time.ts'
import { AnsiLine } from './ansi-line.tsx'
import { copyLines } from './copy-lines.ts'
import type { LogExtent, LogRow } from './protocol.ts'

/** Height of a line in px; the style sheet has the same. */
const LINE = 20
/** The tallest element that every browser lays out, in px. A longer log scrolls faster than its lines are high. */
const MAX_HEIGHT = 12_000_000
/** Lines beyond the sight, above and below. */
const OVERSCAN = 30

/** What others make the lines do. */
export interface LogLinesHandle {
  /** Scrolls a shown line into the middle. */
  show(index: number): void
}

interface LogLinesProps {
  ref: Ref<LogLinesHandle>
  extent: LogExtent
  rows: LogRow[]
  current: number
  withTimes: boolean
  /** Whether a line that is wider than the page goes on below. */
  isWrapped: boolean
  isFollowing: boolean
  onFollow(isFollowing: boolean): void
  onNeed(from: number, count: number): void
  /** Another text: other lines are shown. */
  viewKey: string
}

/** The lines in sight, of as many as there are. */
export function LogLines(props: LogLinesProps) {
  const { ref, extent, rows, current, withTimes, isWrapped, isFollowing, onFollow, onNeed, viewKey } = props
  const scroller = useRef<HTMLDivElement>(null)
  const block = useRef<HTMLDivElement>(null)
  const need = useRef(onNeed)
  need.current = onNeed
  const lastTop = useRef(0)
  const [scroll, setScroll] = useState({ top: 0, height: 400 })
  const total = extent.shown
  const height = Math.min(total * LINE, MAX_HEIGHT)
  const sight = scroll.height / LINE
  /** The first line in sight, with its fraction. */
  const range = Math.max(1, height - scroll.height)
  const first = height < MAX_HEIGHT ? scroll.top / LINE : (scroll.top / range) * Math.max(0, total - sight)

  const measure = useCallback(() => {
    const element = scroller.current
    if (element !== null) setScroll({ top: element.scrollTop, height: element.clientHeight })
  }, [])

  useEffect(() => {
    const observer = new ResizeObserver(measure)
    if (scroller.current !== null) observer.observe(scroller.current)
    return () => observer.disconnect()
  }, [measure])

  const count = Math.ceil(sight) + 2 * OVERSCAN
  /** All of a short log is laid out: then it is as high as it is. */
  const isWhole = isWrapped && total <= count
  const from = isWhole ? 0 : Math.max(0, Math.floor(first) - OVERSCAN)
  const wantedEnd = Math.min(total, from + count)
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when other lines are shown
  useEffect(() => need.current(from, count), [from, count, wantedEnd, viewKey, extent.matches])

  // biome-ignore lint/correctness/useExhaustiveDependencies: to the end whenever there is more
  useLayoutEffect(() => {
    const element = scroller.current
    if (!isFollowing || element === null) return
    element.scrollTop = element.scrollHeight
    lastTop.current = element.scrollTop
    measure()
  }, [isFollowing, total, height, measure, isWrapped, isWhole && rows])

  useImperativeHandle(ref, () => ({
    show(index) {
      const element = scroller.current
      if (element === null) return
      const middle = index - element.clientHeight / LINE / 2
      const scale = height < MAX_HEIGHT ? LINE : range / Math.max(1, total - sight)
      element.scrollTop = Math.max(0, middle * scale)
      measure()
    },
  }))

  useLayoutEffect(() => {
    const element = block.current
    const [top] = rows
    if (element === null || top === undefined) return
    const y = isWhole
      ? -scroll.top
      : isWrapped
        ? wrappedTop(element, rows, scroll, { total, range })
        : (top.index - first) * LINE
    element.style.transform = `translateY(${scroll.top + y}px)`
  })

  function onScroll(): void {
    const element = scroller.current
    if (element === null) return
    if (element.scrollTop < lastTop.current - 2 && isFollowing) onFollow(false)
    lastTop.current = element.scrollTop
    measure()
  }

  return (
    <div
      ref={scroller}
      className="log-lines"
      data-wrapped={isWrapped || undefined}
      onScroll={onScroll}
      onCopy={copyLines}
      tabIndex={0}
      role="region"
      aria-label="Output"
    >
      <div className="log-space" style={isWhole ? {} : { height }} data-whole={isWhole || undefined}>
        <div ref={block} className="log-block">
          {rows.map((row) => (
            <Line key={row.index} row={row} isCurrent={row.index === current} withTime={withTimes} />
          ))}
        </div>
      </div>
      {total === 0 && (
        <p className="log-empty">{extent.state === 'reading' ? 'Nothing was written yet.' : 'Nothing to show.'}</p>
      )}
    </div>
  )
}

const Line = memo(function Line({ row, isCurrent, withTime }: { row: LogRow; isCurrent: boolean; withTime: boolean }) {
  return (
    <div
      className="log-line"
      data-stream={row.stream}
      data-match={row.isMatch || undefined}
      data-current={isCurrent || undefined}
    >
      <span className="log-number" aria-hidden="true">
        {row.number}
      </span>
      {withTime && (
        <time className="log-time" dateTime={new Date(row.timestampMs).toISOString()} title={exact(row.timestampMs)}>
          {exactMs(row.timestampMs)}
        </time>
      )}
      <span className="log-text">
        <AnsiLine line={row.line} {...(row.style && { style: row.style })} />
      </span>
    </div>
  )
})

/**
 * Where the rows begin, from the top of what is in sight, when they are of different heights: the line at which the
 * scroller stands in the log stands there in the sight, too. So the first line is at its top, the last at its bottom.
 */
function wrappedTop(
  block: HTMLElement,
  rows: LogRow[],
  scroll: { top: number; height: number },
  { total, range }: { total: number; range: number },
): number {
  const share = Math.min(1, scroll.top / range)
  const place = share * total
  const at = Math.max(0, Math.min(rows.length - 1, Math.floor(place) - (rows[0]?.index ?? 0)))
  const line = block.children[at]
  if (!(line instanceof HTMLElement)) return 0
  const within = Math.min(1, place - (rows[at]?.index ?? 0))
  return share * scroll.height - (line.offsetTop + within * line.offsetHeight)
}
