/**
 * What the market needs of a peer-to-peer network, and nothing of libp2p.
 * Implementations: `libp2p-network.ts`, and in `test/` an in-memory one for models and simulations.
 */

import type { Topic } from '../../protocol/topics.ts'

/** A peer's place in the network, as all parts of this program see it. */
export interface PeerNetwork {
  /** This peer's id, e.g. `12D3KooW…`. */
  readonly peerId: string

  /** Multiaddrs (with peer id) under which others can dial this peer. */
  addresses(): string[]

  /** Calls back when {@link PeerNetwork.addresses} has changed: others are to be told. */
  onAddresses(callback: () => void): void

  /** Broadcasts to everyone on the topic; resolves when it is on its way. No listener is no error. */
  publish(topic: Topic, data: Uint8Array): Promise<void>

  /**
   * Subscribes; once per topic. `validate` runs before a message is forwarded or delivered: `reject` also lowers the
   * score of the peer that sent it, `ignore` only drops it. `author` is the peer whose signature the message bears.
   */
  subscribe(topic: Topic, subscriber: TopicSubscriber): void

  /**
   * Connects with a peer where there is no connection yet, so that it can answer from where it could not dial. Rejects
   * with {@link PeerUnreachableError}.
   */
  connect(peer: string, options: ConnectOptions): Promise<void>

  /** Opens a framed stream. `addresses` are tried where there is no connection yet. Rejects with {@link PeerUnreachableError}. */
  open(peer: string, protocol: string, options: OpenOptions): Promise<Channel>

  /** Answers streams of a protocol. The handler owns the channel: it closes or aborts it. */
  handle(protocol: string, handler: ChannelHandler, options?: HandleOptions): void

  /** Peers with an open connection. */
  peers(): string[]

  /**
   * Calls back when a peer is connected and has told which protocols it speaks, and again when it has told of others; at
   * once for those already there.
   */
  onPeer(callback: (peer: string, protocols: string[]) => void): void

  /**
   * Lowers a peer's standing after it broke the rules on a stream; enough of it and the peer is disconnected and refused.
   * For a message longer than its reader allows the network does so itself, as `message: TOO_LARGE`.
   */
  penalise(peer: string, reason: string): void

  /** Last measured round trip to a connected peer in ms; null where there is no connection or no measurement yet. */
  latencyMs(peer: string): number | null

  /** Totals since the start, for metrics and tests. */
  counters(): NetworkCounters

  /** What was exchanged with each peer that has an open connection; none where nothing goes over a wire. */
  traffic(): PeerTraffic[]
}

/** Bytes on the wire since the peer connected. */
export interface PeerTraffic {
  peer: string
  receivedBytes: number
  sentBytes: number
}

/** What one peer's network does and did. */
export interface NetworkCounters {
  /** Peers with an open connection, now. */
  peers: number
  /** Of those, how many only over a relay, now. */
  relayed: number
  /** Of all, how many hear a topic, now. */
  listeners: Record<Topic, number>
  /** Gossip messages sent by this peer. */
  published: number
  /** Gossip messages of others that passed every check. */
  delivered: number
  /** The same by topic. */
  heard: Record<Topic, number>
  /** What was turned away, by reason: `invalid_signature`, `RATE`, `TOO_LARGE`, a `WireError` code, `penalty:…`. */
  refused: Record<string, number>
}

/** Of a gossip message: take it and pass it on, drop it, or drop it and blame the peer that sent it. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/** Who looks at a topic's messages, and takes them. */
export interface TopicSubscriber {
  /** A thrown `WireError` is a `reject` counted under its code, except `STALE` and `REPLAYED`, which are an `ignore`. */
  validate(data: Uint8Array, author: string): Verdict | Promise<Verdict>
  /** Called for accepted messages of others, never for this peer's own. */
  deliver(data: Uint8Array, author: string): void
}

/** How a peer is connected with. */
export interface ConnectOptions {
  /** Multiaddrs to dial where there is no connection. */
  addresses?: string[]
  /** Aborts the opening, and later the channel where there is one. */
  signal?: AbortSignal
  /** How long the opening may take, in ms. @default 10_000 */
  timeoutMs?: number
}

/** How a stream is opened. */
export interface OpenOptions extends ConnectOptions {
  /** The longest message read, in bytes. A longer one aborts the channel. */
  maxMessageBytes: number
}

/** How streams of a protocol are answered. */
export interface HandleOptions {
  /** The longest message read, in bytes. */
  maxMessageBytes: number
  /** Streams one connection may have open at a time. @default 32 */
  maxInboundStreams?: number
  /**
   * They carry what a job itself sends, which is as fast as it is read and has limits of its own: its bytes are not
   * counted. Of other protocols a peer may send so much, and is cut off beyond. @default false
   */
  bulk?: boolean
}

/**
 * Answers one stream. What it rejects with is logged, and aborts the channel.
 *
 * @param peer who opened it, as its key proves
 */
export type ChannelHandler = (channel: Channel, peer: string) => Promise<void>

/** Whole messages both ways over one stream. */
export interface Channel {
  /**
   * Sends one message; resolves when there is room for the next (back-pressure). Rejects with
   * {@link ChannelBrokenError} when the channel is gone.
   */
  send(message: Uint8Array): Promise<void>
  /**
   * The next message; null when the other side has closed. Rejects with {@link ChannelBrokenError} when the channel
   * broke, and with the signal's reason when that aborts: then no message is lost, the next call has it. One at a time.
   */
  receive(options?: { signal?: AbortSignal }): Promise<Uint8Array | null>
  /** Closes the writing half after what was sent; reading goes on. No error where the channel is gone already. */
  close(): Promise<void>
  /** Ends both halves at once. */
  abort(reason: Error): void
}

/** The peer cannot be dialled, or does not speak the protocol. */
export class PeerUnreachableError extends Error {
  override readonly name = 'PeerUnreachableError'
  readonly code = 'PEER_UNREACHABLE'
  /** Whether it is there, and does not speak the protocol, as an older version. */
  readonly isOlder: boolean

  constructor(message: string, { isOlder = false, ...options }: ErrorOptions & { isOlder?: boolean } = {}) {
    super(message, options)
    this.isOlder = isOlder
  }
}

/** The connection under the channel was lost, or either side aborted it; `cause` says which where it is known. */
export class ChannelBrokenError extends Error {
  override readonly name = 'ChannelBrokenError'
  readonly code = 'CHANNEL_BROKEN'
}
