/** Many event streams over one WebSocket; see docs/decisions/0063-streams-of-a-page.md. */

import { createPieces } from './pieces.ts'

/** A socket that tells nothing for this long is dead, in ms: each stream of it tells something every 15 s. */
const SILENCE_MS = 25_000
/** How often that is looked at, in ms. */
const LOOK_MS = 5_000
const OPEN = 1

type FromGateway =
  | { type: 'opened'; stream: number; status: number; body?: string }
  | { type: 'closed'; stream: number }

interface Stream {
  opened(status: number, body: string | undefined): void
  piece(bytes: Uint8Array<ArrayBuffer>): void
  ended(): void
  broke(error: Error): void
}

/** A WebSocket to the gateway, over which event streams are opened as if each were a request. */
export interface StreamSocket {
  /** Rejects where the connection breaks before the stream is open. */
  open(path: string, init: { lastEventId?: string | undefined; signal?: AbortSignal | undefined }): Promise<Response>
  /** Whether it can be used still. */
  isAlive(): boolean
  /** Breaks every stream. */
  close(): void
}

/** @returns once it is connected; rejects where it cannot be */
export async function connectStreamSocket(url: string): Promise<StreamSocket> {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  const streams = new Map<number, Stream>()
  const connected = Promise.withResolvers<void>()
  let lastHeardMs = performance.now()
  let lastId = 0
  let isDead = false

  function die(why: string): void {
    if (isDead) return
    isDead = true
    clearInterval(looking)
    connected.reject(new TypeError(why))
    for (const stream of streams.values()) stream.broke(new TypeError(why))
    streams.clear()
    socket.close()
  }

  const looking = setInterval(() => {
    if (performance.now() - lastHeardMs > SILENCE_MS) die('The gateway fell silent')
  }, LOOK_MS)
  socket.onopen = () => connected.resolve()
  socket.onclose = () => die('The connection was lost')
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    lastHeardMs = performance.now()
    if (typeof data !== 'string') {
      streams.get(new DataView(data).getUint32(0))?.piece(new Uint8Array(data, 4))
      return
    }
    const message = JSON.parse(data) as FromGateway
    if (message.type === 'opened') streams.get(message.stream)?.opened(message.status, message.body)
    else streams.get(message.stream)?.ended()
  }

  function tell(message: object): void {
    if (socket.readyState === OPEN) socket.send(JSON.stringify(message))
  }

  await connected.promise
  return {
    isAlive: () => !isDead && socket.readyState === OPEN,
    close: () => die('The connection was closed'),
    async open(path, { lastEventId, signal: wanted }) {
      if (wanted?.aborted === true && streams.size === 0) die('Nobody reads any more')
      wanted?.throwIfAborted()
      lastId += 1
      const id = lastId
      const answer = Promise.withResolvers<Response>()
      const pieces = createPieces((bytes) => tell({ type: 'took', stream: id, bytes }), leave)
      function leave(): void {
        if (!streams.delete(id)) return
        tell({ type: 'close', stream: id })
        if (streams.size === 0) die('Nobody reads any more')
      }
      streams.set(id, {
        opened(status, body) {
          const isRefused = body !== undefined || status === 204
          if (isRefused) streams.delete(id)
          answer.resolve(new Response(isRefused ? (status === 204 ? null : body) : pieces.stream, { status }))
        },
        piece: pieces.add,
        ended() {
          streams.delete(id)
          pieces.end()
        },
        broke(error) {
          answer.reject(error)
          pieces.fail(error)
        },
      })
      wanted?.addEventListener('abort', () => {
        answer.reject(wanted.reason)
        pieces.fail(wanted.reason as Error)
        leave()
      })
      lastHeardMs = Math.max(lastHeardMs, performance.now() - SILENCE_MS + 2 * LOOK_MS)
      tell({ type: 'open', stream: id, path, ...(lastEventId === undefined ? {} : { lastEventId }) })
      return await answer.promise
    },
  }
}
