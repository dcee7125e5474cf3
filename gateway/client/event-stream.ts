import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { ConnectionError, CortexError } from './errors.ts'
import { type QueryValue, type Transport, wait } from './transport.ts'

/** How a client keeps its streams open. */
export interface StreamInit {
  /** Wait before a lost stream is opened again in ms, doubled for each failure in a row. @default 500 */
  reconnectDelayMs?: number
  /** The longest such wait, in ms. @default 30_000 */
  maxReconnectDelayMs?: number
  /** Failures in a row after which the stream is given up. @default 20 */
  maxReconnects?: number
  /** Silence after which a stream counts as lost, in ms; the gateway lets 15 s pass at most. @default 45_000 */
  silenceMs?: number
  /** Awaited before a stream is opened, each time: until somebody looks at the page, say. @default nothing is waited for */
  ready?: () => Promise<void>
}

/** Which stream is followed, and from where. */
export interface StreamRequest {
  /** @default GET */
  method?: 'GET' | 'POST'
  /** Below the base, already encoded. */
  path: string
  json?: unknown
  query?: Record<string, QueryValue>
  /** Begins after this event. */
  lastEventId?: string | undefined
  /** Ends it, with the reason of the signal. */
  signal?: AbortSignal | undefined
  /** Told when the stream opens and each time it breaks, so that people can be told. */
  onConnection?: ((state: 'open' | 'broken') => void) | undefined
}

/** One event as it came, its `data` read as JSON. */
export interface StreamedEvent<T> {
  /** Empty where the server gives none; the stream is opened again after the last one. */
  id: string
  /** `message` where the server gives no name. */
  event: string
  data: T
}

/** Where nobody says, see {@link StreamInit.silenceMs}. */
const SILENCE_MS = 45_000
/** How often the first opening is tried again: there a wrong address is likelier than a fault that passes. */
const FIRST_RETRIES = 2
/** The longest event, in characters; lines of a container's output are far shorter. */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024

/**
 * Events of a stream, each once and in order, until the server ends it with `end`. A stream that breaks is opened
 * again after the last event that was read. Leaving the loop closes the connection.
 *
 * @throws {CortexError} where the first opening fails, where the gateway refuses, or after `maxReconnects`
 */
export async function* followEvents<T>(
  transport: Transport,
  request: StreamRequest,
  init: StreamInit = {},
): AsyncGenerator<StreamedEvent<T>, void, undefined> {
  const { reconnectDelayMs = 500, maxReconnectDelayMs = 30_000, maxReconnects = 20, silenceMs } = init
  let lastEventId = request.lastEventId
  let failures = 0
  let opened = false
  for (;;) {
    await init.ready?.()
    request.signal?.throwIfAborted()
    try {
      for await (const item of connection<T>(transport, { ...request, lastEventId }, silenceMs)) {
        if (item === 'nothing more') return
        opened = true
        if (item === 'opened') {
          request.onConnection?.('open')
          continue
        }
        if ('position' in item) {
          lastEventId = item.position
          continue
        }
        failures = 0
        lastEventId = item.id
        if (item.event === 'end') return
        yield item
      }
    } catch (error) {
      request.signal?.throwIfAborted()
      request.onConnection?.('broken')
      if (!isPassing(error)) throw error
      if (failures >= (opened ? maxReconnects : FIRST_RETRIES)) throw opened ? lost(error) : error
      const asked = error instanceof CortexError ? (error.retryAfterMs ?? 0) : 0
      const backoff = Math.min(reconnectDelayMs * 2 ** failures, maxReconnectDelayMs)
      failures += 1
      await wait(Math.max(asked, backoff * (0.5 + Math.random() / 2)), request.signal)
    }
  }
}

/**
 * One connection: `opened` first, then its events, and where it stands when it is told that without an event; throws when
 * it ends, because only `end` ends a stream.
 */
export async function* connection<T>(
  transport: Transport,
  request: StreamRequest,
  silenceMs = SILENCE_MS,
): AsyncGenerator<'opened' | 'nothing more' | { position: string } | StreamedEvent<T>> {
  const ours = new AbortController()
  const signal = request.signal === undefined ? ours.signal : AbortSignal.any([request.signal, ours.signal])
  let silence = setTimeout(silent, silenceMs)
  function silent(): void {
    ours.abort(new ConnectionError({ code: 'TIMED_OUT', message: 'The stream fell silent' }))
  }
  try {
    const response = await transport.open({
      method: request.method ?? 'GET',
      path: request.path,
      json: request.json,
      query: request.query ?? {},
      headers: {
        Accept: 'text/event-stream',
        ...(request.lastEventId === undefined ? {} : { 'Last-Event-ID': request.lastEventId }),
      },
      signal,
    })
    if (response.status === 204 || response.body === null) {
      yield 'nothing more'
      return
    }
    yield 'opened'
    const events: EventSourceMessage[] = []
    let position: string | undefined
    const parser = createParser({
      onEvent: (event) => {
        events.push(event)
        position = undefined // its own id says so
      },
      onId: (id) => {
        position = id
      },
      maxBufferSize: MAX_EVENT_LENGTH,
    })
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    // Where `fetch` is somebody's own it may not pass the signal on to the body.
    signal.addEventListener('abort', () => void reader.cancel().catch(() => {})) // it broke before: nobody reads on
    for (;;) {
      const { done, value } = await reader.read()
      if (done) throw new ConnectionError({ code: 'STREAM_LOST', message: 'The stream ended before its end' })
      clearTimeout(silence)
      parser.feed(decoder.decode(value, { stream: true }))
      for (const { id = '', event = 'message', data } of events.splice(0)) {
        yield { id, event, data: JSON.parse(data) as T }
      }
      if (position !== undefined) yield { position }
      position = undefined
      silence = setTimeout(silent, silenceMs)
    }
  } finally {
    clearTimeout(silence)
    ours.abort()
  }
}

/** Whether coming back later may help: the connection broke, or the gateway or a proxy asks to wait. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof CortexError)) return !(error instanceof SyntaxError)
  return error instanceof ConnectionError || error.status === 429 || (error.status ?? 0) >= 500
}

function lost(cause: unknown): ConnectionError {
  const message = 'The stream broke and could not be opened again: ask for it once more when the gateway is back'
  return new ConnectionError({ code: 'STREAM_LOST', message, cause })
}
