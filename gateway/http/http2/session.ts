import { constants, performServerHandshake, type ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { KEEP_ALIVE_MS, MAX_STREAMS_OF_A_SESSION } from '../limits.ts'
import { createFrameMeter } from './frame-meter.ts'
import { MeteredSocket } from './metered-socket.ts'
import { type Admit, passOn } from './pass-on.ts'

/** What a client that speaks it says in its handshake. */
export const HTTP2 = 'h2'

/** One connection that speaks HTTP/2. */
export interface Session {
  /** Begins no further request, and ends with the last. Resolves when all that was answered is out, or nobody is there for it. */
  retire(): Promise<void>
}

/** What a session tells whoever holds its connection. */
export interface SessionHooks {
  /** Lets the connection in that one of its streams is from now on. */
  admit: Admit
  /** A request has begun; its stream closes when it is over. */
  onStream(stream: ServerHttp2Stream): void
  /** How long a client may take nothing of an answer, in ms. */
  stalledMs: number
  /** Whether its address stands for many clients, as a proxy's does: what one of them takes back is not to end all. */
  isShared: boolean
}

const MIB = 1024 * 1024
/** What a client may send of one body before it is read, in bytes: at 100 ms of way there and back, 5 MB a second. */
const STREAM_WINDOW_BYTES = MIB / 2
/** The same of all streams of a connection; Node opens it again as bytes arrive. */
const SESSION_WINDOW_BYTES = 4 * MIB

/** Frames that break the rules, for as long as a connection lasts. */
const MAX_INVALID_FRAMES = 20

/** For so many clients' worth of frames a proxy's connection is good. */
const CLIENTS_OF_A_PROXY = 50

/** How long a client may take to close a connection that is over, in ms. */
const LINGER_MS = 2_000

const OPTIONS = {
  settings: {
    maxConcurrentStreams: MAX_STREAMS_OF_A_SESSION,
    initialWindowSize: STREAM_WINDOW_BYTES,
    /** As much as a head by HTTP/1.1. */
    maxHeaderListSize: 16 * 1024,
    enablePush: false,
    enableConnectProtocol: false,
  },
  maxSessionMemory: 8,
  maxHeaderListPairs: 128,
  maxSettings: 32,
  maxOutstandingPings: 4,
}

/**
 * Speaks HTTP/2 with a client that has chosen it in its handshake. Each of its streams becomes a connection of its own to the
 * server beside it, with one request by HTTP/1.1: whatever bounds connections and requests bounds streams, too.
 */
export function serveSession(socket: TLSSocket, { admit, onStream, stalledMs, isShared }: SessionHooks): Session {
  const clients = isShared ? CLIENTS_OF_A_PROXY : 1
  const meter = createFrameMeter(clients)
  const metered = new MeteredSocket(socket, meter, calm)
  // By a name of its own: the types of Node 22 lack what its documentation has.
  const options = {
    ...OPTIONS,
    maxSessionInvalidFrames: clients * MAX_INVALID_FRAMES,
    maxSessionRejectedStreams: clients * MAX_STREAMS_OF_A_SESSION,
  }
  const session = performServerHandshake(metered, options)
  session.setLocalWindowSize(SESSION_WINDOW_BYTES)
  let open = 0
  let idle = setTimeout(retire, KEEP_ALIVE_MS).unref()
  session.on('error', () => undefined)
  session.once('close', () => {
    clearTimeout(idle)
    metered.destroy()
  })

  session.on('stream', (stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: unknown) => {
    stream.on('error', () => undefined)
    // One that was taken back with the code of no error is closed, and destroyed only later.
    if (stream.destroyed || stream.closed) return broken()
    open += 1
    clearTimeout(idle)
    onStream(stream)
    stream.once('close', () => {
      open -= 1
      if (open === 0) rest()
      if (isBroken(stream)) broken()
    })
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    passOn({ stream, raw: raw as string[], isWhole, ends: socket, admit, stalledMs })
  })

  function broken(): void {
    if (!meter.broken()) calm()
  }

  /** Ends it at once, saying that it asks too much. */
  function calm(): void {
    clearTimeout(idle)
    session.destroy(new Error('The client asks too much'), constants.NGHTTP2_ENHANCE_YOUR_CALM)
    lingers()
  }

  function retire(): void {
    if (!session.closed) session.close()
    if (open === 0) lingers()
  }

  function rest(): void {
    clearTimeout(idle)
    if (session.closed || session.destroyed) lingers()
    else idle = setTimeout(retire, KEEP_ALIVE_MS).unref()
  }

  /** Node waits for the client to close its side; who still takes what was answered is waited for while it does. */
  function lingers(waitedMs = 0): void {
    clearTimeout(idle)
    const isTaking = (): boolean => !session.destroyed && socket.writableLength > 0 && waitedMs < stalledMs
    idle = setTimeout(() => (isTaking() ? lingers(waitedMs + LINGER_MS) : metered.destroy()), LINGER_MS).unref()
  }

  return {
    async retire() {
      const { promise, resolve } = Promise.withResolvers<void>()
      metered.once('finish', resolve)
      metered.once('close', resolve)
      if (metered.closed) return
      retire()
      await promise
    },
  }
}

/** Whether a stream ended otherwise than by its answer, or by a fault of this side. */
function isBroken({ rstCode }: ServerHttp2Stream): boolean {
  return rstCode !== constants.NGHTTP2_NO_ERROR && rstCode !== constants.NGHTTP2_INTERNAL_ERROR
}
