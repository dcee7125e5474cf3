import type { Connection } from '@libp2p/interface'
import type { Logger } from '../../logger.ts'
import type { Host } from './create-host.ts'

/**
 * Goes on with a peer over its new connection where it dialled again: from another address, or after a cut that only its
 * side has noticed. The old one would stay for the tens of seconds that a ping may take, and be written to meanwhile. Where
 * one of two ends, gossip loses the stream that it had there and asks for no other until the peer tells again what it
 * speaks (gossipsub 17.1).
 */
export function followRenewed(host: Host, logger: Logger): void {
  host.addEventListener('connection:open', ({ detail: fresh }) => {
    if (!mayReplace(fresh)) return
    // not before libp2p has noted the new one: a peer without any is gone, and gossip would forget it after it has come
    setImmediate(() => {
      const all = host.getConnections(fresh.remotePeer)
      if (!all.some(({ id, status }) => id === fresh.id && status === 'open')) return
      for (const old of all) {
        if (old.id !== fresh.id && mayReplace(old)) old.abort(new Error('The peer has dialled again'))
      }
    })
  })
  host.addEventListener('connection:close', ({ detail: { remotePeer } }) => {
    const left = host.getConnections(remotePeer).findLast(({ status, limits }) => status === 'open' && !limits)
    if (left === undefined || host.status !== 'started') return
    host.services.identify.identify(left).catch((error: unknown) => {
      logger.debug({ error, peer: remotePeer.toString() }, 'a peer did not tell again what it speaks')
    })
  })
}

/** A peer with a connection here dials no second one, but to have a direct one in place of a relayed one. */
function mayReplace({ direction, limits }: Connection): boolean {
  return direction === 'inbound' && limits === undefined
}
