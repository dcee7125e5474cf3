/** The least a stream needs to be read by a browser's `EventSource`. */

/** What a client waits before it comes back, in ms. */
const RETRY_MS = 2000

/** One event of a stream, before it is text. */
export interface ServerEvent {
  /** Without line breaks; what the client sends as `Last-Event-ID` when it comes back. */
  id?: string | number
  /** Absent: `message`. */
  event?: string
  /** Absent: only the id is told, and no message comes of it. */
  data?: unknown
}

/** Of every stream: neither caches nor proxies are to keep anything of it. */
export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
}

/** What a stream begins with: how long a client waits before it comes back. */
export const SSE_START = `retry: ${RETRY_MS}\n\n`
/** A comment, which clients pass over: the stream lives. */
export const SSE_HEARTBEAT = ': heartbeat\n\n'

/** The text of an event, `data` as JSON in one line. */
export function encodeEvent({ id, event, data }: ServerEvent): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`
  return data === undefined ? `${head}\n` : `${head}data: ${JSON.stringify(data)}\n\n`
}
