import type { Connection, PeerId, PeerInfo, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { abortedWithin } from '../../abort.ts'
import type { Logger } from '../../logger.ts'
import { isPublic, relayOf } from '../addresses/dialled.ts'
import { dialTargets } from '../addresses.ts'
import type { Host } from '../host/create-host.ts'

/** This side's own streams; the other side says how many it takes. */
export const MAX_OUTBOUND_STREAMS = 2_048

/**
 * How long a peer behind a router is given to come here directly after it was reached over a relay, in ms: some round
 * trips. Streams opened meanwhile would end with the relayed connection.
 */
const UPGRADE_MS = 1_500

/** The same where it is a hope only, in ms: nobody ever came in from outside, and a firewall may shut this peer's address. */
const HOPED_UPGRADE_MS = 500

/** How long the direct addresses of a peer that is also at a relay are tried, in ms: some round trips. */
const DIRECT_MS = 1_500

/** Makes the connections that parts of this program ask for; see {@link createDialler}. */
export interface Dialler {
  /** Connects where there is no connection yet, directly if it can be. */
  connect(peer: string, addresses: string[], signal: AbortSignal): Promise<void>
  /** Opens a stream, over a connection that is there or a new one, directly if it can be. */
  openStream(peer: string, protocol: string, addresses: string[], signal: AbortSignal): Promise<Stream>
  /** Whether a stream was asked for that needs a connection with this peer, or over it. */
  isWanted(peer: string): boolean
}

/** @param running the host, and undefined while there is none: then both reject */
export function createDialler(running: () => Host | undefined): Dialler {
  const wanted = new Map<string, number>()

  const want = (peers: string[], change: 1 | -1): void => {
    for (const peer of peers) {
      const count = (wanted.get(peer) ?? 0) + change
      if (count > 0) wanted.set(peer, count)
      else wanted.delete(peer)
    }
  }

  const connectionTo = async (peer: string, addresses: string[], signal: AbortSignal): Promise<Connection> => {
    const host = running()
    if (host === undefined) throw new Error('The network is not started')
    const id = peerIdFromString(peer)
    const open = bestOf(host, id)
    if (open !== undefined) return open
    const isConnected = (relay: string): boolean => host.getConnections(peerIdFromString(relay)).length > 0
    const targets = dialTargets(peer, addresses, isConnected)
    const relays = targets.map(relayOf).filter((relay) => relay !== undefined)
    want([peer, ...relays], 1)
    try {
      const connection = await dialOrMet(host, id, targets, signal)
      return connection.limits === undefined ? connection : await directly(host, connection, signal)
    } finally {
      want([peer, ...relays], -1)
    }
  }

  const streamOver = async (connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> =>
    await connection.newStream(protocol, {
      signal,
      maxOutboundStreams: MAX_OUTBOUND_STREAMS,
      runOnLimitedConnection: true,
    })

  return {
    async connect(peer, addresses, signal) {
      await connectionTo(peer, addresses, signal)
    },
    async openStream(peer, protocol, addresses, signal) {
      const connection = await connectionTo(peer, addresses, signal)
      try {
        return await streamOver(connection, protocol, signal)
      } catch (error) {
        if (signal.aborted) throw error
        // it ended as it was used, or gives way to a direct one: the peer may be there all the same
        const next = await connectionTo(peer, addresses, signal)
        if (next === connection) throw error
        return await streamOver(next, protocol, signal)
      }
    },
    isWanted: (peer) => wanted.has(peer),
  }
}

/**
 * The connection that dialling brings, or one that the peer opens meanwhile: who cannot be dialled, behind a router, may
 * be dialling us at this moment.
 */
async function dialOrMet(host: Host, peer: PeerId, targets: Multiaddr[], signal: AbortSignal): Promise<Connection> {
  const met = Promise.withResolvers<Connection>()
  const over = new AbortController()
  const onOpen = ({ detail }: CustomEvent<Connection>): void => {
    if (detail.direction !== 'inbound' || !detail.remotePeer.equals(peer)) return
    met.resolve(detail)
    over.abort(new Error('The peer came here'))
  }
  host.addEventListener('connection:open', onOpen)
  try {
    // nobody waits for it where the peer came first
    const dialled = dial(host, peer, targets, AbortSignal.any([signal, over.signal]))
    dialled.catch(() => undefined)
    return await Promise.race([dialled, met.promise])
  } finally {
    host.removeEventListener('connection:open', onOpen)
  }
}

/** At these addresses, or where the peer has said by now that it is. */
async function dial(host: Host, peer: PeerId, targets: Multiaddr[], signal: AbortSignal): Promise<Connection> {
  if (targets.length === 0) return await host.dial(peer, { signal })
  try {
    return await dialTargetsOf(host, targets, signal)
  } catch (error) {
    if (signal.aborted) throw error
    return await host.dial(peer, { signal }).catch(() => Promise.reject(error))
  }
}

/** The direct ones first, and not for long where it is also at a relay: who drops what comes in answers there. */
async function dialTargetsOf(host: Host, targets: Multiaddr[], signal: AbortSignal): Promise<Connection> {
  const direct = targets.filter((target) => relayOf(target) === undefined)
  const relayed = targets.filter((target) => relayOf(target) !== undefined)
  if (direct.length === 0 || relayed.length === 0) return await host.dial(targets, { signal })
  try {
    return await host.dial(direct, { signal: abortedWithin(DIRECT_MS, signal) })
  } catch (error) {
    if (signal.aborted) throw error
    return await host.dial(relayed, { signal })
  }
}

/** An open connection with the peer: a direct one if there is, and the newest, as older ones may be dead and not know. */
function bestOf(host: Host, peer: PeerId): Connection | undefined {
  const open = host.getConnections(peer).filter(({ status }) => status === 'open')
  return open.findLast(({ limits }) => limits === undefined) ?? open.at(-1)
}

/** The direct connection that the other side opens as soon as it was reached over a relay; the relayed one where it cannot. */
async function directly(host: Host, relayed: Connection, signal: AbortSignal): Promise<Connection> {
  // it dials us, so there must be an address of ours to dial
  if (!host.getMultiaddrs().some((own) => relayOf(own) === undefined && isPublic(own))) return relayed
  const peer = relayed.remotePeer
  const opened = Promise.withResolvers<void>()
  const check = (): void => {
    if (signal.aborted || bestOf(host, peer)?.limits === undefined) opened.resolve()
  }
  const timer = setTimeout(opened.resolve, host.services.open.isReached() ? UPGRADE_MS : HOPED_UPGRADE_MS)
  host.addEventListener('connection:open', check)
  host.addEventListener('connection:close', check)
  signal.addEventListener('abort', check)
  check()
  await opened.promise
  clearTimeout(timer)
  host.removeEventListener('connection:open', check)
  host.removeEventListener('connection:close', check)
  signal.removeEventListener('abort', check)
  signal.throwIfAborted()
  return bestOf(host, peer) ?? relayed
}

/** Dials a peer that somebody named, where there is no connection with it. */
export function dialDiscovered(host: Host, { id, multiaddrs }: PeerInfo, logger: Logger, signal: AbortSignal): void {
  if (multiaddrs.length === 0 || host.getConnections(id).length > 0) return
  host.dial(id, { signal }).catch((error: unknown) => {
    logger.debug({ error, peer: id.toString() }, 'cannot reach a discovered peer')
  })
}
