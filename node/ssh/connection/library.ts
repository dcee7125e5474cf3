import type { EventEmitter } from 'node:events'
import type { Duplex, Writable } from 'node:stream'
import type { Connection } from 'ssh2'

/** The least that a client may take in one packet, in bytes; OpenSSH's takes 32 KiB. The library sends for ever in pieces of 0. */
const MIN_PACKET_BYTES = 1024

/** How long a client may take to agree on new keys while something waits to be sent, in ms. */
const REKEY_MS = 30_000

/** `SSH_OPEN_RESOURCE_SHORTAGE` */
const RESOURCE_SHORTAGE = 4

/** What a channel emits at once when its client closes it: `close` waits until all that came before was taken. */
export const HANG_UP = 'cortex:hang-up'

/** What the library keeps to itself, of the one version that is used. */
interface Inside {
  _protocol: {
    /** Its own part of a key exchange that is under way. */
    _kexinit: unknown
    _handlers: {
      CHANNEL_OPEN(protocol: unknown, info: { sender: number; packetSize: number }): void
      CHANNEL_CLOSE(protocol: unknown, recipient: number): void
    }
    channelOpenFail(recipient: number, reason: number, description: string): void
    channelClose(recipient: number): void
  }
  _chanMgr: {
    get(
      id: number,
    ): (EventEmitter & { _channel?: unknown; _chanInfo?: { outgoing: { id: number } } }) | true | undefined
    remove(id: number): void
  }
}

/** What a channel keeps of a write until its client has room; it is never cleared. */
interface InsideChannel {
  _chunk: unknown
  _chunkcb: unknown
  _chunkErr: unknown
  _chunkcbErr: unknown
}

/** What one connection of the library has to be watched for. */
export interface Tamed {
  /**
   * Resolves while nothing is held back until both sides have agreed on new keys: what is written meanwhile the library
   * keeps, however much it is. A client that takes too long loses its connection.
   */
  agreed(): Promise<void>
  /** To be called of a channel, or its stderr, when a write is done: the library would send its end again. */
  forget(to: Writable): void
}

/** Mends what a hostile client could do with the library. @param stream what the library has of the connection */
export function tame(client: Connection, stream: Duplex): Tamed {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Inside
  const { CHANNEL_OPEN, CHANNEL_CLOSE } = protocol._handlers
  let agreeing: Promise<void> | null = null

  protocol._handlers.CHANNEL_OPEN = (_protocol, info) => {
    if (info.packetSize < MIN_PACKET_BYTES) return protocol.channelOpenFail(info.sender, RESOURCE_SHORTAGE, '')
    CHANNEL_OPEN(_protocol, info)
  }
  // A session in which nothing was begun would stay, and its client would wait for the answer.
  protocol._handlers.CHANNEL_CLOSE = (_protocol, recipient) => {
    const session = channels.get(recipient)
    CHANNEL_CLOSE(_protocol, recipient)
    if (typeof session !== 'object') return
    session.emit(HANG_UP)
    if (session._chanInfo === undefined || session._channel !== undefined) return
    channels.remove(recipient)
    protocol.channelClose(session._chanInfo.outgoing.id)
  }

  async function agreement(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const tooLong = setTimeout(() => stream.destroy(), REKEY_MS)
    const exchanges: EventEmitter = client
    exchanges.once('handshake', resolve)
    stream.once('close', resolve)
    await promise
    clearTimeout(tooLong)
    exchanges.off('handshake', resolve)
    stream.off('close', resolve)
    agreeing = null
  }

  return {
    async agreed() {
      while (protocol._kexinit !== undefined && !stream.destroyed) {
        agreeing ??= agreement()
        await agreeing
      }
    },
    forget(to) {
      const channel = ('_channel' in to ? to._channel : to) as InsideChannel
      channel._chunk = undefined
      channel._chunkcb = undefined
      channel._chunkErr = undefined
      channel._chunkcbErr = undefined
    },
  }
}
