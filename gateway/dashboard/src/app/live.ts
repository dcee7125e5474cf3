import { useSyncExternalStore } from 'react'
import { UnauthorizedError } from '../../../client/errors.ts'
import type { GatewayEvent } from '../../../client/index.ts'
import { client } from './client.ts'
import { noteError } from './query.ts'

/** How the page is connected to the gateway. */
export interface Connection {
  state: 'connecting' | 'live' | 'lost' | 'asleep'
  /** Since when, ms. */
  sinceMs: number
}

/** Events that come close together are handed over together, after this many ms. */
const GATHER_MS = 150
/** A page that nobody looks at lets its connection go after this many ms: a browser has six for a gateway. */
const SLEEP_AFTER_MS = 30_000
const RETRY_MS = 2_000

export interface LiveInit {
  /** Takes events in their order. */
  onEvents(events: GatewayEvent[]): void
  /** Something may have been missed: everything shown has to be asked for again. */
  onGap(): void
}

let connection: Connection = { state: 'connecting', sinceMs: Date.now() }
const listeners = new Set<() => void>()

function enter(state: Connection['state']): void {
  if (state === connection.state) return
  connection = { state, sinceMs: Date.now() }
  for (const listener of listeners) listener()
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => connection,
  )
}

/** Follows every event of the gateway until the returned function is called; after a break it goes on where it was. */
export function startLive({ onEvents, onGap }: LiveInit): () => void {
  let last: string | undefined
  let stream: AbortController | undefined
  let gathered: GatewayEvent[] = []
  let flushing: ReturnType<typeof setTimeout> | undefined
  let falling: ReturnType<typeof setTimeout> | undefined

  function flush(): void {
    flushing = undefined
    onEvents(gathered.splice(0))
  }

  function onConnection(state: 'open' | 'broken'): void {
    if (state === 'open' && last === undefined) onGap()
    enter(state === 'open' ? 'live' : 'lost')
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

  function open(): void {
    clearTimeout(falling)
    falling = undefined
    if (stream !== undefined) return
    stream = new AbortController()
    enter('connecting')
    void follow(stream.signal)
  }

  function sleep(): void {
    stream?.abort()
    stream = undefined
    enter('asleep')
  }

  function onVisibility(): void {
    if (document.visibilityState === 'visible') open()
    else falling ??= setTimeout(sleep, SLEEP_AFTER_MS)
  }

  document.addEventListener('visibilitychange', onVisibility)
  open()
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    clearTimeout(falling)
    clearTimeout(flushing)
    gathered = []
    stream?.abort()
    stream = undefined
  }
}
