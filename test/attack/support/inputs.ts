/** What a hostile input is, and what it is thrown at. */

import type { NetworkApi } from '../../faults/support/network-api.ts'

/**
 * One thing that somebody hostile may send or run. Independent of all others, over within seconds, and leaves nothing
 * behind: many run at once against the same node, and again and again.
 *
 * @example { name: 'entry 1: GET with Upgrade: h2c', attempt: async ({ url }) => assert.ok(await answers(url)) }
 */
export interface HostileInput {
  /** Begins with the entry of the list of faults that it belongs to, where there is one: `entry 1: …`. */
  name: string
  /** Tries it, and throws unless the node held. */
  attempt(target: AttackTarget): Promise<void>
}

/** A gateway and an agent as processes of their own, on a real engine, as a stranger reaches them. */
export interface AttackTarget {
  /** Of the gateway, without a path. */
  url: string
  /** Port of loopback on which a gateway of its own speaks TLS. */
  securePort: number
  /** As holders of different keys use it. */
  admin: Tenant
  alice: Tenant
  bob: Tenant
  /** May read alice's jobs, and nothing else. */
  reader: Tenant
  /** Multiaddr of the gateway's peer, with its id. */
  peer: string
  /** Multiaddr of the agent's peer, with its id. */
  agentPeer: string
  agentId: string
  /** Name of the market's network. */
  network: string
  /** e.g. `unix:///var/run/docker.sock`. */
  dockerHost: string
  /** Whether its jobs have a kernel of their own: gVisor's. */
  ownsKernel: boolean
  /** A busybox that the engine has. */
  image: string
  /** A job of the agent's that ended, alice's. */
  endedJob: string
}

export interface Tenant {
  /** Of the API. */
  key: string
  api: NetworkApi
}
