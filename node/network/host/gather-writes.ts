import type { Socket } from 'node:net'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * Hands the kernel in one call what goes to a peer in one turn of the event loop. By themselves noise and yamux write each
 * frame by itself, and such a call is a good part of what a short stream costs (docs/decisions/0038-gathered-writes.md). Connections without a
 * socket of their own, over a relay, are left as they are.
 */
export function gatherWrites(connection: MultiaddrConnection & { socket?: Socket }): void {
  const { socket } = connection
  if (socket === undefined) return
  const send = connection.send.bind(connection)
  connection.send = (data) => {
    if (socket.writableCorked === 0) {
      socket.cork()
      setImmediate(() => socket.uncork())
    }
    return send(data)
  }
}
