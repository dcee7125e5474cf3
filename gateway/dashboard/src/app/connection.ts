import { useSyncExternalStore } from 'react'

/** How the page is connected to the gateway. */
export interface Connection {
  /** `waiting`: events come, but a request has had no answer for long. */
  state: 'connecting' | 'live' | 'waiting' | 'lost' | 'asleep'
  /** Since when, ms. */
  sinceMs: number
}

/** How long a request may go without an answer, in ms, before what is shown cannot be called live. */
const PATIENCE_MS = 8_000

let events: Exclude<Connection['state'], 'waiting'> = 'connecting'
let unanswered = 0
let connection: Connection = { state: events, sinceMs: Date.now() }
const listeners = new Set<() => void>()

function update(): void {
  const state = events === 'live' && unanswered > 0 ? 'waiting' : events
  if (state === connection.state) return
  connection = { state, sinceMs: Date.now() }
  for (const listener of listeners) listener()
}

/** How the stream of events is. */
export function enter(state: typeof events): void {
  events = state
  update()
}

/** The same `fetch`, which notes requests for something to show that are not answered. */
export function watched(send: typeof fetch): typeof fetch {
  return async (input, init = {}) => {
    const isStream = new Headers(init.headers).get('accept') === 'text/event-stream'
    if (isStream || (init.method ?? 'GET') !== 'GET') return await send(input, init)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      unanswered += 1
      update()
    }, PATIENCE_MS)
    try {
      return await send(input, init)
    } finally {
      clearTimeout(timer)
      if (isLate) unanswered -= 1
      update()
    }
  }
}

/** The connection as it is now; whoever shows it is drawn again when its state changes. */
export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => connection,
  )
}
