import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { encodeEvent, type ServerEvent, SSE_HEADERS, SSE_START } from './sse.ts'
import { createStreamedBody, type StreamedBody } from './streamed-body.ts'

/** Silence after which a comment goes out, so that proxies and clients know the stream lives, in ms. */
const HEARTBEAT_MS = 15_000
/** How long a client may take nothing before it is let go, in ms. It comes back and resumes. */
const STALL_MS = 60_000

/** Batches of events; asked for the next one only when the client has taken the last. */
export type EventSourceOf = (signal: AbortSignal) => AsyncIterable<readonly ServerEvent[]>

/** What a stream is held to, and gives back. */
export interface StreamHold {
  /** Asked each time before anything is told; where it is false the stream ends. @default always true */
  mayGoOn?: () => boolean
  /** Called once when it has ended, however it did. */
  onEnd?: () => void
  /** How long a client may take nothing before it is let go, in ms. @default that of all streams */
  stallMs?: number
}

/** The open streams of server-sent events, and other answers that are made while they are read. */
export interface EventStreams {
  /** Answers a stream of events of its own. The source's signal is aborted when the client goes away. */
  respond(source: EventSourceOf, hold?: StreamHold): Response
  /** The body of an answer that is made piece by piece, as the client takes it; one piece is held at a time. */
  text(pieces: AsyncIterable<string>, hold?: StreamHold): ReadableStream<Uint8Array>
  /** Ends those that may not go on any more, without waiting for something to tell. */
  review(): void
  /** How many are open. */
  size(): number
  /** Ends them all, and any that comes later; clients come back by themselves and resume. */
  stop(): Promise<void>
}

/**
 * @param init.heartbeatMs silence after which a stream is said to live @default 15_000
 * @param init.stallMs how long a client may take nothing before it is let go @default 60_000
 */
export function createEventStreams(
  components: { clock: Clock; logger: Logger },
  init: { heartbeatMs?: number; stallMs?: number } = {},
): EventStreams {
  const { clock, logger } = components
  const { heartbeatMs = HEARTBEAT_MS, stallMs = STALL_MS } = init
  const open = new Set<StreamedBody>()
  const ending = new Set<Promise<void>>()
  let stopped = false

  function answer(scope: AbortController, pieces: AsyncIterable<string>, start: string | null, hold: StreamHold) {
    const body = createStreamedBody({ clock, logger }, pieces, {
      ...{ scope, start, heartbeatMs },
      stallMs: hold.stallMs ?? stallMs,
      mayGoOn: hold.mayGoOn ?? (() => true),
      onEnd(cleaned) {
        open.delete(body)
        hold.onEnd?.()
        ending.add(cleaned)
        void cleaned.then(() => ending.delete(cleaned))
      },
    })
    open.add(body)
    if (stopped) body.end()
    return body.stream
  }

  return {
    respond(source, hold = {}) {
      const scope = new AbortController()
      return new Response(answer(scope, texts(source(scope.signal)), SSE_START, hold), { headers: SSE_HEADERS })
    },
    text: (pieces, hold = {}) => answer(new AbortController(), pieces, null, hold),
    review() {
      for (const { end, mayGoOn } of open) if (!mayGoOn()) end()
    },
    size: () => open.size,
    async stop() {
      stopped = true
      for (const { end } of open) end()
      await Promise.all(ending)
    },
  }
}

async function* texts(batches: AsyncIterable<readonly ServerEvent[]>): AsyncGenerator<string> {
  for await (const batch of batches) yield batch.map(encodeEvent).join('')
}
