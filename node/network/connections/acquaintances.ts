import type { PeerId } from '@libp2p/interface'
import type { Logger } from '../../logger.ts'

type PeerCallback = (peer: string, protocols: string[]) => void

/** The connected peers that have told which protocols they speak. */
export interface Acquaintances {
  has(peer: string): boolean
  /** What a peer says that it speaks; whoever asked is told where that is news. Nothing of one that is gone. */
  learn(peer: PeerId, protocols: string[]): void
  forget(peer: string): void
  clear(): void
  /** Calls back for each of them, those known already included, and again when one speaks more. */
  onPeer(callback: PeerCallback): void
}

/** What fails in a callback is logged, and keeps it from no other. */
export function createAcquaintances(components: {
  logger: Logger
  isConnected: (peer: PeerId) => boolean
}): Acquaintances {
  const { logger, isConnected } = components
  const known = new Map<string, string[]>()
  const callbacks = new Set<PeerCallback>()

  function tell(callback: PeerCallback, peer: string, protocols: string[]): void {
    try {
      callback(peer, protocols)
    } catch (error) {
      logger.error({ error, peer }, 'a peer callback failed')
    }
  }

  return {
    has: (peer) => known.has(peer),
    learn(peer, protocols) {
      const id = peer.toString()
      if (!isConnected(peer)) return
      const before = known.get(id)
      if (before !== undefined && protocols.every((protocol) => before.includes(protocol))) return
      known.set(id, protocols)
      for (const callback of callbacks) tell(callback, id, protocols)
    },
    forget: (peer) => void known.delete(peer),
    clear: () => known.clear(),
    onPeer(callback) {
      callbacks.add(callback)
      for (const [peer, protocols] of known) tell(callback, peer, protocols)
    },
  }
}
