import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { takeTurn } from '../../node/turns.ts'
import { isAskedAhead, setFull } from './asked-ahead.ts'
import { createConnectionBook, type Doing } from './connection-book.ts'
import { createHandshakes } from './handshakes.ts'
import { HTTP2, type Session, serveSession } from './http2/index.ts'
import {
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_AT_REST,
  MAX_CONNECTIONS_PER_ADDRESS,
  MAX_REQUESTS_AT_ONCE,
  REST_MS,
  STALLED_MS,
} from './limits.ts'
import { siteOf } from './site.ts'

/** How many connections a server holds, and how long those that do nothing. */
export interface ConnectionLimits {
  /** @default MAX_CONNECTIONS */
  all?: number
  /** @default MAX_CONNECTIONS_PER_ADDRESS */
  perAddress?: number
  /** Of those that ask nothing at the moment. @default MAX_CONNECTIONS_AT_REST */
  atRest?: number
  /** How long one may have asked nothing before it goes for that, in ms. @default REST_MS */
  restMs?: number
  /** Requests of one connection that are under way at a time. @default MAX_REQUESTS_AT_ONCE */
  atOnce?: number
  /** How long a client may take nothing of what waits for it, in ms. @default STALLED_MS */
  stalledMs?: number
  /** Whether an address stands for many clients, so that it may have as many as there are in all. @default none does */
  isShared?: (address: string | undefined) => boolean
}

const LIMITS: Required<ConnectionLimits> = {
  all: MAX_CONNECTIONS,
  perAddress: MAX_CONNECTIONS_PER_ADDRESS,
  atRest: MAX_CONNECTIONS_AT_REST,
  restMs: REST_MS,
  atOnce: MAX_REQUESTS_AT_ONCE,
  stalledMs: STALLED_MS,
  isShared: () => false,
}

/** One connection. */
interface Guest {
  site: string
  /** Requests under way, and one more where another protocol took it over. */
  under: number
  /** Of these, those that are answered. */
  answers: number
  /** Where it speaks HTTP/2. */
  session?: Session
}

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
  const { all, perAddress, atRest, restMs, atOnce, stalledMs, isShared } = { ...LIMITS, ...limits }
  const guests = new Map<Socket, Guest>()
  const book = createConnectionBook()
  const answers = countAnswers()
  const serve = takeOver(server, 'connection')
  const answer = takeOver(server, 'request')
  const upgrade = takeOver(server, 'upgrade')
  const handshakes = isSecure(server) ? createHandshakes(server, serveSecured(server), replace) : null
  Object.assign(server, { pauseOnConnect: true }) // as `net.createServer` takes it: nothing is read before `resume`

  server.on('connection', (socket: Socket) => {
    arrive(socket, handshakes === null, () => {
      handshakes?.begin(socket)
      serve(socket)
      if (handshakes === null) socket.resume()
    })
  })

  /** @param begin called once it has its turn */
  function arrive(socket: Socket, speaksPlainly: boolean, begin: () => void): void {
    socket.on('error', () => undefined) // gone before it was served
    const site = siteOf(socket.remoteAddress)
    const most = isShared(socket.remoteAddress) ? all : perAddress
    if (book.sizeOf(site) >= most && !displace(book.firstOfSite(site))) return void refuse(socket, speaksPlainly)
    if (guests.size >= all && !displace(book.firstOfAll())) return void refuse(socket, speaksPlainly)
    enter(socket, { site, under: 0, answers: 0 }, 'waiting')
    void takeTurn().then(() => {
      if (!book.isAt(socket, 'waiting')) return // gone
      book.note(socket, site, 'silent')
      rested()
      begin()
    })
  }

  /** Speaks what was agreed on in its handshake. */
  function serveSecured(server: Server): (socket: TLSSocket) => void {
    const serve = takeOver(server, 'secureConnection')
    return (socket) => {
      const guest = guests.get(socket)
      if (socket.alpnProtocol !== HTTP2 || guest === undefined) return serve(socket)
      socket.setTimeout(stalledMs, () => {
        if (socket.writableLength > 0) socket.destroy() // one at rest, its session ends
      })
      guest.session = serveSession(socket, {
        admit(stream, begun) {
          const inner = stream as unknown as Socket
          arrive(inner, true, () => {
            work(inner, 1) // until its stream closes, and it with it
            serve(inner)
            begun()
          })
          if (!guests.has(inner)) begun() // for the answer that it is refused with
        },
        onStream: (stream) => follow(socket, guest, stream),
        stalledMs,
      })
    }
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const guest = guests.get(socket)
    // Of a connection that was ended, what Node had read of it before is still told.
    if (guest === undefined || socket.destroyed) return
    follow(socket, guest, response)
    answer(request, response)
  })

  /** One more request of a connection is under way, until that closes. */
  function follow(socket: Socket, guest: Guest, asked: Pick<EventEmitter, 'once'>): void {
    answers.add(1)
    guest.answers += 1
    setFull(socket, guest.answers >= atOnce)
    work(socket, 1)
    asked.once('close', () => {
      if (!guests.has(socket)) return
      guest.answers -= 1
      setFull(socket, guest.answers >= atOnce)
      work(socket, -1)
      answers.add(-1)
    })
  }

  // What another protocol takes over is at work until it closes, and sees to its own silence.
  server.on('upgrade', (request: IncomingMessage, ...rest: unknown[]) => {
    const { socket } = request
    if (isAskedAhead(request)) return void socket.destroy()
    work(socket, 1)
    socket.setTimeout(0)
    upgrade(request, ...rest)
  })
  server.setTimeout(stalledMs, (socket) => {
    if ((guests.get(socket)?.under ?? 0) === 0 || socket.writableLength > 0) socket.destroy()
  })

  function enter(socket: Socket, guest: Guest, doing: Doing): void {
    book.note(socket, guest.site, doing)
    guests.set(socket, guest)
    socket.once('close', () => forget(socket))
  }

  /** From its handshake on, a connection is the one that was made of it. */
  function replace(below: Socket, secured: Socket): boolean {
    const guest = guests.get(below)
    if (guest === undefined) return false
    forget(below)
    secured.on('error', () => undefined)
    enter(secured, guest, 'silent')
    return true
  }

  function work(socket: Socket, change: number): void {
    const guest = guests.get(socket)
    if (guest === undefined) return
    guest.under += change
    book.note(socket, guest.site, guest.under === 0 ? 'resting' : 'busy')
    if (guest.under === 0) rested()
  }

  /** One more is at rest. Who has asked a moment ago may ask again, and must not find the door shut. */
  function rested(): void {
    // Two for each that comes, so that what came in a moment goes down to the bound again.
    for (let gone = 0; gone < 2 && book.restingInAll() > atRest; gone += 1) {
      if (!displace(book.firstAtRest(performance.now() - restMs))) return
    }
  }

  function forget(socket: Socket): void {
    const guest = guests.get(socket)
    if (guest === undefined) return
    guests.delete(socket)
    book.note(socket, guest.site, null)
    answers.add(-guest.answers)
  }

  function displace(socket: Socket | null): boolean {
    if (socket === null) return false
    forget(socket)
    socket.destroy()
    return true
  }

  return {
    size: () => guests.size,
    idle: answers.idle,
    retire() {
      for (const { session } of guests.values()) {
        if (session === undefined) continue
        answers.add(1)
        void session.retire().then(() => answers.add(-1))
      }
    },
    destroy() {
      for (const socket of guests.keys()) socket.destroy()
    },
  }
}

/** How many answers are under way. */
function countAnswers() {
  let count = 0
  let idle = Promise.withResolvers<void>()
  idle.resolve()
  return {
    add(change: number): void {
      if (count === 0 && change > 0) idle = Promise.withResolvers()
      count += change
      if (count === 0) idle.resolve()
    },
    /** Resolves when there is none. */
    idle: () => idle.promise,
  }
}

function isSecure(server: Server): boolean {
  return server.listenerCount('secureConnection') > 0
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
