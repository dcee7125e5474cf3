import type { Top } from '../../node/commands/net.ts'
import { showTop } from '../../node/top/show-top.ts'
import type { Seller } from '../../node/top/top-view.ts'
import { parseBytes } from '../../protocol/units.ts'
import type { Provider } from '../client/index.ts'
import { DEFAULT_GATEWAY } from '../contract/address.ts'
import { throughGateway } from './connection.ts'

/** As a gateway sees the network: what it counts for Prometheus, and its directory. */
export const gatewayTop: Top = async (options) => {
  const { gateway = DEFAULT_GATEWAY, key } = options
  await throughGateway({ gateway, ...(key === undefined ? {} : { key }) }, async (client) => {
    await showTop(async () => {
      // First, because it says best which key is wanted.
      const text = await client.metrics()
      const [traffic, providers] = await Promise.all([client.peers(), Array.fromAsync(client.providers.all())])
      const of = (metric: string, label: string) => labelled(text, metric, label)
      const { published = 0 } = of('cortex_gossip_messages_total', 'direction')
      return {
        atMs: performance.now(),
        peers: Number(/^cortex_peers (\d+)$/m.exec(text)?.[1] ?? 0),
        listeners: of('cortex_gossip_listeners', 'topic'),
        ...{ heard: of('cortex_gossip_heard_total', 'topic'), published },
        refused: of('cortex_network_refused_total', 'reason'),
        market: of('cortex_market_events_total', 'event'),
        traffic,
        providers: providers.map(sellerOf),
      }
    }, options)
  })
}

/** The values of one of our metrics by the only label that it has. */
function labelled(text: string, metric: string, label: string): Record<string, number> {
  const lines = text.matchAll(new RegExp(`^${metric}\\{${label}="([^"\\\\]*)"\\} (\\S+)$`, 'gm'))
  return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]))
}

function sellerOf({ id, name, status, capacity, metrics }: Provider): Seller {
  const { total, free } = capacity
  const bytes = (text: string): number => parseBytes(text) ?? 0
  return {
    ...{ id, name, status, latency: metrics.latency },
    cpu: { free: free.cpu, total: total.cpu },
    memory: { free: bytes(free.memory), total: bytes(total.memory) },
  }
}
