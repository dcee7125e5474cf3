import { exact, span } from '../format/time.ts'
import { useNow } from '../ui/time.tsx'
import { type Connection, useConnection } from './connection.ts'

const WORDS: Record<Connection['state'], string> = {
  connecting: 'Connecting',
  live: 'Live',
  waiting: 'No answer',
  lost: 'Reconnecting',
  asleep: 'Paused',
}

/** Whether what is shown is up to date. */
export function ConnectionBadge() {
  const { state, sinceMs } = useConnection()
  const now = useNow()
  const hint =
    state === 'live'
      ? `Everything here changes as it happens, since ${exact(sinceMs)}`
      : `What is shown is of ${exact(sinceMs)}; it catches up by itself`
  return (
    <span className="status connection" data-status={state} role="status" title={hint}>
      <span className="status-dot" aria-hidden="true" />
      <span className="connection-word">{WORDS[state]}</span>
      {state === 'lost' && <span> for {span((now - sinceMs) / 1000)}</span>}
    </span>
  )
}
