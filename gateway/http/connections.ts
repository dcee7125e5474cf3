import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { takeTurn } from '../../node/turns.ts'
import { isAskedAhead, setFull } from './asked-ahead.ts'
import { createConnectionBook, type Doing } from './connection-book.ts'
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

/** One connection. */
interface Guest {
  site: string
  /** Requests under way, and one more where another protocol took it over. */
  under: number
  /** Of these, those that are answered. */
  answers: number
}

/** Every connection of a server, in one book: how many there are, and which may go. */
export interface Connections {
  size(): number
  /** Resolves when no answer is under way. */
  idle(): Promise<void>
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
  const { all = MAX_CONNECTIONS, perAddress = MAX_CONNECTIONS_PER_ADDRESS, isShared = () => false } = limits
  const { atRest = MAX_CONNECTIONS_AT_REST, restMs = REST_MS } = limits
  const { atOnce = MAX_REQUESTS_AT_ONCE, stalledMs = STALLED_MS } = limits
  const guests = new Map<Socket, Guest>()
  const book = createConnectionBook()
  let answersInAll = 0
  let idle = Promise.withResolvers<void>()
  idle.resolve()

  const serve = takeOver(server, 'connection')
  const answer = takeOver(server, 'request')
  const upgrade = takeOver(server, 'upgrade')
  // Over TLS a connection begins as the one below it, and from its handshake on is the one that was made of that.
  const secure = server.listenerCount('secureConnection') === 0 ? null : takeOver(server, 'secureConnection')
  const shaking = new Map<string, Socket>()
  Object.assign(server, { pauseOnConnect: true }) // as `net.createServer` takes it: nothing is read before `resume`

  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined) // gone before it was served
    const site = siteOf(socket.remoteAddress)
    const most = isShared(socket.remoteAddress) ? all : perAddress
    if (book.sizeOf(site) >= most && !displace(book.firstOfSite(site))) return refuse(socket, secure === null)
    if (guests.size >= all && !displace(book.firstOfAll())) return refuse(socket, secure === null)
    enter(socket, { site, under: 0, answers: 0 }, 'waiting')
    void takeTurn().then(() => {
      if (!book.isAt(socket, 'waiting')) return // gone
      book.note(socket, site, 'silent')
      rested()
      if (secure !== null) {
        const name = endsOf(socket)
        shaking.set(name, socket)
        socket.once('close', () => shaking.delete(name))
      }
      serve(socket)
      if (secure === null) socket.resume()
    })
  })

  server.on('secureConnection', (socket: Socket) => {
    const below = shaking.get(endsOf(socket))
    const guest = below && guests.get(below)
    if (below === undefined || guest === undefined) return void socket.destroy() // gone
    forget(below)
    socket.on('error', () => undefined)
    enter(socket, guest, 'silent')
    secure?.(socket)
  })

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const guest = guests.get(socket)
    // Of a connection that was ended, what Node had read of it before is still told.
    if (guest === undefined || socket.destroyed) return
    if (answersInAll === 0) idle = Promise.withResolvers()
    answersInAll += 1
    guest.answers += 1
    setFull(socket, guest.answers >= atOnce)
    work(socket, 1)
    response.once('close', () => {
      if (!guests.has(socket)) return
      guest.answers -= 1
      setFull(socket, guest.answers >= atOnce)
      work(socket, -1)
      answered(1)
    })
    answer(request, response)
  })
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

  function answered(count: number): void {
    answersInAll -= count
    if (answersInAll === 0) idle.resolve()
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
    answered(guest.answers)
  }

  function displace(socket: Socket | null): boolean {
    if (socket === null) return false
    forget(socket)
    socket.destroy()
    return true
  }

  return {
    size: () => guests.size,
    idle: () => idle.promise,
    destroy() {
      for (const socket of guests.keys()) socket.destroy()
    },
  }
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

/** Both ends of a connection, which no two have at a time; of TLS and the TCP below it they are the same. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}

function refuse(socket: Socket, speaksPlainly: boolean): void {
  if (!speaksPlainly) return void socket.destroy()
  socket.resume() // what it asked is thrown away; unread, it would take the answer with it
  socket.end(REFUSAL, () => socket.destroy())
}
