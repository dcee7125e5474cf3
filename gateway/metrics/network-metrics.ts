import { Counter, Gauge, type Registry } from 'prom-client'
import type { PeerNetwork } from '../../node/network/index.ts'

/** What this peer's part of the network counts: who is there, and what gossip went round or was turned away. */
export function addNetworkMetrics(registry: Registry, network: Pick<PeerNetwork, 'counters'>): void {
  const registers = [registry]
  new Gauge({
    name: 'cortex_peers',
    help: 'Peers this node is connected to',
    registers,
    collect() {
      this.set(network.counters().peers)
    },
  })
  new Gauge({
    name: 'cortex_gossip_listeners',
    help: 'Of those, how many hear a topic',
    labelNames: ['topic'],
    registers,
    collect() {
      for (const [topic, count] of Object.entries(network.counters().listeners)) this.set({ topic }, count)
    },
  })
  new Counter({
    name: 'cortex_gossip_messages_total',
    help: 'Gossip messages sent by this peer, and those of others that passed every check',
    labelNames: ['direction'],
    registers,
    collect() {
      const { published, delivered } = network.counters()
      this.reset()
      this.inc({ direction: 'published' }, published)
      this.inc({ direction: 'delivered' }, delivered)
    },
  })
  new Counter({
    name: 'cortex_gossip_heard_total',
    help: 'Gossip messages of others that passed every check, by topic',
    labelNames: ['topic'],
    registers,
    collect() {
      this.reset()
      for (const [topic, count] of Object.entries(network.counters().heard)) this.inc({ topic }, count)
    },
  })
  new Counter({
    name: 'cortex_network_refused_total',
    help: 'What was turned away from the network, by reason',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of Object.entries(network.counters().refused)) this.inc({ reason }, count)
    },
  })
}
