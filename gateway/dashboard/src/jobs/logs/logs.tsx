import { Alert } from '@mantine/core'
import { useRef, useState } from 'react'
import { number } from '../../format/amounts.ts'
import { LogLines, type LogLinesHandle } from './log-lines.tsx'
import { LogTools } from './log-tools.tsx'
import type { LogView } from './protocol.ts'
import { useLog } from './use-log.ts'

const WORDS = {
  reading: 'Live',
  lost: 'Reconnecting',
  asleep: 'Paused',
  ended: 'The job has ended',
  failed: 'Could not be read',
} as const

/** A job's output, live. */
export function Logs({ jobId }: { jobId: string }) {
  const [view, setView] = useState<LogView>({ stream: 'all', search: '', onlyMatches: false })
  const [withTimes, setWithTimes] = useState(false)
  const [isWrapped, setWrapped] = useState(false)
  const [isFollowing, setFollowing] = useState(true)
  const [current, setCurrent] = useState(-1)
  const lines = useRef<LogLinesHandle>(null)
  const { extent, rows, send } = useLog(jobId, view, (index) => {
    if (index < 0) return
    setFollowing(false)
    setCurrent(index)
    lines.current?.show(index)
  })

  return (
    <div className="logs">
      <LogTools
        view={view}
        onView={(next) => {
          setCurrent(-1)
          setView(next)
        }}
        extent={extent}
        withTimes={withTimes}
        onTimes={setWithTimes}
        isWrapped={isWrapped}
        onWrap={setWrapped}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        onSeek={(isForward) =>
          send({ type: 'seek', from: current === -1 && !isForward ? extent.shown : current, isForward })
        }
        onSave={() => send({ type: 'save', withTimes })}
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
        current={current}
        withTimes={withTimes}
        isWrapped={isWrapped}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        onNeed={(from, count) => send({ type: 'rows', from, count })}
        viewKey={`${view.stream} ${view.search} ${view.onlyMatches}`}
      />
      <div className="log-foot" role="status">
        <span>{WORDS[extent.state]}</span>
        <span>
          {extent.shown === extent.lines ? '' : `${number(extent.shown)} of `}
          {number(extent.lines)} {extent.lines === 1 ? 'line' : 'lines'}
        </span>
        {extent.first > 1 && <span>The first {number(extent.first - 1)} lines are no longer kept</span>}
      </div>
    </div>
  )
}
