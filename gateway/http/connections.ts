import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isAskedAhead } from './asked-ahead.ts'
import { type ConnectionLimits, createGuests, type Guests, LIMITS } from './guests.ts'
import { createHandshakes } from './handshakes.ts'
import { HTTP2, type Session, serveSession } from './http2/index.ts'

export type { ConnectionLimits } from './guests.ts'

/** Every connection of a server, in one book: how many there are, and which may go. */
export interface Connections {
  size(): number
  /** Resolves when no answer is under way. */
  idle(): Promise<void>
  /** Has those that speak HTTP/2 begin no further request; others find out with their next answer. */
  retire(): void
  /** Ends them all, those too that another protocol took over. */
  destroy(): void
}

/**
 * The door of a server. It holds it to a number of connections, in all, of each address, and of those that ask nothing:
 * where there are too many, the one goes that has asked nothing for longest; only where all are at work a new one is refused.
 * So whoever opens many only displaces connections that do nothing.
 *
 * What a round of the loop may begin is bounded here, too, since Node reads all that is there before it lets anybody else
 * have a turn: a new connection waits for its own before anything is read of it, few can ask at the same moment, and one
 * cannot ask many things at once.
 */
export function createConnections(server: Server, limits: ConnectionLimits = {}): Connections {
  const { stalledMs, isShared, ...all } = { ...LIMITS, ...limits }
  const guests = createGuests({ stalledMs, isShared, ...all })
  const isSecure = server.listenerCount('secureConnection') > 0
  const begin = takeOver(server, 'connection')
  const answer = takeOver(server, 'request')
  const upgrade = takeOver(server, 'upgrade')
  const serve = isSecure ? takeOver(server, 'secureConnection') : begin
  const handshakes = isSecure ? createHandshakes(server, serveSecured, guests.replace) : null
  Object.assign(server, { pauseOnConnect: true }) // as `net.createServer` takes it: nothing is read before `resume`

  server.on('connection', (socket: Socket) => {
    const isIn = guests.admit(socket, () => {
      handshakes?.begin(socket)
      begin(socket)
      if (handshakes === null) socket.resume()
    })
    if (!isIn) refuse(socket, handshakes === null)
  })
  /** Speaks what was agreed on in its handshake. */
  function serveSecured(socket: TLSSocket): void {
    const guest = guests.of(socket)
    if (socket.alpnProtocol !== HTTP2 || guest === undefined) serve(socket)
    else guest.session = serveStreams(socket, { guests, serve, stalledMs, isShared: isShared(socket.remoteAddress) })
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    // Of a connection that was ended, what Node had read of it before is still told.
    if (guests.of(socket) === undefined || socket.destroyed) return
    guests.follow(socket, response)
    answer(request, response)
  })
  // What another protocol takes over is at work until it closes, and sees to its own silence.
  server.on('upgrade', (request: IncomingMessage, ...rest: unknown[]) => {
    const { socket } = request
    if (isAskedAhead(request)) return void socket.destroy()
    guests.work(socket, 1)
    socket.setTimeout(0)
    upgrade(request, ...rest)
  })
  server.setTimeout(stalledMs, (socket) => {
    if ((guests.of(socket)?.under ?? 0) === 0 || socket.writableLength > 0) socket.destroy()
  })

  return {
    size: guests.size,
    idle: guests.answers.idle,
    retire() {
      for (const [, { session }] of guests.all()) {
        if (session === undefined) continue
        guests.answers.add(1)
        void session.retire().then(() => guests.answers.add(-1))
      }
    },
    destroy() {
      for (const [socket] of guests.all()) socket.destroy()
    },
  }
}

interface Inside {
  guests: Guests
  /** What the server does with a connection whose handshake is done. */
  serve(socket: Socket): void
  stalledMs: number
  isShared: boolean
}

/** A connection whose streams are connections of their own: each comes by the same door, and is at work until it closes. */
function serveStreams(socket: TLSSocket, { guests, serve, stalledMs, isShared }: Inside): Session {
  socket.setTimeout(stalledMs)
  // Not as the callback of the time-out, which is called once.
  socket.on('timeout', () => {
    if (socket.writableLength > 0) socket.destroy() // one at rest, its session ends
  })
  return serveSession(socket, {
    admit(stream, begun) {
      const inner = stream as unknown as Socket // it has what is asked of one here
      const isIn = guests.admit(inner, () => {
        guests.work(inner, 1)
        serve(inner)
        begun()
      })
      if (isIn) return
      refuse(inner, true)
      begun() // for that answer
    },
    onStream: (stream) => guests.follow(socket, stream),
    stalledMs,
    isShared,
  })
}

/** What the server does with such an event, to be called instead of being told of it. */
function takeOver(
  server: Server,
  event: 'connection' | 'request' | 'secureConnection' | 'upgrade',
): (...told: unknown[]) => void {
  const [listener, ...others] = server.listeners(event)
  if (listener === undefined || others.length > 0) throw new Error(`The server has not one listener of ${event}`)
  server.removeAllListeners(event)
  return (...told) => listener.apply(server, told)
}

const BODY = JSON.stringify({
  success: false,
  error: {
    code: 'RATE_LIMIT_EXCEEDED',
    message: 'Too many connections are open, and all of them are at work: close some, or wait',
  },
})
const REFUSAL = [
  'HTTP/1.1 429 Too Many Requests',
  'Content-Type: application/json',
  `Content-Length: ${Buffer.byteLength(BODY)}`,
  'Retry-After: 5',
  'Connection: close',
  '',
  BODY,
].join('\r\n')

function refuse(socket: Socket, speaksPlainly: boolean): void {
  if (!speaksPlainly) return void socket.destroy()
  socket.resume() // what it asked is thrown away; unread, it would take the answer with it
  socket.end(REFUSAL, () => socket.destroy())
}
