import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { dialTargets } from './addresses.ts'
import type { Host } from './create-host.ts'
import { isPublic, relayOf } from './dialled.ts'

/** This side's own streams; the other side says how many it takes. */
export const MAX_OUTBOUND_STREAMS = 2_048

/**
 * How long a peer behind a router is given to come here directly after it was reached over a relay, in ms: some round
 * trips. Streams opened meanwhile would end with the relayed connection.
 */
const UPGRADE_MS = 1_500

export interface Dialler {
  /** Opens a stream, over a connection that is there or a new one, directly if it can be. */
  openStream(peer: string, protocol: string, addresses: string[], signal: AbortSignal): Promise<Stream>
  /** Whether a stream was asked for that needs a connection with this peer, or over it. */
  isWanted(peer: string): boolean
}

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
      const connection = await dial(host, id, targets, signal)
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

/** At these addresses, or where the peer has said by now that it is. */
async function dial(host: Host, peer: PeerId, targets: Multiaddr[], signal: AbortSignal): Promise<Connection> {
  if (targets.length === 0) return await host.dial(peer, { signal })
  try {
    return await host.dial(targets, { signal })
  } catch (error) {
    if (signal.aborted) throw error
    return await host.dial(peer, { signal }).catch(() => Promise.reject(error))
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
  const timer = setTimeout(opened.resolve, UPGRADE_MS)
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
