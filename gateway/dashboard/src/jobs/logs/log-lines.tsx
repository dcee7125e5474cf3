import {
  type MouseEvent,
  memo,
  type Ref,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { exact } from '../../format/time.ts'
import { AnsiLine } from './ansi-line.tsx'
import { copyLines } from './copy-lines.ts'
import { type LineTime, timeOf } from './line-time.ts'
import { MARKS } from './log-buffer.ts'
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
  /** Lines that the address leads to, by their numbers. */
  linked: { from: number; to: number } | null
  /** A line's number was clicked. @param isRange whether up to it, from one that was linked before */
  onLink(number: number, isRange: boolean): void
  search: string
  times: LineTime
  /** Whether a line that is wider than the page goes on below. */
  isWrapped: boolean
  isFollowing: boolean
  onFollow(isFollowing: boolean): void
  /** Told the number of the line in the middle of the sight; undefined while it follows. */
  onMiddle(number: number | undefined): void
  onNeed(from: number, count: number): void
  /** Another text: other lines are shown. */
  viewKey: string
}

/** The lines in sight, of as many as there are. */
export function LogLines(props: LogLinesProps) {
  const { ref, extent, rows, current, linked, onLink, search, times } = props
  const { isWrapped, isFollowing, onFollow, onMiddle, onNeed, viewKey } = props
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
      lastTop.current = element.scrollTop
      measure()
    },
  }))

  useEffect(() => {
    onMiddle(isFollowing ? undefined : rows.find(({ index }) => index >= first + sight / 2)?.number)
  })

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
    const { scrollTop, clientHeight, scrollHeight } = element
    if (scrollTop < lastTop.current - 2 && isFollowing) onFollow(false)
    else if (scrollTop > lastTop.current && scrollTop + clientHeight >= scrollHeight - 2 && !isFollowing) onFollow(true)
    lastTop.current = scrollTop
    measure()
  }

  return (
    <div className="log-frame">
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
          {/* biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: of the links in it */}
          <div ref={block} className="log-block" onClick={(event) => followNumber(event, onLink)}>
            {rows.map((row) => (
              <Line
                key={row.index}
                row={row}
                isCurrent={row.index === current}
                isLinked={linked !== null && row.number >= linked.from && row.number <= linked.to}
                search={search}
                times={times}
              />
            ))}
          </div>
        </div>
        {total === 0 && (
          <p className="log-empty">{extent.state === 'reading' ? 'Nothing was written yet.' : 'Nothing to show.'}</p>
        )}
      </div>
      {search !== '' && extent.marks.length > 0 && <Marks marks={extent.marks} />}
    </div>
  )
}

/** A click on a line's number links to it; with Ctrl or ⌘ the browser opens it in another tab. */
function followNumber(event: MouseEvent<HTMLElement>, onLink: LogLinesProps['onLink']): void {
  const { target, shiftKey, ctrlKey, metaKey } = event
  const number = target instanceof Element && target.closest<HTMLElement>('.log-number')?.dataset.number
  if (!number || ctrlKey || metaKey) return
  event.preventDefault()
  onLink(Number(number), shiftKey)
}

/** Where in the whole log matches are, beside its bar. */
function Marks({ marks }: { marks: number[] }) {
  return (
    <svg className="log-marks" viewBox={`0 0 1 ${MARKS}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={marks.map((at) => `M0 ${at}h1v1h-1z`).join('')} />
    </svg>
  )
}

interface LineProps {
  row: LogRow
  isCurrent: boolean
  isLinked: boolean
  search: string
  times: LineTime
}

const Line = memo(function Line({ row, isCurrent, isLinked, search, times }: LineProps) {
  return (
    <div
      className="log-line"
      data-stream={row.stream}
      data-match={row.isMatch || undefined}
      data-current={isCurrent || undefined}
      data-linked={isLinked || undefined}
      data-begins={row.begins}
    >
      <a
        className="log-number"
        href={linkTo(String(row.number))}
        aria-label={`Link to line ${row.number}`}
        tabIndex={-1}
        data-number={row.number}
      >
        {row.number}
      </a>
      {times !== 'none' && (
        <time className="log-time" dateTime={new Date(row.timestampMs).toISOString()} title={exact(row.timestampMs)}>
          {timeOf(row, times)}
        </time>
      )}
      {row.begins !== undefined && <span className="log-attempt">Attempt {row.begins}</span>}
      <span className="log-text">
        <AnsiLine line={row.line} search={row.isMatch ? search : ''} {...(row.style && { style: row.style })} />
      </span>
    </div>
  )
})

/** This page's address with a line of its log. */
export function linkTo(line: string): string {
  const search = new URLSearchParams(location.search)
  search.set('tab', 'logs')
  search.set('line', line)
  return `${location.pathname}?${search}`
}

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
