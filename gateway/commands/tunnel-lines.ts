import type { WebSocket } from 'ws'
import { TunnelRefusedError } from './tunnel-socket.ts'

/** Sockets that are kept while they carry nothing. */
const MAX_IDLE = 8

/** How long one is kept, in ms: half as long as the gateway keeps it. */
const IDLE_MS = 60_000

/** What an older gateway answers, to which `ahead` is no port. */
const UNKNOWN = new Set([400, 404])

/** An open socket to the gateway on which a TCP connection begins. */
export interface TunnelLine {
  socket: WebSocket
  /** Says to which port, and that it begins. */
  begin(): void
  /** Once the gateway says that it is over: the next connection may have it. Absent: it is of this one alone. */
  giveBack?(): void
}

/** Sockets to a job's ports; see {@link createTunnelLines}. */
export interface TunnelLines {
  /** @throws {TunnelRefusedError} @throws {Error} where the gateway is not reached */
  take(port: number): Promise<TunnelLine>
  close(): void
}

/**
 * Keeps sockets for the connections that follow, so that a new one needs none of its own; a first one at once.
 * @param open.inTurn one that carries one connection after the other
 * @param open.alone one for a single connection, where the gateway is an older one
 */
export function createTunnelLines(open: { inTurn(): WebSocket; alone(port: number): WebSocket }): TunnelLines {
  const idle = new Map<WebSocket, NodeJS.Timeout>()
  const all = new Set<WebSocket>()
  let [isOlder, isOver] = [false, false]

  /** Null where the gateway is an older one. */
  async function openInTurn(): Promise<WebSocket | null> {
    if (isOlder) return null
    try {
      const socket = await opened(open.inTurn())
      all.add(socket)
      socket.once('close', () => {
        all.delete(socket)
        forget(socket)
      })
      return socket
    } catch (error) {
      isOlder = error instanceof TunnelRefusedError && UNKNOWN.has(error.status)
      if (isOlder) return null
      throw error
    }
  }

  function keep(socket: WebSocket): void {
    const mayStay = !isOver && idle.size < MAX_IDLE
    if (!mayStay) socket.close(1000)
    else if (socket.readyState === socket.OPEN) {
      idle.set(socket, setTimeout(() => socket.close(1000), IDLE_MS).unref())
    }
  }

  /** The one that was used last, so that those that are too many grow old; none that is being closed. */
  function takeIdle(): WebSocket | null {
    const socket = [...idle.keys()].findLast(({ readyState, OPEN }) => readyState === OPEN) ?? null
    if (socket !== null) forget(socket)
    return socket
  }

  function forget(socket: WebSocket): void {
    clearTimeout(idle.get(socket))
    idle.delete(socket)
  }

  openInTurn().then(
    (socket) => socket !== null && keep(socket),
    () => undefined, // the first connection says why not
  )

  return {
    async take(port) {
      const socket = takeIdle() ?? (await openInTurn())
      if (socket === null) return { socket: await opened(open.alone(port)), begin: () => undefined }
      return { socket, begin: () => socket.send(String(port)), giveBack: () => keep(socket) }
    },
    close() {
      isOver = true
      for (const socket of all) socket.terminate()
    },
  }
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('open', resolve)
  socket.on('error', reject) // later on, its close says it
  socket.once('close', () => reject(new Error('the gateway broke off')))
  await promise
  return socket
}
