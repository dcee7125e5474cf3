import { ownVersion } from '../version.ts'
import { leadOutside } from './host/dht.ts'
import type { Libp2pNetworkInit } from './network-init.ts'
import { loadNetworkKey } from './network-key.ts'
import type { RelayLimits } from './relay-limits.ts'
import { checkAddresses } from './startup-problems.ts'

/** How a peer joins a network. */
export interface PeerInit {
  /** Name of the market. */
  networkName: string
  /** Multiaddrs to listen on, e.g. `/ip4/0.0.0.0/tcp/0`. */
  listen: string[]
  /** Multiaddrs told to others in place of those listened on. @default [] tells the latter */
  announce?: string[]
  /** Multiaddrs of peers to begin with; the `/p2p/…` part may be left out. */
  bootstrap: string[]
  /** Whether peers on the local network are looked for. */
  mdns: boolean
  /**
   * Whether it is there for long: then it looks for others on the internet, from peer to peer, where its bootstrap peers
   * are there or it is a relay. Who soon goes is told the market by its neighbours. @default false
   */
  stays?: boolean
  /** Whether to ask the router, by UPnP, to let others in. @default false */
  upnp?: boolean
  /** Connections at a time. @default 300, and as many as a relay has places */
  maxConnections?: number
  /** Of those, how many for peers of one public address. @default a fifth */
  placesPerAddress?: number
  /** What this peer gives to others as a relay. @default it is none */
  relay?: RelayLimits
  /** Told, once for each bootstrap address that is not reached, why, in one line. @default nobody is */
  onTrouble?: (line: string) => void
  /** File with the key of a private network. @default the network is open */
  networkKeyFile?: string
}

/** What the network is made with. @throws {PeerOptionError} @throws {NetworkKeyError} where the key file is not to be used */
export async function networkInit(init: PeerInit): Promise<Libp2pNetworkInit> {
  const {
    networkName,
    networkKeyFile,
    listen,
    announce = [],
    bootstrap,
    mdns,
    relay,
    stays = false,
    upnp = false,
    maxConnections,
    placesPerAddress,
    onTrouble,
  } = init
  checkAddresses({ listen, announce, bootstrap })
  const networkKey = networkKeyFile === undefined ? undefined : await loadNetworkKey(networkKeyFile)
  return {
    ...{ network: networkName, listen, announce, bootstrap, mdns, upnp, version: await ownVersion() },
    dht: stays && (relay !== undefined || leadOutside([...bootstrap, ...announce])),
    ...(relay === undefined ? {} : { relay }),
    ...(onTrouble === undefined ? {} : { onTrouble }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(placesPerAddress === undefined ? {} : { placesPerAddress }),
    ...(networkKey === undefined ? {} : { networkKey }),
  }
}
