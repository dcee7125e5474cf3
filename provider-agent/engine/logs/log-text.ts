import { isUtf8 } from 'node:buffer'

/** Longest line, in bytes of UTF-8. What is longer goes on in the next one. */
export const maxLineBytes = 64 * 1024

/** Bytes that surely fit, whatever they are: one that is no UTF-8 becomes the three of U+FFFD. */
const surelyFit = Math.floor(maxLineBytes / 3)

const replacement = '\ufffd'

/** A part of the output as text, and the very bytes where the text does not say them. */
export interface LogPiece {
  /** Valid Unicode, at most {@link maxLineBytes} of UTF-8; what is no UTF-8 has become U+FFFD. */
  line: string
  /** A copy; absent where the bytes are just `line` in UTF-8. */
  bytes?: Buffer
}

/**
 * The pieces that `bytes[start, end)` becomes: one, or several where it is too long. Their bytes together are the whole,
 * and no character of UTF-8 is cut in two.
 */
export function toPieces(bytes: Buffer, start: number, end: number): LogPiece[] {
  const pieces: LogPiece[] = []
  for (let from = start; from < end || pieces.length === 0; ) {
    const most = end - from <= maxLineBytes ? end : characterBoundary(bytes, from + maxLineBytes)
    const whole = toPiece(bytes, from, most)
    if (Buffer.byteLength(whole.line) <= maxLineBytes) {
      pieces.push(whole)
      from = most
    }
    while (from < most) {
      const cut = most - from <= surelyFit ? most : characterBoundary(bytes, from + surelyFit)
      pieces.push(toPiece(bytes, from, cut))
      from = cut
    }
  }
  return pieces
}

/** One piece; of no more bytes than fit. */
export function toPiece(bytes: Buffer, start: number, end: number): LogPiece {
  const line = bytes.toString('utf8', start, end)
  // A container may write U+FFFD itself. Looking for it first costs next to nothing, and nearly no line has it.
  if (!line.includes(replacement)) return { line }
  const own = bytes.subarray(start, end)
  return isUtf8(own) ? { line } : { line, bytes: Buffer.from(own) }
}

/** Where to cut at or just before `at`, so that no character of UTF-8 is cut in two. */
export function characterBoundary(bytes: Buffer, at: number): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[at - back] as number
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? at - back : at
  }
  return at
}
