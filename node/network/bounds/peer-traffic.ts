import type { MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { PeerTraffic } from '../index.ts'

/** Bytes exchanged with each peer; see {@link createTrafficCounter}. */
export interface TrafficCounter {
  /** Is to see every connection before it is used. */
  watch(peer: PeerId, connection: MultiaddrConnection): void
  /** Of peers that are connected; who has left is forgotten. */
  totals(): PeerTraffic[]
}

interface Entry {
  receivedBytes: number
  sentBytes: number
  connections: number
}

/**
 * Counts the bytes of connections, encrypted and multiplexed as they are, from the moment the other end has proved who it
 * is. What goes over a relay counts for the relay, too. There are as many counters as peers that are connected.
 */
export function createTrafficCounter(): TrafficCounter {
  const peers = new Map<string, Entry>()

  function watch(peer: string, connection: MultiaddrConnection): void {
    if (connection.status !== 'open') return
    const entry = peers.get(peer) ?? { receivedBytes: 0, sentBytes: 0, connections: 0 }
    peers.set(peer, entry)
    entry.connections += 1
    // Its reader is there already, so that this listener takes no message from it.
    connection.addEventListener('message', ({ data }) => {
      entry.receivedBytes += data.byteLength
    })
    // libp2p tells of no message that is sent; its own metrics do the same.
    const send = connection.send.bind(connection)
    connection.send = (data) => {
      entry.sentBytes += data.byteLength
      return send(data)
    }
    const left = (): void => {
      entry.connections -= 1
      if (entry.connections === 0) peers.delete(peer)
    }
    connection.addEventListener('close', left, { once: true })
  }

  return {
    watch: (peer, connection) => watch(peer.toString(), connection),
    totals: () => [...peers].map(([peer, { receivedBytes, sentBytes }]) => ({ peer, receivedBytes, sentBytes })),
  }
}
