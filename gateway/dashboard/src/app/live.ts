import { UnauthorizedError } from '../../../client/errors.ts'
import type { GatewayEvent } from '../../../client/index.ts'
import { client } from './client.ts'
import { enter } from './connection.ts'
import { onPause, pageStreams } from './page-streams.ts'
import { noteError } from './query.ts'

/** Events that come close together are handed over together, after this many ms. */
const GATHER_MS = 150
const RETRY_MS = 2_000

/** Who is told of what comes. */
export interface LiveInit {
  /** Takes events in their order. */
  onEvents(events: GatewayEvent[]): void
  /** Something may have been missed: everything shown has to be asked for again. */
  onGap(): void
}

/** Follows every event of the gateway until the returned function is called; after a break it goes on where it was. */
export function startLive({ onEvents, onGap }: LiveInit): () => void {
  const stopped = new AbortController()
  let last: string | undefined
  let gathered: GatewayEvent[] = []
  let flushing: ReturnType<typeof setTimeout> | undefined

  function flush(): void {
    flushing = undefined
    onEvents(gathered.splice(0))
  }

  function onConnection(state: 'open' | 'broken'): void {
    if (state === 'open' && last === undefined) onGap()
    enter(state === 'open' ? 'live' : pageStreams.isShut() ? 'asleep' : 'lost')
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of client.events({ after: last, signal, onConnection })) {
          last = event.id
          gathered.push(event)
          flushing ??= setTimeout(flush, GATHER_MS)
        }
      } catch (error) {
        if (signal.aborted) return
        noteError(error)
        if (error instanceof UnauthorizedError) return
        enter('lost')
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  const begin = (): void => enter(pageStreams.isShut() ? 'asleep' : 'connecting')
  const stopLooking = onPause(begin)
  begin()
  void follow(stopped.signal)
  return () => {
    stopLooking()
    clearTimeout(flushing)
    gathered = []
    stopped.abort()
  }
}
