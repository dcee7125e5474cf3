import { leadOutside } from './dht.ts'
import type { Libp2pNetworkInit } from './libp2p-network.ts'
import { loadNetworkKey } from './network-key.ts'
import type { RelayLimits } from './relay-limits.ts'

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
  /** What this peer gives to others as a relay. @default it is none */
  relay?: RelayLimits
  /** File with the key of a private network. @default the network is open */
  networkKeyFile?: string
}

/** What the network is made with. @throws {NetworkKeyError} where the key file is not to be used */
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
  } = init
  const networkKey = networkKeyFile === undefined ? undefined : await loadNetworkKey(networkKeyFile)
  return {
    ...{ network: networkName, listen, announce, bootstrap, mdns, upnp },
    dht: stays && (relay !== undefined || leadOutside([...bootstrap, ...announce])),
    ...(relay === undefined ? {} : { relay }),
    ...(networkKey === undefined ? {} : { networkKey }),
  }
}
