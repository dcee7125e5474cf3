import { peerIdFromString } from '@libp2p/peer-id'
import { isPeerId } from '../../../protocol/ids.ts'
import type { Logger } from '../../logger.ts'
import type { Refusals } from '../bounds/refusals.ts'
import { GRAYLIST_SCORE, type ScoreKeeper } from '../gossip/gossip-scores.ts'
import type { Host } from '../host/create-host.ts'
import type { Penalties } from './penalties.ts'

/** What {@link createConduct} works with. */
export interface ConductComponents {
  penalties: Penalties
  refusals: Refusals
  logger: Logger
  /** Undefined while there is none. */
  host: () => Host | undefined
}

/** What follows where a peer breaks the rules: it is counted and told, and who did so too often is cut off. */
export interface Conduct {
  penalise(peer: string, reason: string): void
  /** Of a peer that held too much unread: it is cut off at once. */
  heldTooMuch(peer: string): void
  /** Refuses those that gossip listens to no more. */
  refuseGraylisted(router: Host['services']['pubsub'] & Partial<ScoreKeeper>): void
}

/** Every breach is logged, and counted among the refusals as `penalty:` with its reason. */
export function createConduct({ penalties, refusals, logger, host }: ConductComponents): Conduct {
  function disconnect(peer: string): void {
    for (const connection of host()?.getConnections(peerIdFromString(peer)) ?? []) {
      connection.abort(new Error('This peer is refused'))
    }
  }

  return {
    penalise(peer, reason) {
      refusals.count(`penalty:${reason}`)
      logger.warn({ peer, reason }, 'a peer broke the rules')
      if (penalties.penalise(peer) && isPeerId(peer)) disconnect(peer)
    },

    heldTooMuch(peer) {
      refusals.count('unread')
      logger.warn({ peer }, 'cut off a peer that held too much unread')
      penalties.penalise(peer)
      disconnect(peer)
    },

    refuseGraylisted(router) {
      for (const peer of router.getPeers()) {
        const id = peer.toString()
        if ((router.getScore?.(id) ?? 0) > GRAYLIST_SCORE) continue
        logger.warn({ peer: id }, 'refusing a peer for what it gossips')
        penalties.refuse(id)
        disconnect(id)
      }
    },
  }
}
