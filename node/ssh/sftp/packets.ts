/** How packets lie in a stream, and fields in packets. */

import type { Readable } from 'node:stream'
import { SftpError, Status } from './index.ts'

/** The longest packet of a client, in bytes, as OpenSSH has it. */
export const MAX_PACKET_BYTES = 256 * 1024

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Packets without their length, as they come. @throws {SftpError} where one is longer than allowed, or empty */
export async function* packetsOf(stream: Readable): AsyncGenerator<Buffer> {
  const head = Buffer.alloc(4)
  let headBytes = 0
  let packet: Buffer | null = null
  let packetBytes = 0
  // Who has sent all is still answered.
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      if (packet === null) {
        const taken = chunk.copy(head, headBytes, at, at + 4 - headBytes)
        headBytes += taken
        at += taken
        if (headBytes < 4) break
        const length = head.readUInt32BE()
        if (length === 0 || length > MAX_PACKET_BYTES) {
          throw new SftpError(Status.badMessage, `A packet has 1 to ${MAX_PACKET_BYTES} bytes, not ${length}`)
        }
        packet = Buffer.allocUnsafe(length)
        packetBytes = 0
        headBytes = 0
      }
      const taken = chunk.copy(packet, packetBytes, at)
      packetBytes += taken
      at += taken
      if (packetBytes < packet.length) break
      yield packet
      packet = null
    }
  }
}

/** Reads the fields of a packet, one after the other. Each throws {@link SftpError} where the packet is too short. */
export interface FieldReader {
  byte(): number
  number(): number
  /** Of 64 bits. */
  long(): bigint
  bytes(): Buffer
  /** @throws {SftpError} where it is no UTF-8 */
  text(): string
  attributes(): Attributes
  /** Whether all has been read. */
  isOver(): boolean
}

/** Attributes as a client sends them; those that it does not send are absent. */
export interface Attributes {
  size?: bigint
  owner?: { uid: number; gid: number }
  /** Permission bits, and those of the kind of file. */
  mode?: number
  /** In seconds. */
  mtime?: number
}

/** Bits that say which attributes are there. */
export const ATTRIBUTE = { size: 1, owner: 2, mode: 4, times: 8, extended: 0x80000000 } as const

/** Extended attributes that a client may send: they are passed over. */
const MAX_EXTENDED = 64

/** @param packet without its length */
export function readerOf(packet: Buffer): FieldReader {
  let at = 0
  const take = (bytes: number): number => {
    const from = at
    if (packet.length - from < bytes) throw new SftpError(Status.badMessage, 'The packet is too short')
    at += bytes
    return from
  }
  const number = (): number => packet.readUInt32BE(take(4))
  const long = (): bigint => packet.readBigUInt64BE(take(8))
  const bytes = (): Buffer => {
    const length = number()
    const from = take(length)
    return packet.subarray(from, from + length)
  }
  return {
    ...{ number, long, bytes },
    byte: () => packet.readUInt8(take(1)),
    text: () => {
      const raw = bytes()
      try {
        return UTF8.decode(raw)
      } catch (cause) {
        throw new SftpError(Status.failed, 'Names are UTF-8 here', { cause })
      }
    },
    attributes() {
      const flags = number()
      const has = (bit: number): boolean => (flags & bit) !== 0
      const found: Attributes = {}
      if (has(ATTRIBUTE.size)) found.size = long()
      if (has(ATTRIBUTE.owner)) found.owner = { uid: number(), gid: number() }
      if (has(ATTRIBUTE.mode)) found.mode = number()
      if (has(ATTRIBUTE.times)) {
        number()
        found.mtime = number()
      }
      const extended = has(ATTRIBUTE.extended) ? number() : 0
      if (extended > MAX_EXTENDED) throw new SftpError(Status.badMessage, 'There are too many attributes')
      for (let each = 0; each < 2 * extended; each += 1) bytes()
      return found
    },
    isOver: () => at === packet.length,
  }
}
