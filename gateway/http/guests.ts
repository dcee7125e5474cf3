import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { takeTurn } from '../../node/turns.ts'
import { setFull } from './asked-ahead.ts'
import { createConnectionBook, type Doing } from './connection-book.ts'
import type { Session } from './http2/index.ts'
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

/** Where nothing else is said. */
export const LIMITS: Required<ConnectionLimits> = {
  all: MAX_CONNECTIONS,
  perAddress: MAX_CONNECTIONS_PER_ADDRESS,
  atRest: MAX_CONNECTIONS_AT_REST,
  restMs: REST_MS,
  atOnce: MAX_REQUESTS_AT_ONCE,
  stalledMs: STALLED_MS,
  isShared: () => false,
}

/** One connection. */
export interface Guest {
  site: string
  /** Requests under way, and one more where another protocol took it over. */
  under: number
  /** Of these, those that are answered. */
  answers: number
  /** Where it speaks HTTP/2. */
  session?: Session
}

/** Who is let in, and which of them goes for a new one; see {@link createGuests}. */
export interface Guests {
  size(): number
  all(): Iterable<[Socket, Guest]>
  of(socket: Socket): Guest | undefined
  /**
   * @param begin called once it has its turn; never where it is gone by then
   * @returns whether it is let in
   */
  admit(socket: Socket, begin: () => void): boolean
  /** From its handshake on, a connection is the one that was made of it. @returns false where it is gone */
  replace(below: Socket, secured: Socket): boolean
  /** One more request of a connection is under way, until that closes. */
  follow(socket: Socket, asked: Pick<EventEmitter, 'once'>): void
  /** So many more things of a connection are under way. */
  work(socket: Socket, change: number): void
  answers: ReturnType<typeof countAnswers>
}

/** Nobody yet. */
export function createGuests(limits: Required<ConnectionLimits>): Guests {
  const { all, perAddress, atRest, restMs, atOnce, isShared } = limits
  const guests = new Map<Socket, Guest>()
  const book = createConnectionBook()
  const answers = countAnswers()

  function admit(socket: Socket, begin: () => void): boolean {
    socket.on('error', () => undefined) // gone before it was served
    const site = siteOf(socket.remoteAddress)
    const most = isShared(socket.remoteAddress) ? all : perAddress
    if (book.sizeOf(site) >= most && !displace(book.firstOfSite(site))) return false
    if (guests.size >= all && !displace(book.firstOfAll())) return false
    enter(socket, { site, under: 0, answers: 0 }, 'waiting')
    void takeTurn().then(() => {
      if (!book.isAt(socket, 'waiting')) return // gone
      book.note(socket, site, 'silent')
      rested()
      begin()
    })
    return true
  }

  function follow(socket: Socket, asked: Pick<EventEmitter, 'once'>): void {
    const guest = guests.get(socket)
    if (guest === undefined) return
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

  function enter(socket: Socket, guest: Guest, doing: Doing): void {
    book.note(socket, guest.site, doing)
    guests.set(socket, guest)
    socket.once('close', () => forget(socket))
  }

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
    all: () => guests,
    of: (socket) => guests.get(socket),
    admit,
    replace,
    follow,
    work,
    answers,
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
