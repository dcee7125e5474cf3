/** Names on the wire: gossipsub topics and stream protocols. Changing one splits the network. */

/** The market that a peer joins where nobody names another. */
export const DEFAULT_NETWORK = 'main'

/** A network's name: what separates one market from another on the same machines. */
export const NETWORK_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/

/** What gossip carries: what providers have to sell, or what requesters ask for. */
export type Topic = 'announcements' | 'requests'

/** A topic as gossipsub knows it; each network has its own. */
export function topicName(network: string, topic: Topic): string {
  return `/cortex/1/${network}/${topic}`
}

/** Stream protocols as libp2p negotiates them; the version changes where two of them cannot talk. */
export const Protocol = {
  /** Requester to provider: a request for this one; it answers with a bid or a decline, and a closed stream releases the bid. */
  ask: '/cortex/ask/1.0.0',
  /** Provider to requester: a signed bid, or a decline. */
  bid: '/cortex/bid/1.0.0',
  /** Requester to provider: a signed award or a release. */
  award: '/cortex/award/1.0.0',
  /** Both ways for the life of a lease: reports, acknowledgements, heartbeats, commands. */
  lease: '/cortex/lease/1.0.0',
  /** Requester to provider: a connection to a port of a running container. */
  tunnel: '/cortex/tunnel/1.0.0',
  /** Requester to provider: a command in a running container, or a look into it. */
  exec: '/cortex/exec/1.0.0',
  /** Requester to provider: what a container left at its end. */
  output: '/cortex/output/1.0.0',
  /** Requester to provider: files of a running container. */
  files: '/cortex/files/1.0.0',
  /** Provider to requester: what a job brings. */
  input: '/cortex/input/1.0.0',
  /** Requester to provider: what volumes it keeps there, and what is to become of them. */
  volumes: '/cortex/volumes/1.0.0',
  /** Requester to provider: what is in such a volume. */
  volumeFiles: '/cortex/volume-files/1.0.0',
  /** A newcomer asks a neighbour for the announcements that it knows. */
  directory: '/cortex/directory/1.0.0',
} as const
/** One of {@link Protocol}. */
export type Protocol = (typeof Protocol)[keyof typeof Protocol]
