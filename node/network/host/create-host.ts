import { createHash } from 'node:crypto'
import type { BlockList } from 'node:net'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Registry } from 'prom-client'
import { topicName } from '../../../protocol/topics.ts'
import { sortForDialling } from '../addresses/dialled.ts'
import { createInnerFilter } from '../addresses/inner-addresses.ts'
import { neverDialled } from '../addresses/never-dialled.ts'
import { createOpenAddresses, type OpenAddresses } from '../addresses/open-addresses.ts'
import type { Refusals } from '../bounds/refusals.ts'
import { refusalMetrics } from '../gossip/gossip-metrics.ts'
import { gossipOptions } from '../gossip/gossip-options.ts'
import { prepareStreams } from '../gossip/gossip-streams.ts'
import type { RelayClient } from '../relay/relay-client.ts'
import { createRelayServer } from '../relay/relay-server.ts'
import type { RelayLimits } from '../relay-limits.ts'
import { createDht } from './dht.ts'
import { quietLog } from './quiet-log.ts'

/** libp2p's services of a host; the last two only some hosts have. */
export interface Services extends Record<string, unknown> {
  identify: Identify
  identifyPush: IdentifyPush
  ping: Ping
  pubsub: GossipSub
  open: OpenAddresses
  /** Of a peer that looks for others on the internet. */
  dht?: KadDHT
  /** Of a peer that is a relay for others. */
  relay?: CircuitRelayService
}

/** libp2p as this program sets it up; see {@link createHost}. */
export type Host = Libp2p<Services>

/** What {@link createHost} is told. */
export interface HostInit {
  privateKey: PrivateKey
  /** Name of the market. */
  network: string
  /** Multiaddrs to listen on; none for a peer that only dials. */
  listen: string[]
  /** Multiaddrs told to others in place of those listened on; empty tells the latter. */
  announce: string[]
  /** Whether peers on the local network are looked for. */
  mdns: boolean
  /** Of a private network; absent: it is open. */
  networkKey?: Uint8Array
  /** Told to others, e.g. `0.1.0`. */
  version: string
  /** What `places.ts` holds it to. */
  places: number
  gater: ConnectionGater
  refusals: Refusals
  /** By which this peer is reached over relays, and reaches others. */
  relays: RelayClient
  /** Whether to find peers of the network by asking from one to the next. */
  dht: boolean
  /** Whether to ask the router, by UPnP, to let others in. */
  upnp: boolean
  /** What this peer gives to others as a relay; absent: it is none. */
  relay?: RelayLimits
  /** Where libp2p counts connections, streams and bytes; absent: nowhere. */
  registry?: Registry
}

/**
 * New connections a second from one address. libp2p's 5 turns honest agents away where many share a NAT or restart
 * together; 50 handshakes a second keep a core less than half busy, and who is turned away tries again.
 */
const MAX_NEW_CONNECTIONS_PER_SECOND = 50

/** How long a newcomer may take to agree on encryption and multiplexing, in ms. */
const UPGRADE_TIMEOUT_MS = 5_000

/**
 * How long a peer may take to say what it speaks, in ms: as long as the answer to a ping. libp2p gives up after 5 s, for
 * good.
 */
const IDENTIFY_TIMEOUT_MS = 20_000

/** Newcomers at that stage: more than one address can hold there (50/s for 5 s), so that none shuts the others out. */
const MAX_PENDING_CONNECTIONS = 300

/**
 * What one stream may be sent before it is read: the least that yamux allows, 2.5 MB/s over 100 ms. libp2p would let it
 * grow to 16 MiB, past its own read buffer (4 MiB), and then break a stream whose reader waits.
 */
const STREAM_WINDOW_BYTES = 256 * 1024

/** Streams of one connection, all protocols together: some hundred jobs of one gateway, with room to bid. */
const MAX_STREAMS_PER_CONNECTION = 1_024

/** The libp2p host, not yet started. */
export async function createHost(init: HostInit): Promise<Host> {
  const self = peerIdFromPrivateKey(init.privateKey)
  const topics = [topicName(init.network, 'announcements'), topicName(init.network, 'requests')]
  const told = init.announce.length > 0 ? (own: Multiaddr[]) => own : createInnerFilter(init.listen)

  const { upnp, dht, ...some } = await partsOfSome(init)
  const createRouter = gossipsub({
    ...gossipOptions(topics),
    metricsRegister: refusalMetrics(init.refusals),
    metricsTopicStrToLabel: new Map(topics.map((topic) => [topic, topic])),
  })
  return await createLibp2p({
    start: false,
    ...(process.env.DEBUG === undefined ? { logger: quietLog } : {}),
    privateKey: init.privateKey,
    nodeInfo: { name: 'cortex', version: init.version },
    addresses: {
      listen: init.listen,
      announce: init.announce,
      announceFilter: (own) => [...told(own), ...init.relays.addresses().map((at) => at.encapsulate(`/p2p/${self}`))],
    },
    transports: [createTransport(), init.relays.transport],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        // `pings.ts` again
        enableKeepAlive: false,
        maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
        maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
        streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES },
      }),
    ],
    ...some,
    connectionManager: {
      // `places.ts` chooses who stays, and must be asked: libp2p would turn newcomers away before, or close the youngest
      maxConnections: init.places + MAX_PENDING_CONNECTIONS,
      inboundConnectionThreshold: MAX_NEW_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS,
      inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS,
      // `bootstrap.ts` brings back what must stay connected
      reconnectRetries: 0,
      addressSorter: sortForDialling,
    },
    // `pings.ts` does that
    connectionMonitor: { enabled: false },
    connectionGater: init.gater,
    services: {
      identify: identify({ maxMessageSize: 16 * 1024, timeout: IDENTIFY_TIMEOUT_MS }),
      identifyPush: identifyPush({ maxMessageSize: 16 * 1024, timeout: IDENTIFY_TIMEOUT_MS, debounce: 100 }),
      ping: ping(),
      dcutr: dcutr(),
      open: createOpenAddresses,
      ...(dht === undefined ? {} : { dht }),
      ...(upnp === undefined ? {} : { upnp }),
      ...(init.relay === undefined ? {} : { relay: createRelayServer(init.relay) }),
      pubsub: (components: Parameters<ReturnType<typeof gossipsub>>[0]) => prepareStreams(createRouter(components)),
    },
  })
}

/** What only some hosts have, each loaded where it is: a hundred modules in all. */
async function partsOfSome(init: HostInit) {
  const { registry, networkKey } = init
  const [mdns, pnet, metrics, upnp, dht] = await Promise.all([
    init.mdns ? import('@libp2p/mdns') : undefined,
    networkKey === undefined ? undefined : import('@libp2p/pnet'),
    registry === undefined ? undefined : import('@libp2p/prometheus-metrics'),
    init.upnp ? import('@libp2p/upnp-nat') : undefined,
    init.dht ? createDht(init.network) : undefined,
  ])
  return {
    peerDiscovery: mdns === undefined ? [] : [mdns.mdns({ serviceTag: serviceTag(init), interval: 10_000 })],
    ...(pnet && networkKey && { connectionProtector: pnet.preSharedKey({ psk: networkKey }) }),
    ...(metrics &&
      registry && {
        metrics: metrics.prometheusMetrics({ registry, collectDefaultMetrics: false, preserveExistingMetrics: true }),
      }),
    upnp: upnp?.uPnPNAT({ autoConfirmAddress: true }),
    dht,
  }
}

/** TCP that connects nowhere where no peers are, whatever a name resolves to. */
export function createTransport(): ReturnType<typeof tcp> {
  // Handed on to `net.connect`, which knows it; libp2p's type does not.
  const dialOpts: { keepAlive?: boolean; blockList: BlockList } = { blockList: neverDialled }
  return tcp({ dialOpts })
}

/** What peers of one network look for on the LAN. A private one has its own, or all would dial whom they cannot reach. */
function serviceTag({ network, networkKey }: Pick<HostInit, 'network' | 'networkKey'>): string {
  const key = networkKey === undefined ? '' : `-${createHash('sha256').update(networkKey).digest('hex').slice(0, 8)}`
  return `_cortex-${network}${key}._udp.local`
}
