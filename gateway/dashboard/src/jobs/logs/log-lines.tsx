import { type Ref, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react'
import { AnsiLine } from './ansi-line.tsx'
import type { LogExtent, LogRow } from './protocol.ts'

/** Height of a line in px; the style sheet has the same. */
const LINE = 20
/** The tallest element that every browser lays out, in px. A longer log scrolls faster than its lines are high. */
const MAX_HEIGHT = 12_000_000
/** Lines beyond the sight, above and below. */
const OVERSCAN = 30

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
  isFollowing: boolean
  onFollow(isFollowing: boolean): void
  onNeed(from: number, count: number): void
  /** Another text: other lines are shown. */
  viewKey: string
}

/** The lines in sight, of as many as there are. */
export function LogLines(props: LogLinesProps) {
  const { ref, extent, rows, current, withTimes, isFollowing, onFollow, onNeed, viewKey } = props
  const scroller = useRef<HTMLDivElement>(null)
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

  const from = Math.max(0, Math.floor(first) - OVERSCAN)
  const count = Math.ceil(sight) + 2 * OVERSCAN
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
  }, [isFollowing, total, height, measure])

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

  function onScroll(): void {
    const element = scroller.current
    if (element === null) return
    if (element.scrollTop < lastTop.current - 2 && isFollowing) onFollow(false)
    lastTop.current = element.scrollTop
    measure()
  }

  return (
    <div ref={scroller} className="log-lines" onScroll={onScroll} tabIndex={0} role="region" aria-label="Output">
      <div className="log-space" style={{ height }}>
        {rows.map((row) => (
          <div
            key={row.index}
            className="log-line"
            data-stream={row.stream}
            data-match={row.isMatch || undefined}
            data-current={row.index === current || undefined}
            style={{ transform: `translateY(${scroll.top + (row.index - first) * LINE}px)` }}
          >
            <span className="log-number" aria-hidden="true">
              {row.number}
            </span>
            {withTimes && <span className="log-time">{new Date(row.timestampMs).toISOString().slice(11, 23)}</span>}
            <span className="log-text">
              <AnsiLine line={row.line} />
            </span>
          </div>
        ))}
      </div>
      {total === 0 && (
        <p className="log-empty">{extent.state === 'reading' ? 'Nothing was written yet.' : 'Nothing to show.'}</p>
      )}
    </div>
  )
}
