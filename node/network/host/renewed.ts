import type { Connection } from '@libp2p/interface'
import type { Host } from './create-host.ts'

/**
 * Goes on with a peer over its new connection where it dialled again: from another address, or after a cut that only its
 * side has noticed. The old one would stay for the tens of seconds that a ping may take, and be written to meanwhile. What
 * gossip loses with it, `keepStreams` makes good.
 */
export function followRenewed(host: Host): void {
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
}

/** A peer with a connection here dials no second one, but to have a direct one in place of a relayed one. */
function mayReplace({ direction, limits }: Connection): boolean {
  return direction === 'inbound' && limits === undefined
}
