import type { RateBudgetInit } from '../rate-budget.ts'
import type { ByteRates } from './bounds/byte-budget.ts'
import type { PlacesInit } from './connections/places.ts'
import type { RelayLimits } from './relay-limits.ts'

/** How a peer is on the network; what is left out has the default said with it. */
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
  /** Connections at a time; beyond, newcomers get the places of the longest idle. @default 300, and as many as a relay has places */
  maxConnections?: number
  /** Of those, how many for peers of one public address; twice as many for its network. @default a fifth */
  placesPerAddress?: number
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
  /** Told, once for each bootstrap address that is not reached, why, in one line. @default nobody is */
  onTrouble?: (line: string) => void
  /** Told under which multiaddr a peer that was dialled saw this one. @default nobody is */
  onSeenAs?: (address: string) => void
  /** Told to others. @default "0" */
  version?: string
}

const DEFAULT_PLACES = 300

/** Of all places, the part that one public address may have. */
const SHARE_OF_ADDRESS = 0.2

/** How many connections there are places for. */
export function placesOf({ maxConnections, placesPerAddress, relay }: Libp2pNetworkInit): PlacesInit {
  const places = maxConnections ?? DEFAULT_PLACES + (relay?.maxReservations ?? 0)
  return { places, placesPerAddress: placesPerAddress ?? Math.ceil(places * SHARE_OF_ADDRESS) }
}
