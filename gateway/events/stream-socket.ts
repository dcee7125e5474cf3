import type { Context } from 'hono'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import type { Logger } from '../../node/logger.ts'
import { REVOKED_CLOSE, type Revocation } from '../auth/index.ts'
import { type BinarySocket, createBinarySocket } from '../http/binary-socket.ts'
import { type GatewayEnv, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import type { Shares } from '../http/shares.ts'
import { takeOver, takePlace } from '../http/upgrades.ts'

/** The largest message a client may send, in bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024
/** Streams of one socket at a time: a page needs three. */
const MAX_STREAMS = 16
/** What of a stream may be on its way that its reader has not taken, in bytes. */
const WINDOW_BYTES = 1024 * 1024
/** The longest piece of one message, in bytes. */
const PIECE_BYTES = 128 * 1024
/** The longest answer that is told of where there is no stream, in characters. */
const MAX_ANSWER_CHARACTERS = 16 * 1024

const streamId = z.int().min(1).max(0xffffffff)
const controlSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('open'),
    stream: streamId,
    path: z
      .string()
      .max(4096)
      .regex(/^\/api\/(?:v1\/)?plugin-core\/(?:events|jobs\/\w+\/(?:logs|events|metrics))(?:\?[^#]*)?$/),
    lastEventId: z.string().max(32).optional(),
  }),
  z.strictObject({ type: z.literal('took'), stream: streamId, bytes: z.int().min(1) }),
  z.strictObject({ type: z.literal('close'), stream: streamId }),
])

type Control = z.output<typeof controlSchema>

/** Answers a request as if it had come by itself. */
export type Ask = (request: Request, env: object) => Response | Promise<Response>

/**
 * `GET …/streams`, a WebSocket: many event streams over one connection, since a browser opens no more than six of HTTP to
 * a gateway, over all of its pages. See docs/decisions/0063-streams-of-a-page.md.
 *
 * Text messages to the gateway are `{type:"open",stream,path,lastEventId?}`, `{type:"took",stream,bytes}` for what was
 * read, and `{type:"close",stream}`; from it `{type:"opened",stream,status,body?}` and `{type:"closed",stream}`. Binary
 * ones are a piece of a stream, as server-sent events, after the stream's number in four bytes.
 */
export function addStreamSocket(
  api: Api,
  { revocation, shares, logger }: { revocation: Revocation; shares: Shares; logger: Logger },
  ask: Ask,
): void {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  api.get('/plugin-core/streams', (c) => {
    const principal = principalOf(c)
    const origin = c.req.header('origin')
    if (principal.via === 'cookie' && origin !== undefined && origin !== new URL(c.req.url).origin) {
      throw new GatewayError('FORBIDDEN', 'With the session cookie, sockets are opened by this gateway’s pages only')
    }
    takePlace(c, shares, principal)
    const request = requestsLike(c, ask)
    return takeOver(c, (socket, head, incoming) => {
      server.handleUpgrade(incoming, socket, head, (client) => {
        const release = revocation.watch(principal, () => client.close(...REVOKED_CLOSE))
        client.once('close', release)
        serve(client, request).catch((error: unknown) => {
          logger.debug({ error: String(error) }, 'a socket of streams broke')
          client.close(1008, 'not a message of this socket')
        })
      })
    })
  })
}

type Requested = (path: string, lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>

/** Requests of whoever opened the socket: keys, permissions, checks and limits hold for each. */
function requestsLike(c: Context<GatewayEnv>, ask: Ask): Requested {
  const { origin } = new URL(c.req.url)
  const headers = new Headers({ accept: 'text/event-stream' })
  for (const name of ['authorization', 'cookie', 'host']) {
    const value = c.req.header(name)
    if (value !== undefined) headers.set(name, value)
  }
  const { incoming } = c.env as { incoming?: unknown }
  return async (path, lastEventId, signal) => {
    const own = new Headers(headers)
    if (lastEventId !== undefined) own.set('last-event-id', lastEventId)
    return await ask(new Request(new URL(path, origin), { headers: own, signal }), { incoming })
  }
}

interface OpenStream {
  gone: AbortController
  /** Bytes on their way that the reader has not taken. */
  untaken: number
  /** Called when some were. */
  onTaken: () => void
}

async function serve(client: WebSocket, request: Requested): Promise<void> {
  const socket = createBinarySocket(client)
  const streams = new Map<number, OpenStream>()
  client.once('close', () => {
    for (const { gone } of streams.values()) gone.abort()
  })

  async function run(id: number, stream: OpenStream, { path, lastEventId }: Control & { type: 'open' }): Promise<void> {
    let response: Response | undefined
    try {
      response = await request(path, lastEventId, stream.gone.signal)
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
      const answer = isStream ? {} : { body: (await response.text()).slice(0, MAX_ANSWER_CHARACTERS) }
      await socket.send(JSON.stringify({ type: 'opened', stream: id, status: response.status, ...answer }))
      if (isStream && response.body !== null) await pass(socket, id, stream, response.body)
    } finally {
      streams.delete(id)
      // Where its reader was gone before it was read, nobody else ends it; read to its end, there is nothing to cancel.
      await response?.body?.cancel().catch(() => undefined)
    }
    if (!stream.gone.signal.aborted) await socket.send(JSON.stringify({ type: 'closed', stream: id }))
  }

  await socket.each(async (data: RawData, isBinary: boolean) => {
    if (isBinary) throw new Error('Only text is understood')
    const control = controlSchema.parse(JSON.parse(String(data)))
    const stream = streams.get(control.stream)
    if (control.type === 'close') stream?.gone.abort()
    if (control.type === 'took' && stream !== undefined) {
      stream.untaken -= control.bytes
      stream.onTaken()
    }
    if (control.type !== 'open') return
    if (stream !== undefined || streams.size >= MAX_STREAMS) throw new Error('Taken, or too many')
    const opened: OpenStream = { gone: new AbortController(), untaken: 0, onTaken: () => undefined }
    streams.set(control.stream, opened)
    run(control.stream, opened, control).catch(() => {
      if (!opened.gone.signal.aborted) client.close(1011, 'a stream broke')
    })
  })
}

/** Hands a stream over, piece by piece, as fast as its reader takes it. */
async function pass(
  socket: BinarySocket,
  id: number,
  stream: OpenStream,
  body: ReadableStream<Uint8Array>,
): Promise<void> {
  const reader = body.getReader()
  const { signal } = stream.gone
  const end = (): void => {
    stream.onTaken()
    reader.cancel().catch(() => undefined) // it ended by itself
  }
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  const head = Buffer.alloc(4)
  head.writeUInt32BE(id)
  for (;;) {
    const { done, value } = await reader.read()
    if (done || signal.aborted) return
    for (let at = 0; at < value.length; at += PIECE_BYTES) {
      while (stream.untaken >= WINDOW_BYTES && !signal.aborted) {
        await new Promise<void>((resolve) => {
          stream.onTaken = resolve
        })
      }
      if (signal.aborted) return
      const piece = value.subarray(at, at + PIECE_BYTES)
      stream.untaken += piece.length
      await socket.send(Buffer.concat([head, piece]))
    }
  }
}
