/**
 * What one request, one key, one address and all of them together may take of a gateway, with its reason. One place for
 * each bound; see docs/decisions/0039-bounds-of-the-gateway.md.
 */

const MIB = 1024 * 1024

/** Largest body of a request, in bytes. The largest valid job is a quarter of it. Batches have their own: `gateway/contract/batch-limits.ts`. */
export const MAX_BODY_BYTES = MIB

/** Values in one JSON body, those inside of others included: more than any valid one has, and few enough to be checked at once. */
export const MAX_BODY_VALUES = 4096

/** How deep values of one JSON body may lie in each other. */
export const MAX_BODY_DEPTH = 64

/** How long the body of a request may take to arrive, in ms. */
export const BODY_MS = 30_000

/** The same two of somebody who has yet to sign in: what that takes is a key. */
export const MAX_STRANGERS_BODY_BYTES = 16 * 1024
/** Likewise, in place of {@link BODY_MS}. */
export const STRANGERS_BODY_MS = 5_000

/** How long a batch may take to arrive, in ms. */
export const UPLOAD_MS = 300_000

/** How long the head of a request may take to arrive, in ms, counted from the first byte or from the connection. */
export const HEAD_MS = 15_000

/** How long a connection that asks nothing is kept, in ms: longer than the 60 s after which proxies and clients close theirs. */
export const KEEP_ALIVE_MS = 75_000

/** How long a client may take nothing of what waits for it, in ms. */
export const STALLED_MS = 60_000

/** Connections in all. Beyond, one that never asked anything makes room, or that was idle longest; where all are at work, the new one is refused. */
export const MAX_CONNECTIONS = 8192

/** Connections of one address (of one /64 with IPv6), likewise: room for a proxy or a company, and three more of them. */
export const MAX_CONNECTIONS_PER_ADDRESS = 2048

/** Of all connections, those that ask nothing at the moment: all may ask at the same one, and Node reads what each asks, some 25 to 50 µs, before anybody else has a turn. Beyond, the one goes that has asked nothing for longest. As many as one address may have, so that nobody alone brings it about. */
export const MAX_CONNECTIONS_AT_REST = 2048

/** A connection that has asked nothing for less than this never goes for that, in ms: its next request may be on its way. */
export const REST_MS = 1_000

/** Requests of one connection that are under way at a time. Node tells of all that a connection sends before the first is answered; one that sends more at once is ended. Clients that send ahead send ten or so. */
export const MAX_REQUESTS_AT_ONCE = 8

/** Requests of one connection by HTTP/2 that are under way at a time, each of which counts as a connection, too: those of a page with many event streams, and as many as the standard asks for. */
export const MAX_STREAMS_OF_A_SESSION = 100

/** Heads, and frames, that are read of a connection by HTTP/2 before others have their turn: 64 KiB may hold some thousands of either. */
export const MAX_HEADS_IN_TURN = 16
/** Likewise. */
export const MAX_FRAMES_IN_TURN = 64

/** One head by HTTP/2 as it is sent, in bytes and in frames; what it is unpacked may be 16 KiB, as by HTTP/1.1. */
export const MAX_HEAD_BLOCK_BYTES = 32 * 1024
/** Likewise. */
export const MAX_CONTINUATIONS = 8

/** Requests by HTTP/2 that a connection may take back, where each counts twice: as the frame that says so, and as a request that ended without its answer. A browser that leaves a page takes back all that are under way. */
export const STREAMS_TAKEN_BACK = { atOnce: 400, perSecond: 40 } as const

/** Frames by HTTP/2 that are neither a request nor a part of a body, besides those that go with requests and with what the client is sent. */
export const FRAMES_OF_CONTROL = { atOnce: 1_000, perSecond: 100 } as const

/** Streams and sockets that are open at a time in all, unless the gateway's owner says otherwise. */
const MAX_STREAMS = 2048

/** Of so many streams and sockets, those on behalf of one key, of one owner, and from one address. */
export function sharesOf(streams = MAX_STREAMS): Record<'key' | 'owner' | 'address' | 'all', number> {
  const share = (eighths: number): number => Math.ceil((streams * eighths) / 8)
  return { key: share(1), owner: share(2), address: share(3), all: streams }
}

/** Connections for so many streams: each takes one by HTTP/1.1. Never fewer than {@link MAX_CONNECTIONS} says. */
export function connectionsFor(streams = MAX_STREAMS): { all: number; perAddress: number } {
  return {
    all: Math.max(MAX_CONNECTIONS, streams * 4),
    perAddress: Math.max(MAX_CONNECTIONS_PER_ADDRESS, streams),
  }
}

/** The same of lists, logs, events and bids that are being read as JSON. */
export const MAX_READ = { key: 128, owner: 256, address: 512, all: 1024 } as const

/**
 * What one owner may have of each: a key and a webhook are in memory or looked at with each of his jobs, a schedule whenever one
 * is due.
 */
export const MAX_OWNED = { templates: 1000, schedules: 500, webhooks: 100, keys: 1000, sshKeys: 200 } as const

/** Bytes of requests' bodies that are held at a time, in memory or, of batches, on the disk: room for two of the largest batches with one key. */
export const MAX_BODIES = { key: 64 * MIB, owner: 128 * MIB, address: 192 * MIB, all: 256 * MIB } as const

/** Text of one JSON answer of logs, events, bids or a list, in bytes, about; what is left out is said, and can be asked for. */
export const MAX_ANSWER_BYTES = 8 * MIB
