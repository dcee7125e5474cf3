import { setMaxListeners } from 'node:events'
import type {
  Connection,
  IdentifyResult,
  MultiaddrConnection,
  PeerId,
  PeerInfo,
  PeerUpdate,
  PrivateKey,
  Stream,
} from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import type { Registry } from 'prom-client'
import { isPeerId } from '../../protocol/ids.ts'
import { type Clock, systemClock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { peerIdOf, toldAddresses } from './addresses.ts'
import { keepConnected } from './bootstrap.ts'
import { type ByteRates, createByteBudget, DEFAULT_BYTE_RATES } from './byte-budget.ts'
import { createChannel } from './channel.ts'
import { createHost, type Host } from './create-host.ts'
import { lookAround } from './dht.ts'
import { isPublic, relayOf } from './dialled.ts'
import { createDialler, MAX_OUTBOUND_STREAMS } from './dialler.ts'
import { createGater } from './gater.ts'
import { gatherWrites } from './gather-writes.ts'
import { createGossip } from './gossip.ts'
import { createGossipBytes } from './gossip-bytes.ts'
import { broughtInvalid, GRAYLIST_SCORE, type ScoreKeeper } from './gossip-scores.ts'
import {
  type Channel,
  type ChannelHandler,
  type HandleOptions,
  type PeerNetwork,
  PeerUnreachableError,
} from './index.ts'
import { watchOwnAddresses } from './own-addresses.ts'
import { createTrafficCounter } from './peer-traffic.ts'
import { pingConnections } from './pings.ts'
import { createRateBudget, type RateBudgetInit } from './rate-budget.ts'
import { createRefusals } from './refusals.ts'
import { createRelayClient, type RelayClient } from './relay-client.ts'
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from './relay-limits.ts'
import { createRelayGuard } from './relay-server.ts'
import { followRenewed } from './renewed.ts'
import { createStanding } from './standing.ts'
import { createUnreadBudget, type UnreadAccount } from './unread-budget.ts'

export interface Libp2pNetworkComponents {
  /** Ed25519. */
  privateKey: PrivateKey
  logger: Logger
  clock?: Clock
  /** Where libp2p counts; absent: nowhere. */
  registry?: Registry
}

export interface Libp2pNetworkInit {
  /** The market's name, see `NETWORK_NAME`. */
  network: string
  /** Multiaddrs to listen on, e.g. `/ip4/0.0.0.0/tcp/0`. @default [] only dials */
  listen?: string[]
  /** Multiaddrs told to others in place of those listened on, for a machine behind a forwarded port. @default [] */
  announce?: string[]
  /** Multiaddrs kept connected; the peer id at the end may be missing. @default [] */
  bootstrap?: string[]
  /** Whether to find peers on the LAN. @default false */
  mdns?: boolean
  /** Key of a private network as its file holds it: connections with peers that have another or none fail. @default none */
  networkKey?: Uint8Array
  /** Whether to find others through those one knows, and to be found. @default false */
  dht?: boolean
  /** Whether to ask the router, by UPnP, to let others in. @default false */
  upnp?: boolean
  /** What this peer gives to others as a relay. @default it is none */
  relay?: RelayLimits
  /** Connections at a time; more inbound ones are refused. @default 300, and as many as a relay has places */
  maxConnections?: number
  /** Time between pings on each connection, which measure round trips and find dead ones, in ms. @default 10_000 */
  pingIntervalMs?: number
  /** How long the answer to a ping may take before its connection ends, in ms. @default 20_000 */
  pingTimeoutMs?: number
  /**
   * Streams that a peer may open, and all together: choosing a protocol costs about 0.3 ms of a core before anybody reads.
   * @default 10_000 and 30_000 in 10 s
   */
  streamRate?: RateBudgetInit
  /** Bytes that a peer may send, and all together. @default those of {@link DEFAULT_BYTE_RATES} */
  byteRates?: Partial<ByteRates>
  /** Told to others. @default "0" */
  version?: string
}

export interface Libp2pNetwork extends PeerNetwork {
  start(): Promise<void>
  stop(): Promise<void>
}

const OPEN_TIMEOUT_MS = 10_000
const STREAM_RATE: RateBudgetInit = { own: 10_000, total: 30_000, spanMs: 10_000 }
const DEFAULT_INBOUND_STREAMS = 32

/** The peer-to-peer network over TCP with noise, yamux and gossipsub. Parts may subscribe before or after the start. */
export function createLibp2pNetwork(components: Libp2pNetworkComponents, init: Libp2pNetworkInit): Libp2pNetwork {
  const { privateKey, clock = systemClock } = components
  const logger = components.logger.child({ part: 'network' })
  const peerId = peerIdFromPrivateKey(privateKey).toString()
  const refusals = createRefusals()
  const standing = createStanding({ clock, refusals })
  const byteRates = { ...DEFAULT_BYTE_RATES, ...init.byteRates }
  const gossip = createGossip({ clock, logger, refusals }, { network: init.network, byteRate: byteRates.authors })
  const traffic = createTrafficCounter()
  const streams = createRateBudget({ clock }, init.streamRate ?? STREAM_RATE)
  const handlers = new Map<string, { handler: ChannelHandler; options: HandleOptions }>()
  const known = new Map<string, string[]>()
  const bootstrapPeers = new Set((init.bootstrap ?? []).map(peerIdOf))
  const onAddressesCallbacks = new Set<() => void>()
  const onPeerCallbacks = new Set<(peer: string, protocols: string[]) => void>()
  let host: Host | undefined
  let stopping = new AbortController()

  /** Sees each connection before it is used, and denies none. */
  const prepare = (peer: PeerId, connection: MultiaddrConnection): false => {
    gatherWrites(connection)
    traffic.watch(peer, connection)
    return false
  }

  const register = async (protocol: string): Promise<void> => {
    const entry = handlers.get(protocol)
    if (entry === undefined) return
    const { handler, options } = entry
    const onStream = (stream: Stream, connection: Connection): void => {
      const peer = connection.remotePeer.toString()
      if (streams.take(peer) !== 'taken') {
        refusals.count('streams')
        stream.abort(new Error('Streams are opened too often'))
        return
      }
      const account = options.bulk === true ? unread.open(peer) : counted(unread.open(peer), stream, peer)
      const channel = channelOf(stream, peer, options.maxMessageBytes, stopping.signal, account)
      // a promise given back to libp2p would hold its negotiation; the handler may live as long as a job
      handler(channel, peer).catch((error: unknown) => {
        logger.warn({ error, peer, protocol }, 'a stream handler failed')
        channel.abort(error instanceof Error ? error : new Error(String(error)))
      })
    }
    await host?.handle(protocol, onStream, {
      maxInboundStreams: options.maxInboundStreams ?? DEFAULT_INBOUND_STREAMS,
      maxOutboundStreams: MAX_OUTBOUND_STREAMS,
      runOnLimitedConnection: true,
      force: true,
    })
  }

  const channelOf = (
    stream: Stream,
    peer: string,
    maxMessageBytes: number,
    signal: AbortSignal,
    account = unread.open(peer),
  ): Channel => {
    const onTooLong = (): void => penalise(peer, 'message: TOO_LARGE')
    return createChannel(stream, { maxMessageBytes, signal, account, onTooLong })
  }

  /** Cuts the stream where the peer has sent more than it may. */
  const counted = (account: UnreadAccount, stream: Stream, peer: string): UnreadAccount => ({
    ...account,
    add(bytes) {
      account.add(bytes)
      if (bytes > 0 && !streamBytes.take(peer, bytes)) stream.abort(new Error('More bytes than a peer may send'))
    },
  })

  const penalise = (peer: string, reason: string): void => {
    refusals.count(`penalty:${reason}`)
    logger.warn({ peer, reason }, 'a peer broke the rules')
    if (standing.penalise(peer) && isPeerId(peer)) disconnect(peer)
  }

  const learn = (peer: PeerId, protocols: string[]): void => {
    const id = peer.toString()
    if ((host?.getConnections(peer).length ?? 0) === 0) return
    const before = known.get(id)
    if (before !== undefined && protocols.every((protocol) => before.includes(protocol))) return
    known.set(id, protocols)
    for (const callback of onPeerCallbacks) tell(callback, id, protocols)
  }

  const tell = (callback: (peer: string, protocols: string[]) => void, peer: string, protocols: string[]): void => {
    try {
      callback(peer, protocols)
    } catch (error) {
      logger.error({ error, peer }, 'a peer callback failed')
    }
  }

  const disconnect = (peer: string): void => {
    for (const connection of host?.getConnections(peerIdFromString(peer)) ?? []) {
      connection.abort(new Error('This peer is refused'))
    }
  }

  const blame = { clock, refusals, penalise }
  const streamBytes = createByteBudget(blame, { name: 'streams', rate: byteRates.streams })
  const countGossip = createGossipBytes(createByteBudget(blame, { name: 'gossip', rate: byteRates.neighbours }))
  const unread = createUnreadBudget({
    cutOff: (peer) => {
      refusals.count('unread')
      logger.warn({ peer }, 'cut off a peer that held too much unread')
      standing.penalise(peer)
      disconnect(peer)
    },
  })

  const refuseGraylisted = (router: Host['services']['pubsub'] & Partial<ScoreKeeper>): void => {
    for (const peer of router.getPeers()) {
      const id = peer.toString()
      if ((router.getScore?.(id) ?? 0) > GRAYLIST_SCORE) continue
      logger.warn({ peer: id }, 'refusing a peer for what it gossips')
      standing.refuse(id)
      disconnect(id)
    }
  }

  const dialDiscovered = (running: Host, { id, multiaddrs }: PeerInfo): void => {
    if (multiaddrs.length === 0 || running.getConnections(id).length > 0) return
    running.dial(id, { signal: stopping.signal }).catch((error: unknown) => {
      logger.debug({ error, peer: id.toString() }, 'cannot reach a discovered peer')
    })
  }

  const listenTo = (running: Host, relays: RelayClient): void => {
    running.addEventListener('peer:identify', ({ detail }: CustomEvent<IdentifyResult>) => {
      learn(detail.peerId, detail.protocols)
      relays.met(detail.connection, detail.protocols)
    })
    running.addEventListener('peer:update', ({ detail }: CustomEvent<PeerUpdate>) => {
      if (known.has(detail.peer.id.toString())) learn(detail.peer.id, detail.peer.protocols)
    })
    running.addEventListener('peer:disconnect', ({ detail }: CustomEvent<PeerId>) => {
      const peer = detail.toString()
      known.delete(peer)
      if (broughtInvalid(running.services.pubsub as Partial<ScoreKeeper>, peer)) penalise(peer, 'gossip: INVALID')
    })
    running.addEventListener('peer:discovery', ({ detail }: CustomEvent<PeerInfo>) => dialDiscovered(running, detail))
    running.addEventListener('connection:open', ({ detail }) => running.services.open.opened(detail))
    followRenewed(running, logger)
    const { pubsub } = running.services
    pubsub.addEventListener('gossipsub:heartbeat', () => {
      refuseGraylisted(pubsub)
      countGossip(running.getConnections())
    })
  }

  const tellOfAddresses = (): void => {
    logger.info({ addresses: host?.getMultiaddrs().map(String) }, 'reached at other addresses')
    for (const callback of onAddressesCallbacks) callback()
  }

  const dialler = createDialler(() => host)
  const isBootstrap = (peer: string): boolean => bootstrapPeers.has(peer)
  const isWanted = (peer: string): boolean => isBootstrap(peer) || dialler.isWanted(peer)

  return {
    peerId,

    async start() {
      if (host !== undefined) return
      stopping = new AbortController()
      setMaxListeners(0, stopping.signal)
      const { listen = [], announce = [] } = init
      let lookAtAddresses = (): void => undefined
      const relays = createRelayClient({
        logger,
        isWanted: () => listen.length > 0 && announce.length === 0 && !isOpenToAll(running),
        isBootstrap,
        onChange: () => lookAtAddresses(),
        signal: stopping.signal,
      })
      const connectionsOf = (peer?: PeerId): Connection[] => running.getConnections(peer)
      const guard = createRelayGuard(
        { refusals, isRefused: standing.isRefused, connections: connectionsOf, service: () => running.services.relay },
        init.relay ?? DEFAULT_RELAY_LIMITS,
      )
      const running = await createHost({
        privateKey,
        network: init.network,
        ...{ listen, announce, relays },
        ...(init.relay === undefined ? {} : { relay: init.relay }),
        bootstrap: (init.bootstrap ?? []).filter((address) => peerIdOf(address) !== undefined),
        mdns: init.mdns ?? false,
        ...{ dht: init.dht ?? false, upnp: init.upnp ?? false },
        ...(init.networkKey === undefined ? {} : { networkKey: init.networkKey }),
        version: init.version ?? '0',
        maxConnections: init.maxConnections ?? 300 + (init.relay?.maxReservations ?? 0),
        refusals,
        ...(components.registry === undefined ? {} : { registry: components.registry }),
        gater: {
          ...createGater({
            ...{ standing, refusals, isWanted, isOwnRelay: relays.isOwn },
            connections: (peer) => connectionsOf(peer).length,
          }),
          ...guard.gater,
          denyInboundUpgradedConnection: prepare,
          denyOutboundUpgradedConnection: prepare,
        },
      })
      host = running
      listenTo(running, relays)
      pingConnections(running, {
        ...{ logger, clock, signal: stopping.signal },
        intervalMs: init.pingIntervalMs ?? 10_000,
        ...(init.pingTimeoutMs === undefined ? {} : { timeoutMs: init.pingTimeoutMs }),
      })
      running.addEventListener('peer:disconnect', ({ detail }: CustomEvent<PeerId>) => guard.left(detail))
      await Promise.all([...handlers.keys()].map(register))
      await running.start()
      lookAtAddresses = watchOwnAddresses(running, tellOfAddresses, stopping.signal)
      gossip.attach(running.services.pubsub, running.peerId)
      for (const address of init.bootstrap ?? []) void keepConnected(running, address, logger, stopping.signal)
      const { dht } = running.services
      if (dht !== undefined) void lookAround(dht, running.peerId, stopping.signal)
      logger.info({ peer: peerId, addresses: running.getMultiaddrs().map(String) }, 'joined the network')
    },

    async stop() {
      const running = host
      if (running === undefined) return
      host = undefined
      stopping.abort(new Error('The network is stopping'))
      gossip.detach()
      known.clear()
      await running.stop()
    },

    addresses: () => toldAddresses(host?.getMultiaddrs() ?? []),

    onAddresses(callback) {
      onAddressesCallbacks.add(callback)
    },

    publish: gossip.publish,
    subscribe: gossip.subscribe,

    async open(peer, protocol, options) {
      if (!isPeerId(peer)) throw new PeerUnreachableError(`${JSON.stringify(peer.slice(0, 80))} is no peer id`)
      options.signal?.throwIfAborted()
      const life = options.signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, options.signal])
      const limit = deadline(clock, options.timeoutMs ?? OPEN_TIMEOUT_MS, life)
      try {
        const stream = await dialler.openStream(peer, protocol, options.addresses ?? [], limit.signal)
        return channelOf(stream, peer, options.maxMessageBytes, life)
      } catch (cause) {
        options.signal?.throwIfAborted()
        throw new PeerUnreachableError(`Peer ${peer} cannot be reached for ${protocol}`, { cause })
      } finally {
        limit.clear()
      }
    },

    handle(protocol, handler, options = { maxMessageBytes: 64 * 1024 }) {
      handlers.set(protocol, { handler, options })
      register(protocol).catch((error: unknown) => logger.error({ error, protocol }, 'cannot handle a protocol'))
    },

    peers: () => host?.getPeers().map(String) ?? [],

    onPeer(callback) {
      onPeerCallbacks.add(callback)
      for (const [peer, protocols] of known) tell(callback, peer, protocols)
    },

    penalise,

    latencyMs(peer) {
      if (host === undefined || !isPeerId(peer)) return null
      const measured = host.getConnections(peerIdFromString(peer)).map(({ rtt }) => rtt)
      return measured.find((rtt) => rtt !== undefined) ?? null
    },

    counters() {
      const peers = host?.getPeers() ?? []
      const isRelayed = (peer: PeerId): boolean =>
        host?.getConnections(peer).every(({ remoteAddr }) => relayOf(remoteAddr) !== undefined) === true
      const relayed = peers.filter(isRelayed).length
      return { peers: peers.length, relayed, ...gossip.counters(), refused: refusals.totals() }
    },

    traffic: traffic.totals,
  }
}

/** Whether anybody can dial this peer: it listens on a public address. A router lets no IPv6 in either, unless told to. */
function isOpenToAll(running: Host): boolean {
  return running.getMultiaddrs().some((own) => own.toString().startsWith('/ip4/') && !relayOf(own) && isPublic(own))
}
