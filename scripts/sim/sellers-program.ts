/** Sellers in a process of their own, which `sellers.ts` starts and asks. */

import { type BirpcReturn, createBirpc } from 'birpc'
import type { Libp2pNetwork } from '../../node/network/libp2p-network.ts'
import { countTraffic, noTraffic, type Traffic } from './counted-network.ts'
import { createOwnTime } from './own-time.ts'
import { joinReally } from './real-peer.ts'
import { startSeller } from './seller.ts'

/** How the sellers of a process are, all together. */
export interface SellersState {
  /** Peers that each is connected with. */
  links: number[]
  traffic: Traffic
  /** Of the process since its start, in ms. */
  cpuMs: number
  rssBytes: number
}

/** What whoever started the sellers may ask. */
export interface SellersFunctions {
  /** Starts one more, which is told the addresses and that so many sell; answers its own addresses. */
  sell(bootstrap: string[], providers: number): Promise<string[]>
  look(): SellersState
}

/** What the sellers ask in turn. */
export interface MarketFunctions {
  /** One of them announces itself. */
  announced(statement: Uint8Array, author: string): Promise<void>
}

const clock = createOwnTime()
const traffic = noTraffic()
const peers: Libp2pNetwork[] = []
const market: BirpcReturn<MarketFunctions, SellersFunctions> = createBirpc<MarketFunctions, SellersFunctions>(
  {
    async sell(bootstrap, providers) {
      const { network, privateKey } = await joinReally(clock, bootstrap)
      peers.push(network)
      const announce = async (statement: Uint8Array): Promise<void> => {
        await market.announced(statement, network.peerId)
      }
      await startSeller({ clock, network: countTraffic(network, traffic), privateKey, announce, providers })
      return network.addresses()
    },
    look() {
      const { user, system } = process.cpuUsage()
      const links = peers.map((peer) => peer.peers().length)
      return { links, traffic, cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage().rss }
    },
  },
  { post: (data) => process.send?.(data), on: (listen) => process.on('message', listen), timeout: -1 },
)
// Whoever started this is gone, or needs it no more.
process.once('disconnect', () => process.exit())
