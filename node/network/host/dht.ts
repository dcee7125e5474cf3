import { setTimeout as delay } from 'node:timers/promises'
import type { Libp2p, PeerInfo } from '@libp2p/interface'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import { CODE_P2P_CIRCUIT, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { abortedWithin } from '../../abort.ts'
import { backoffMs } from '../../backoff.ts'
import { isPublic } from '../addresses/dialled.ts'

/** Peers asked at a time in one search. */
const ASKED_AT_ONCE = 3

/** The pauses between searches for others, in ms: doubled from the first to the longest, up to a half less by chance. */
const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 5 * 60_000

/** How long a search may take, in ms. */
const SEARCH_MS = 30_000

/** Questions that one connection may have open. */
const MAX_QUESTIONS = 8

/** What questions and answers are spoken in. */
const protocolOf = (network: string): string => `/cortex/1/${network}/kad/1.0.0`

/** What libp2p's table has and its interface does not show. */
interface Table extends Pick<KadDHT, 'getClosestPeers'> {
  /** Takes up a peer that answers a ping and has a public address, where it is not there already. */
  onPeerConnect?(peer: PeerInfo): Promise<void>
}

/**
 * The distributed table by which peers of one network find each other from any one of them: each asks for those near to
 * itself, a different few for everyone, and meets others on the way. Peers with a public address answer, the others ask.
 *
 * Nothing is stored for anybody: a stranger could fill the memory with records. Of what others name only public addresses
 * are believed.
 *
 * Loaded where it is used: it costs 7 MB and 35 ms, for nothing on a LAN.
 */
export async function createDht(network: string): Promise<(components: KadDHTComponents) => KadDHT> {
  const [{ kadDHT }, { BlackHoleDatastore }] = await Promise.all([
    import('@libp2p/kad-dht'),
    import('datastore-core/black-hole'),
  ])
  const create = kadDHT({
    protocol: protocolOf(network),
    alpha: ASKED_AT_ONCE,
    maxInboundStreams: MAX_QUESTIONS,
    maxOutboundStreams: MAX_QUESTIONS,
    peerInfoMapper: withPublicAddresses,
  })
  return ({ peerId, privateKey, registrar, addressManager, peerStore, connectionManager, events, logger, ping }) =>
    create({
      ...{ peerId, privateKey, registrar, addressManager, peerStore, connectionManager, events, logger, ping },
      datastore: new BlackHoleDatastore(),
    })
}

/**
 * Asks for the peers near to this one, often at first and then seldom, until aborted: those who come at the same time know
 * nobody yet whom they could name to each other.
 */
export async function lookAround(
  host: Pick<Libp2p, 'peerId' | 'getPeers' | 'peerStore'>,
  table: Table,
  { network, signal }: { network: string; signal: AbortSignal },
): Promise<void> {
  const key = host.peerId.toMultihash().bytes
  for (let round = 0; !signal.aborted; round += 1) {
    const pauseMs = backoffMs(round, { minMs: FIRST_PAUSE_MS, maxMs: LONGEST_PAUSE_MS })
    try {
      await delay(pauseMs, undefined, { signal, ref: false })
      await offerConnected(host, table, network)
      // who is met on the way is dialled as any peer that is discovered
      for await (const _ of table.getClosestPeers(key, {
        signal: abortedWithin(SEARCH_MS, signal),
      }));
    } catch {
      // nobody to ask yet, or stopped
    }
  }
}

/**
 * Offers the table those who are connected and answer questions. libp2p offers each of them once, when it hears that it does:
 * whoever had no time for a ping in that moment, or had not said yet where it is, would never be asked and never be named.
 */
export async function offerConnected(
  host: Pick<Libp2p, 'getPeers' | 'peerStore'>,
  table: Pick<Table, 'onPeerConnect'>,
  network: string,
): Promise<void> {
  for (const id of host.getPeers()) {
    const peer = await host.peerStore.get(id).catch(() => null) // gone meanwhile
    if (peer === null || !peer.protocols.includes(protocolOf(network))) continue
    await table.onPeerConnect?.({ id, multiaddrs: peer.addresses.map(({ multiaddr }) => multiaddr) })
  }
}

function withPublicAddresses({ id, multiaddrs }: PeerInfo): PeerInfo {
  const isOpen = (address: Multiaddr): boolean =>
    isPublic(address) && !address.getComponents().some(({ code }) => code === CODE_P2P_CIRCUIT)
  return { id, multiaddrs: multiaddrs.filter(isOpen) }
}

/** Whether any of these leads beyond the machine and its LAN. */
export function leadOutside(addresses: string[]): boolean {
  return addresses.some((text) => {
    const address = multiaddr(text)
    return isPublic(address) || /^\/dns[46]?\/(?!localhost\/)/.test(text)
  })
}
