import type { GossipSub } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'

/** What gossipsub's class has and its interface does not show (17.1). */
interface Router {
  start(): Promise<void>
  beforeStart?: () => Promise<void>
  /** Opens the stream by which a peer is told things, where there is none. Never rejects. */
  createOutboundStream(peer: PeerId, connection: Connection): Promise<void>
  /** By peer id. One that ended before the router listened for its end stays here. */
  readonly streamsOutbound: Map<string, { rawStream: Pick<Stream, 'status'> }>
}

/** What gossip is spoken over; a peer that names none of these is told nothing. */
const PROTOCOL = /^\/meshsub\//

/** How long a new connection may go without a stream before one is asked for, and the longest between two such, in ms. */
const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 60_000

/** Streams asked for in vain of a bootstrap peer, before the connection itself is made anew. */
const TRIES = 2

/**
 * Has a router be there before anybody can come, and none of its peers wait for another. By itself it drops, for as long
 * as the connection lasts, whoever comes while it starts; and it opens its streams one after the other, so that each peer
 * that does not answer holds up all later ones for 10 s.
 */
export function prepareStreams(pubsub: GossipSub): GossipSub {
  const router = pubsub as unknown as Router
  router.beforeStart = async () => await router.start()
  const create = router.createOutboundStream.bind(router)
  /** Peers that a stream is being opened to, and over which connection the next try is made. */
  const opening = new Map<string, Connection | null>()
  const open = async (peer: PeerId, connection: Connection): Promise<void> => {
    const id = peer.toString()
    for (let next: Connection | null = connection; next !== null; next = opening.get(id) ?? null) {
      opening.set(id, null)
      if (!isTold(router, peer)) router.streamsOutbound.delete(id)
      await create(peer, next)
    }
    opening.delete(id)
  }
  router.createOutboundStream = async (peer, connection) => {
    if (opening.has(peer.toString())) opening.set(peer.toString(), connection)
    else void open(peer, connection)
  }
  return pubsub
}

/** Whether what is said reaches the peer, by all that this side can know. */
function isTold(router: Router, peer: PeerId): boolean {
  return router.streamsOutbound.get(peer.toString())?.rawStream.status === 'open'
}

interface GossipServices extends Record<string, unknown> {
  identify: Identify
  pubsub: GossipSub
}

/** What {@link keepStreams} works with. */
export interface KeepStreamsComponents {
  clock: Clock
  logger: Logger
  /** Whether a peer is dialled again by itself where its connection ends. */
  isBootstrap(peer: string): boolean
}

/**
 * Sees to it that every connected peer that speaks gossip is told things. The router asks for a stream once, when a peer
 * has said what it speaks: where it did not say so in time, or the stream was lost, refused, or ended with one of two
 * connections, the peer would never hear of anything, and nothing would notice. Here it is asked once more what it speaks:
 * at once where one of two connections has ended, else after 2 s, and then ever more rarely.
 */
export function keepStreams(host: Libp2p<GossipServices>, { clock, logger, isBootstrap }: KeepStreamsComponents): void {
  const router = host.services.pubsub as unknown as Router
  const without = new Map<string, { tries: number; nextMs: number }>()
  /** What those peers speak that have said so; the peer store also has what was only tried. */
  const spoken = new Map<string, string[]>()
  host.addEventListener('peer:identify', ({ detail }) => {
    spoken.set(detail.peerId.toString(), detail.protocols)
  })
  host.addEventListener('peer:disconnect', ({ detail }) => {
    spoken.delete(detail.toString())
  })

  const askAgain = async (peer: PeerId, connection: Connection, tries: number): Promise<void> => {
    const id = peer.toString()
    // one that speaks other things alone, such as somebody's own client of a market protocol
    if (spoken.get(id)?.some((protocol) => PROTOCOL.test(protocol)) === false) return
    logger.debug({ peer: id, tries }, 'a peer is not told any gossip: asking it again what it speaks')
    if (tries > TRIES && isBootstrap(id)) connection.abort(new Error('Gossip does not get through'))
    else await host.services.identify.identify(connection)
  }

  const look = (peer: PeerId): void => {
    const connection = host.getConnections(peer).findLast(({ status, limits }) => status === 'open' && !limits)
    if (connection === undefined) return
    const nowMs = clock.monotonicMs()
    const state = without.get(peer.toString()) ?? { tries: 0, nextMs: nowMs + FIRST_WAIT_MS }
    without.set(peer.toString(), state)
    if (nowMs < state.nextMs) return
    state.tries += 1
    state.nextMs = nowMs + backoffMs(state.tries, { minMs: FIRST_WAIT_MS, maxMs: LONGEST_WAIT_MS })
    askAgain(peer, connection, state.tries).catch((error: unknown) => {
      logger.debug({ error, peer: peer.toString() }, 'a peer did not tell again what it speaks')
    })
  }

  host.addEventListener('connection:close', ({ detail: { remotePeer } }) => {
    if (host.status !== 'started' || isTold(router, remotePeer)) return
    const id = remotePeer.toString()
    without.set(id, { tries: without.get(id)?.tries ?? 0, nextMs: clock.monotonicMs() })
    look(remotePeer)
  })
  host.services.pubsub.addEventListener('gossipsub:heartbeat', () => {
    const lacking = host.getPeers().filter((peer) => !isTold(router, peer))
    const ids = new Set(lacking.map(String))
    for (const id of without.keys()) if (!ids.has(id)) without.delete(id)
    for (const peer of lacking) look(peer)
  })
}
