import type { Connection, Stream } from '@libp2p/interface'
import type { ByteBudget } from '../bounds/byte-budget.ts'

/** Of all versions of gossipsub. */
const GOSSIP = '/meshsub/'

/**
 * Counts what neighbours bring on their streams of gossip, repetitions and frames without messages included, which no
 * check of messages sees. To be called with all connections now and then: streams opened meanwhile are counted from then on.
 */
export function createGossipBytes(budget: ByteBudget): (connections: Connection[]) => void {
  const counted = new WeakSet<Stream>()
  return (connections) => {
    for (const { streams, remotePeer } of connections) {
      const peer = remotePeer.toString()
      for (const stream of streams) {
        if (stream.direction !== 'inbound' || !stream.protocol.startsWith(GOSSIP) || counted.has(stream)) continue
        counted.add(stream)
        stream.addEventListener('message', ({ data }) => budget.take(peer, data.byteLength))
      }
    }
  }
}
