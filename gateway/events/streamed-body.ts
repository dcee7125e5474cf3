import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { SSE_HEARTBEAT } from './sse.ts'

/** How a body begins, what ends it, and who is told. */
export interface StreamedBodyInit {
  /** Aborted when it ends, for its source to hear. */
  scope: AbortController
  /** Told first; a body that has one is told, too, that it lives. Null for what is no stream of events. */
  start: string | null
  /** Silence after which that is said, in ms. */
  heartbeatMs: number
  /** How long a client may take nothing before it is let go, in ms. */
  stallMs: number
  /** Asked each time before anything is told; where it is false the body ends. */
  mayGoOn: () => boolean
  /** Called once when it ends, however it does. @param cleaned resolves when its source has cleaned up */
  onEnd: (cleaned: Promise<void>) => void
}

/** The body of an answer that is made piece by piece, as the client takes it. */
export interface StreamedBody {
  readonly stream: ReadableStream<Uint8Array>
  mayGoOn(): boolean
  end(): void
}

/**
 * Asks for a piece only when the client has taken the one before, and ends by itself where the client takes nothing
 * for `stallMs`.
 */
export function createStreamedBody(
  { clock, logger }: { clock: Clock; logger: Logger },
  pieces: AsyncIterable<string>,
  { scope, start, heartbeatMs, stallMs, mayGoOn, onEnd }: StreamedBodyInit,
): StreamedBody {
  const source = pieces[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let pending: Promise<IteratorResult<string>> | undefined
  let taken = new AbortController()
  /** Whether nothing can be handed over any more. */
  let gone = false

  function end(): void {
    if (scope.signal.aborted) return
    taken.abort()
    scope.abort()
    // Where it waits for its reader, only this makes the source clean up.
    const cleaned = (source.return?.() ?? Promise.resolve()).then(
      () => {},
      (error: unknown) => logger.debug({ err: error }, 'event source broke as it ended'),
    )
    onEnd(cleaned)
  }

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
    pending ??= source.next()
    const next = start === null ? await pending : await orHeartbeat(clock, heartbeatMs, pending)
    if (gone) return
    if (!mayGoOn() || (next !== 'heartbeat' && next.done)) {
      end()
      return controller.close()
    }
    if (next === 'heartbeat') return handOver(controller, SSE_HEARTBEAT)
    pending = undefined
    handOver(controller, next.value)
  }

  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      if (start !== null) controller.enqueue(encoder.encode(start))
    },
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
  return { stream, mayGoOn, end }
}

async function orHeartbeat<T>(clock: Clock, heartbeatMs: number, promise: Promise<T>): Promise<T | 'heartbeat'> {
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
