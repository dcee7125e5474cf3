import { setMaxListeners } from 'node:events'
import { type PeerId, type PrivateKey, UnsupportedProtocolError } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import type { Registry } from 'prom-client'
import { isPeerId } from '../../protocol/ids.ts'
import { type Clock, systemClock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { areRelayed } from './addresses/dialled.ts'
import { peerIdOf, toldAddresses } from './addresses.ts'
import { createByteBudget, DEFAULT_BYTE_RATES } from './bounds/byte-budget.ts'
import { createTrafficCounter } from './bounds/peer-traffic.ts'
import { createRefusals } from './bounds/refusals.ts'
import { createAcquaintances } from './connections/acquaintances.ts'
import { createConduct } from './connections/conduct.ts'
import { createDialler } from './connections/dialler.ts'
import { createPenalties } from './connections/penalties.ts'
import { createPlaces } from './connections/places.ts'
import { createGossip } from './gossip/gossip.ts'
import { createGossipBytes } from './gossip/gossip-bytes.ts'
import type { Host } from './host/create-host.ts'
import { join } from './host/join.ts'
import { type ConnectOptions, type PeerNetwork, PeerUnreachableError } from './index.ts'
import { type Libp2pNetworkInit, placesOf } from './network-init.ts'
import { createServedProtocols } from './streams/served-protocols.ts'

/** What {@link createLibp2pNetwork} works with. */
export interface Libp2pNetworkComponents {
  /** Ed25519. */
  privateKey: PrivateKey
  logger: Logger
  clock?: Clock
  /** Where libp2p counts; absent: nowhere. */
  registry?: Registry
}

/** The network in the hands of the peer that starts and stops it; it may be started again. */
export interface Libp2pNetwork extends PeerNetwork {
  start(): Promise<void>
  stop(): Promise<void>
}

const OPEN_TIMEOUT_MS = 10_000

/** The peer-to-peer network over TCP with noise, yamux and gossipsub. Parts may subscribe before or after the start. */
export function createLibp2pNetwork(components: Libp2pNetworkComponents, init: Libp2pNetworkInit): Libp2pNetwork {
  const { privateKey, clock = systemClock, registry } = components
  const logger = components.logger.child({ part: 'network' })
  const peerId = peerIdFromPrivateKey(privateKey).toString()
  const bootstrapPeers = new Set((init.bootstrap ?? []).map(peerIdOf))
  const onAddressesCallbacks = new Set<() => void>()
  let running: Host | undefined
  let stopping = new AbortController()
  const host = (): Host | undefined => running

  const refusals = createRefusals()
  const penalties = createPenalties({ clock, refusals })
  const conduct = createConduct({ penalties, refusals, logger, host })
  const dialler = createDialler(host)
  const isBootstrap = (peer: string): boolean => bootstrapPeers.has(peer)
  const isWanted = (peer: string): boolean => isBootstrap(peer) || dialler.isWanted(peer)
  const places = createPlaces(
    {
      ...{ refusals, clock },
      connections: () => running?.getConnections() ?? [],
      isKept: (peer) => isWanted(peer.toString()) || running?.services.relay?.reservations.has(peer) === true,
    },
    placesOf(init),
  )
  const isConnected = (peer: PeerId): boolean => (running?.getConnections(peer).length ?? 0) > 0
  const acquaintances = createAcquaintances({ logger, isConnected })
  const byteRates = { ...DEFAULT_BYTE_RATES, ...init.byteRates }
  const protocols = createServedProtocols(
    { conduct, places, refusals, clock, logger, host, life: () => stopping.signal },
    { streamRate: init.streamRate, byteRate: byteRates.streams },
  )
  const gossip = createGossip(
    { clock, logger, refusals, onAuthor: (peer) => acquaintances.has(peer) && places.used(peer) },
    { network: init.network, byteRate: byteRates.authors },
  )
  const countGossip = createGossipBytes(
    createByteBudget({ clock, refusals, penalise: conduct.penalise }, { name: 'gossip', rate: byteRates.neighbours }),
  )
  const traffic = createTrafficCounter()

  /** Within its time, and not beyond the stop. @throws {PeerUnreachableError} */
  const reach = async <T>(
    peer: string,
    options: ConnectOptions,
    what: string,
    task: (life: AbortSignal, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    if (!isPeerId(peer)) throw new PeerUnreachableError(`${JSON.stringify(peer.slice(0, 80))} is no peer id`)
    options.signal?.throwIfAborted()
    const life = options.signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, options.signal])
    const limit = deadline(clock, options.timeoutMs ?? OPEN_TIMEOUT_MS, life)
    try {
      return await task(life, limit.signal)
    } catch (cause) {
      options.signal?.throwIfAborted()
      const isOlder = cause instanceof UnsupportedProtocolError
      throw new PeerUnreachableError(`Peer ${peer} cannot be reached ${what}`, { cause, isOlder })
    } finally {
      limit.clear()
    }
  }

  const stop = async (): Promise<void> => {
    const last = running
    if (last === undefined) return
    running = undefined
    stopping.abort(new Error('The network is stopping'))
    gossip.detach()
    acquaintances.clear()
    await last.stop()
  }

  return {
    peerId,
    async start() {
      if (running !== undefined) return
      stopping = new AbortController()
      setMaxListeners(0, stopping.signal)
      const parts = { refusals, penalties, conduct, places, acquaintances, gossip, countGossip, traffic, protocols }
      const how = { privateKey, clock, logger, registry, isBootstrap, isWanted, stop }
      const onHost = (made: Host): void => {
        running = made
      }
      await join({ ...parts, ...how, onHost, onAddresses }, init, stopping.signal)
    },
    stop,
    addresses: () => toldAddresses(running?.getMultiaddrs() ?? []),
    onAddresses: (callback) => void onAddressesCallbacks.add(callback),
    publish: gossip.publish,
    subscribe: gossip.subscribe,
    async connect(peer, options) {
      const { addresses = [] } = options
      await reach(peer, options, 'at all', async (_life, signal) => await dialler.connect(peer, addresses, signal))
    },
    async open(peer, protocol, options) {
      return await reach(peer, options, `for ${protocol}`, async (life, signal) => {
        const stream = await dialler.openStream(peer, protocol, options.addresses ?? [], signal)
        places.used(peer)
        return protocols.channel(stream, peer, options.maxMessageBytes, life)
      })
    },
    handle: (protocol, handler, options = { maxMessageBytes: 64 * 1024 }) =>
      protocols.handle(protocol, handler, options),
    peers: () => running?.getPeers().map(String) ?? [],
    onPeer: acquaintances.onPeer,
    penalise: conduct.penalise,
    latencyMs: (peer) => latencyOf(running, peer),
    counters() {
      const peers = running?.getPeers() ?? []
      const relayed = peers.filter((peer) => areRelayed(running?.getConnections(peer) ?? [])).length
      return { peers: peers.length, relayed, ...gossip.counters(), refused: refusals.totals() }
    },
    traffic: traffic.totals,
  }

  function onAddresses(): void {
    logger.info({ addresses: running?.getMultiaddrs().map(String) }, 'reached at other addresses')
    for (const callback of onAddressesCallbacks) callback()
  }
}

function latencyOf(host: Host | undefined, peer: string): number | null {
  if (host === undefined || !isPeerId(peer)) return null
  const measured = host.getConnections(peerIdFromString(peer)).map(({ rtt }) => rtt)
  return measured.find((rtt) => rtt !== undefined) ?? null
}
