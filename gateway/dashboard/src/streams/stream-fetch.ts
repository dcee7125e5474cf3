import { createGate, type Gate } from './gate.ts'
import { connectStreamSocket, type StreamSocket } from './stream-socket.ts'

/** Sockets that could not be opened, while requests were answered, before streams are asked for by request. */
const MAX_FAILURES = 2
/** Streams by request, of all pages together: a browser has six connections, and the pages need some themselves. */
const SLOTS = 4

/** The event streams of a page. Shut, nothing of it is open. */
export interface Streams extends Gate {
  /**
   * Event streams go over one WebSocket, which takes none of the six connections that a browser opens to a gateway; all
   * else is a request. Where no WebSocket gets through, as behind some proxies, streams are requests too, of which all
   * pages together have four.
   */
  fetch: typeof fetch
}

/** Opens nothing before the first stream is asked for. @param origin of the gateway, e.g. `http://localhost:13000` */
export function createStreams(origin: string): Streams {
  let socket: Promise<StreamSocket | undefined> = Promise.resolve(undefined)
  let failures = 0
  let shut = new AbortController()
  const gate = createGate()

  async function connected(): Promise<StreamSocket> {
    const before = socket
    const next = before
      .catch(() => undefined)
      .then(async (current) => {
        if (current?.isAlive() === true) return current
        return await connectStreamSocket(`${origin.replace(/^http/, 'ws')}/api/plugin-core/streams`)
      })
    socket = next
    return await next
  }

  /** Where a socket does not open the browser does not say why: so it is asked first whether this is let in. */
  async function openSocket(signal: AbortSignal): Promise<StreamSocket | Response | null> {
    const current = await socket.catch(() => undefined)
    if (current?.isAlive() === true) return current
    if (failures >= MAX_FAILURES) return null
    const answer = await fetch(`${origin}/api/users/me`, { signal })
    if (!answer.ok) return answer
    try {
      const opened = await connected()
      failures = 0
      return opened
    } catch (error) {
      failures += 1
      throw error
    }
  }

  return {
    async fetch(input, init = {}) {
      const headers = new Headers(init.headers)
      if (headers.get('accept') !== 'text/event-stream') return await fetch(input, init)
      const { pathname, search } = new URL(input instanceof Request ? input.url : input)
      const signal = AbortSignal.any([shut.signal, ...(init.signal ? [init.signal] : [])])
      signal.throwIfAborted()
      const opened = await openSocket(signal)
      if (opened === null) return await inSlot(signal, async () => await fetch(input, { ...init, signal }))
      if (opened instanceof Response) return opened
      return await opened.open(pathname + search, { lastEventId: headers.get('last-event-id') ?? undefined, signal })
    },
    ...gate,
    shut() {
      gate.shut()
      shut.abort(new TypeError('Nobody looks'))
      socket.then((open) => open?.close()).catch(() => undefined) // there is none then
    },
    open() {
      failures = 0
      shut = new AbortController()
      gate.open()
    },
  }
}

/** Holds one of the slots until the answer was read or left. */
async function inSlot(signal: AbortSignal, ask: () => Promise<Response>): Promise<Response> {
  const release = await takeSlot(signal)
  try {
    const response = await ask()
    if (response.body === null) {
      release()
      return response
    }
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    response.body.pipeTo(writable).then(release, release)
    return new Response(readable, response)
  } catch (error) {
    release()
    throw error
  }
}

/** Pages of an address without TLS have no locks, and no bound. */
async function takeSlot(signal: AbortSignal): Promise<() => void> {
  if (!('locks' in navigator)) return () => {}
  const won = new AbortController()
  const slot = Promise.withResolvers<() => void>()
  const either = AbortSignal.any([won.signal, signal])
  for (let i = 0; i < SLOTS; i += 1) {
    const hold = async (): Promise<void> => {
      if (won.signal.aborted) return
      won.abort()
      await new Promise<void>((release) => slot.resolve(release))
    }
    navigator.locks.request(`cortex-stream-${i}`, { signal: either }, hold).catch((error: unknown) => {
      if (signal.aborted) slot.reject(error)
    })
  }
  return await slot.promise
}
