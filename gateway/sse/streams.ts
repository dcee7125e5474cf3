import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { encodeEvent, type ServerEvent, SSE_HEADERS, SSE_HEARTBEAT, SSE_START } from './sse.ts'

/** Silence after which a comment goes out, so that proxies and clients know the stream lives, in ms. */
const HEARTBEAT_MS = 15_000
/** How long a client may take nothing before it is let go, in ms. It comes back and resumes. */
const STALL_MS = 60_000

/** Batches of events; asked for the next one only when the client has taken the last. */
export type EventSourceOf = (signal: AbortSignal) => AsyncIterable<readonly ServerEvent[]>

/** The open streams of server-sent events. */
export interface EventStreams {
  /**
   * Answers a stream of its own. The source's signal is aborted when the client goes away.
   * @param mayGoOn asked each time before anything is told; where it is false the stream ends. @default always true
   */
  respond(source: EventSourceOf, mayGoOn?: () => boolean): Response
  /** Ends those that may not go on any more, without waiting for something to tell. */
  review(): void
  /** How many are open. */
  size(): number
  /** Ends them all, and any that comes later; clients come back by themselves and resume. */
  stop(): Promise<void>
}

export function createEventStreams(
  components: { clock: Clock; logger: Logger },
  init: { heartbeatMs?: number; stallMs?: number } = {},
): EventStreams {
  const { clock, logger } = components
  const { heartbeatMs = HEARTBEAT_MS, stallMs = STALL_MS } = init
  const open = new Map<AbortController, { end: () => void; mayGoOn: () => boolean }>()
  const ending = new Set<Promise<void>>()
  let stopped = false

  function respond(source: EventSourceOf, mayGoOn = () => true): Response {
    const stream = new AbortController()
    const { signal } = stream
    const batches = source(signal)[Symbol.asyncIterator]()
    const encoder = new TextEncoder()
    let pending: Promise<IteratorResult<readonly ServerEvent[]>> | undefined
    let taken = new AbortController()
    /** Whether nothing can be handed over any more. */
    let gone = false

    function end(): void {
      if (!open.delete(stream)) return
      taken.abort()
      stream.abort()
      // Where it waits for its reader, only this makes the source clean up.
      const ended = (batches.return?.() ?? Promise.resolve()).then(
        () => {},
        (error: unknown) => logger.debug({ err: error }, 'event source broke as it ended'),
      )
      ending.add(ended)
      void ended.then(() => ending.delete(ended))
    }

    open.set(stream, { end, mayGoOn })
    if (stopped) end()

    /** Lets the client go where it does not take what is handed over now. */
    function handOver(controller: ReadableStreamDefaultController<Uint8Array>, text: string): void {
      taken = new AbortController()
      clock.sleep(stallMs, taken.signal).then(
        () => {
          gone = true
          end()
          controller.error(new Error('The client reads too slowly'))
        },
        () => {}, // taken in time
      )
      controller.enqueue(encoder.encode(text))
    }

    async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
      taken.abort()
      pending ??= batches.next()
      const next = await withHeartbeat(pending)
      if (gone) return
      if (!mayGoOn()) {
        end()
        return controller.close()
      }
      if (next === 'heartbeat') return handOver(controller, SSE_HEARTBEAT)
      pending = undefined
      if (next.done) {
        end()
        return controller.close()
      }
      handOver(controller, next.value.map(encodeEvent).join(''))
    }

    async function withHeartbeat<T>(promise: Promise<T>): Promise<T | 'heartbeat'> {
      const arrived = new AbortController()
      const beat = clock.sleep(heartbeatMs, arrived.signal).then(
        () => 'heartbeat' as const,
        () => 'heartbeat' as const, // the race is over: nobody looks
      )
      try {
        return await Promise.race([promise, beat])
      } finally {
        arrived.abort()
      }
    }

    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode(SSE_START)),
      async pull(controller) {
        try {
          await pull(controller)
        } catch (error) {
          end()
          if (gone) return
          gone = true
          logger.error({ err: error }, 'event stream broke')
          controller.error(error)
        }
      },
      cancel() {
        gone = true
        end()
      },
    })
    return new Response(body, { headers: SSE_HEADERS })
  }

  return {
    respond,
    review() {
      for (const { end, mayGoOn } of open.values()) if (!mayGoOn()) end()
    },
    size: () => open.size,
    async stop() {
      stopped = true
      for (const { end } of open.values()) end()
      await Promise.all(ending)
    },
  }
}
