import type { StreamMessageEvent } from '@libp2p/interface'

/** The longest length before a message, in bytes: five carry 35 bits. */
const MAX_PREFIX_BYTES = 5

/** A message is longer than it may be, or its length has no end. */
export class MessageTooLongError extends Error {
  override readonly name = 'MessageTooLongError'
}

/** What arrives in pieces of any size, taken as messages, each with its length before it as an unsigned varint. */
export interface MessageQueue {
  push(piece: StreamMessageEvent['data']): void
  /** The first message, a view where it came in one piece; null until all of it is here. @throws {MessageTooLongError} */
  take(): Uint8Array | null
  /** How much is here, lengths included. */
  heldBytes(): number
  /** Whether only a part is here of the message that was asked for last. */
  isPart(): boolean
}

/** @param maxMessageBytes the longest message */
export function createMessageQueue(maxMessageBytes: number): MessageQueue {
  const pieces: Uint8Array[] = []
  let heldBytes = 0
  /** Of the first message and its length together, once that is known. */
  let first: { prefixBytes: number; bytes: number } | null = null

  function measure(): typeof first {
    let [length, factor, prefixBytes] = [0, 1, 0]
    for (const piece of pieces) {
      for (const byte of piece) {
        prefixBytes += 1
        length += (byte & 0x7f) * factor
        factor *= 0x80
        if (length > maxMessageBytes) throw new MessageTooLongError(`A message is longer than ${maxMessageBytes} bytes`)
        if (byte < 0x80) return { prefixBytes, bytes: length }
        if (prefixBytes === MAX_PREFIX_BYTES) throw new MessageTooLongError('The length of a message has no end')
      }
    }
    return null
  }

  /** So many bytes from the beginning, which are here. */
  function cut(bytes: number): Uint8Array {
    const [head = new Uint8Array(0)] = pieces
    if (head.length > bytes) {
      pieces[0] = head.subarray(bytes)
      return head.subarray(0, bytes)
    }
    if (head.length === bytes) {
      pieces.shift()
      return head
    }
    const { buffer, byteOffset } = Buffer.allocUnsafe(bytes)
    const whole = new Uint8Array(buffer, byteOffset, bytes)
    for (let at = 0; at < bytes; ) {
      const part = cut(Math.min(bytes - at, pieces[0]?.length ?? 0))
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  return {
    push(piece) {
      heldBytes += piece.byteLength
      if (piece instanceof Uint8Array) pieces.push(piece)
      else for (const part of piece) if (part.length > 0) pieces.push(part)
    },
    take() {
      first ??= measure()
      if (first === null || heldBytes < first.prefixBytes + first.bytes) return null
      const { prefixBytes, bytes } = first
      first = null
      heldBytes -= prefixBytes + bytes
      cut(prefixBytes)
      return cut(bytes)
    },
    heldBytes: () => heldBytes,
    isPart: () => first !== null && heldBytes < first.prefixBytes + first.bytes,
  }
}
