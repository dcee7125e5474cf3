import type { RawData, WebSocket } from 'ws'
import { onAbort } from '../../node/abort.ts'
import type { Channel } from '../../node/network/index.ts'
import { ReachError } from '../../node/reach/index.ts'
import { JobStateError } from '../../node/store/index.ts'
import { type BinarySocket, createBinarySocket } from '../http/binary-socket.ts'
import { END, OVER } from '../http/socket-stream.ts'
import { portOf, sendPiece } from './tunnel-route.ts'

/** How long a socket may carry nothing, in ms. */
const IDLE_MS = 120_000

/** Opens a connection to a port of the job. The signal ends it. */
export type OpenTunnel = (port: number, signal: AbortSignal) => Promise<Channel>

/**
 * One connection after the other over a socket, as `tunnels-route.ts` says; resolves with the socket's end.
 * @param gone aborted where nobody is behind the socket any more
 */
export async function carryInTurn(client: WebSocket, open: OpenTunnel, gone: AbortSignal): Promise<void> {
  const socket = createBinarySocket(client)
  const now: { carried: Carried | null; idle: NodeJS.Timeout | undefined } = { carried: null, idle: undefined }
  const rest = (): void => {
    now.carried = null
    now.idle = setTimeout(() => client.close(1000), IDLE_MS)
  }
  const broken = (error: unknown): void => {
    client.send(JSON.stringify({ error: { message: wordsOf(error) } }))
    client.close(1011, 'the connection broke')
  }
  rest()
  onAbort(gone, () => now.carried?.give(gone.reason))
  try {
    await socket.each(async (data, isBinary) => {
      // Until its goodbye is answered, a client may send on.
      if (gone.aborted) return
      if (now.carried !== null) return await now.carried.take(data, isBinary)
      if (isBinary) throw new Error('No port was named')
      const port = portOf(String(data))
      clearTimeout(now.idle)
      now.carried = carry(socket, async (signal) => await open(port, signal), { ended: rest, broken })
    })
  } finally {
    clearTimeout(now.idle)
    now.carried?.give(new Error('The client is gone'))
  }
}

/** A connection over a socket. */
interface Carried {
  /** Rejects where it is no message of a tunnel. */
  take(data: RawData, isBinary: boolean): Promise<void>
  give(reason: Error): void
}

function carry(
  socket: BinarySocket,
  open: (signal: AbortSignal) => Promise<Channel>,
  on: { ended(): void; broken(error: unknown): void },
): Carried {
  const over = new AbortController()
  const opening = open(over.signal)
  const hasEnded = { client: false, container: false }
  let isTold = false
  const endIfOver = async (): Promise<void> => {
    if (isTold || !hasEnded.client || !hasEnded.container) return
    isTold = true
    // Before it is said: then the client may begin the next one.
    on.ended()
    await socket.send(OVER)
  }
  const give = (error: unknown): void => {
    if (over.signal.aborted) return
    over.abort(error)
    on.broken(error)
  }

  async function hear(): Promise<void> {
    const channel = await opening
    for (let piece = await channel.receive(); piece !== null; piece = await channel.receive()) {
      await socket.send(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    }
    hasEnded.container = true
    await socket.send(END)
    await endIfOver()
  }
  hear().catch(give)

  return {
    async take(data, isBinary) {
      if (!isBinary && String(data) !== END) throw new Error('Not a message of a tunnel')
      const channel = await opening.catch(() => null)
      if (channel === null) return // why, is told already
      if (isBinary) {
        // Why it broke, the provider says, where it still does.
        await sendPiece(channel, data as Buffer).catch((error) => hasEnded.container && give(error))
      } else {
        await channel.close()
        hasEnded.client = true
        await endIfOver()
      }
    },
    give: (reason) => over.abort(reason),
  }
}

function wordsOf(error: unknown): string {
  const isKnown = error instanceof ReachError || error instanceof JobStateError
  return isKnown ? error.message : 'the connection broke'
}
