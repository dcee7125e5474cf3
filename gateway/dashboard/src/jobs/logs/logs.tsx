import { Alert, Button, FocusTrap } from '@mantine/core'
import { useLocalStorage, useMediaQuery } from '@mantine/hooks'
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react'
import type { Job } from '../../../../client/index.ts'
import { number } from '../../format/amounts.ts'
import { failed, told } from '../../ui/notify.ts'
import { LINE_TIMES } from './line-time.ts'
import { LogLines, type LogLinesHandle, linkTo } from './log-lines.tsx'
import { type LogSearch, linesOf, searchOf, viewOf } from './log-search.ts'
import { type LogLook, LogTools } from './log-tools.tsx'
import type { LogExtent, ToWorker } from './protocol.ts'
import { useLog } from './use-log.ts'

const WORDS = {
  reading: 'Live',
  lost: 'Reconnecting',
  asleep: 'Paused',
  ended: 'The job has ended',
  failed: 'Could not be read',
} as const

/** Lines in the middle of the logs that were left, by their jobs, until the page is loaded anew: one comes back to them. */
const left = new Map<string, number>()
const MOST_LEFT = 100

/** No line, and no match. */
const NOWHERE = { index: -1, match: 0 }

/** A job's output, live; which of it is in the page's address. One that had failed is opened where it says why. */
export function Logs({ job: { id, status } }: { job: Job }) {
  const address = useSearch({ from: '/signed-in/jobs/$jobId' })
  const navigate = useNavigate()
  const router = useRouter()
  const view = viewOf(address)
  const linked = linesOf(address.line)
  const [look, setLook] = useLook()
  const before = left.get(id)
  const [isFollowing, setFollowing] = useState(linked === null && before === undefined)
  const [isFull, setFull] = useState(false)
  const [current, setCurrent] = useState(NOWHERE)
  const lines = useRef<LogLinesHandle>(null)
  /** What is to be shown first, once it is there. */
  const opening = useRef<number | 'failure' | null>(linked?.from ?? before ?? (status === 'failed' ? 'failure' : null))
  /** Whether the next line is only scrolled to. */
  const isBack = useRef(linked === null && before !== undefined)
  const middle = useRef<number | undefined>(undefined)
  const { extent, rows, send } = useLog(id, view, (found) => {
    if (found.index < 0) return
    setFollowing(false)
    if (!isBack.current) setCurrent(found)
    isBack.current = false
    lines.current?.show(found.index)
  })

  useEffect(() => () => leave(id, middle.current), [id])

  useOpening(opening, extent, send)

  const here = address.line ?? rows.find(({ index }) => index === current.index)?.number.toString()

  function showIn(search: LogSearch): void {
    // What is typed counts a moment later: somebody may be on the way to another page.
    if (!router.latestLocation.pathname.endsWith(id)) return
    void navigate({
      to: '/jobs/$jobId',
      params: { jobId: id },
      search: { ...address, ...search },
      replace: true,
      resetScroll: false,
    })
  }

  function link(line: number, isRange: boolean): void {
    setFollowing(false)
    const others = isRange && linked !== null ? [linked.from, line] : [line]
    const ends = [Math.min(...others), Math.max(...others)]
    showIn({ line: [...new Set(ends)].join('-') })
  }

  return (
    <FocusTrap active={isFull}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape of whatever is in it */}
      <div
        className="logs"
        data-full={isFull || undefined}
        onKeyDown={(event) => {
          if (isFull && leavesFull(event)) setFull(false)
        }}
      >
        <LogTools
          view={view}
          onView={(next) => {
            setCurrent(NOWHERE)
            showIn(searchOf(next))
          }}
          extent={extent}
          match={current.match}
          onSeek={(isForward) =>
            send({ type: 'seek', from: current.index === -1 && !isForward ? extent.shown : current.index, isForward })
          }
          look={look}
          onLook={setLook}
          isFollowing={isFollowing}
          onFollow={setFollowing}
          isFull={isFull}
          onFull={setFull}
          onFailure={status === 'failed' && extent.shown > 0 ? () => send({ type: 'failure' }) : undefined}
          onSave={() => send({ type: 'save', withTimes: look.times !== 'none' })}
        />
        {extent.state === 'failed' && (
          <Alert color="red" variant="light" role="alert">
            {extent.problem}
          </Alert>
        )}
        <LogLines
          ref={lines}
          extent={extent}
          rows={rows}
          current={current.index}
          linked={linked}
          onLink={link}
          search={view.search}
          times={look.times}
          isWrapped={look.isWrapped}
          isFollowing={isFollowing}
          onFollow={setFollowing}
          onMiddle={(number) => {
            middle.current = number
          }}
          onNeed={(from, count) => send({ type: 'rows', from, count })}
          viewKey={`${view.stream} ${view.attempt} ${view.search} ${view.onlyMatches}`}
        />
        <div className="log-foot">
          <span role="status">{WORDS[extent.state]}</span>
          <span>
            {extent.shown === extent.lines ? '' : `${number(extent.shown)} of `}
            {number(extent.lines)} {extent.lines === 1 ? 'line' : 'lines'}
          </span>
          {extent.first > 1 && <span>The first {number(extent.first - 1)} lines are no longer kept</span>}
          {here !== undefined && (
            <Linked line={here} {...(address.line !== undefined && { onLeave: () => showIn({ line: undefined }) })} />
          )}
        </div>
      </div>
    </FocusTrap>
  )
}

/** Shows a line, or the failure, once it is there; that may be long after the page. */
function useOpening(
  opening: RefObject<number | 'failure' | null>,
  extent: LogExtent,
  send: (message: ToWorker) => void,
): void {
  useEffect(() => {
    const { current: first } = opening
    const hasEnded = extent.state === 'ended' || extent.state === 'failed'
    if (first === null || extent.lines === 0) return
    if (!hasEnded && (first === 'failure' || first >= extent.first + extent.lines)) return
    opening.current = null
    send(first === 'failure' ? { type: 'failure' } : { type: 'locate', number: first })
  }, [opening, extent, send])
}

/** @param middle of the lines in sight; undefined at the end of a log that is followed */
function leave(id: string, middle: number | undefined): void {
  left.delete(id)
  if (middle === undefined) return
  left.set(id, middle)
  const [oldest] = left.keys()
  if (left.size > MOST_LEFT && oldest !== undefined) left.delete(oldest)
}

/** The lines that a link leads to, or the one that was found. */
function Linked({ line, onLeave }: { line: string; onLeave?: () => void }) {
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(location.origin + linkTo(line))
      told('Copied')
    } catch (error) {
      failed('Could not copy', error)
    }
  }
  return (
    <span className="log-linked">
      {line.includes('-') ? 'Lines' : 'Line'} {line}
      <Button size="compact-xs" variant="default" onClick={() => void copy()}>
        Copy link
      </Button>
      {onLeave && (
        <Button size="compact-xs" variant="default" onClick={onLeave}>
          Clear
        </Button>
      )}
    </span>
  )
}

/** Kept in this browser. On a telephone lines are wrapped until somebody wants them otherwise. */
function useLook(): [LogLook, (look: LogLook) => void] {
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  const [kept, keep] = useLocalStorage<Partial<LogLook>>({
    key: 'cortex-log',
    defaultValue: {},
    getInitialValueInEffect: false,
  })
  const { times = 'none', isWrapped = isNarrow } = kept ?? {}
  // Somebody else may have written there.
  return [{ times: LINE_TIMES.includes(times) ? times : 'none', isWrapped: isWrapped === true }, keep]
}

/** Escape closes first what is open. */
function leavesFull({ key, target }: KeyboardEvent): boolean {
  return key === 'Escape' && target instanceof Element && target.getAttribute('aria-expanded') !== 'true'
}
