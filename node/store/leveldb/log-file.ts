import { maskedChecksum } from './bytes.ts'

/** A log is written in blocks of so many bytes, and no part of a record goes beyond one. */
export const BLOCK_BYTES = 32 * 1024
/** Before each part of a record: checksum (4), length (2), type (1). */
export const HEADER_BYTES = 7
/** Which part of a record something is. */
export const LogPart = { whole: 1, first: 2, middle: 3, last: 4 } as const

/** What {@link readLog} found. */
export interface LogContent {
  /** What is wrong, for people; null where nothing is. */
  damage: string | null
  /** Those before the damage, or before the end. */
  records: Uint8Array[]
}

/**
 * Reads one of LevelDB's logs, or a manifest, which has the same form. A log that ends in the middle of a record, or in
 * zeros, is what a process leaves that was killed, or a machine that lost power, and no damage.
 */
export function readLog(bytes: Uint8Array): LogContent {
  const records: Uint8Array[] = []
  let parts: Uint8Array[] = []
  const damaged = (what: string, at: number): LogContent => ({ damage: `${what} at byte ${at}`, records })

  for (let at = 0; at < bytes.length; ) {
    const found = fragmentAt(bytes, at)
    if (found === 'padding') {
      at += BLOCK_BYTES - (at % BLOCK_BYTES)
      continue
    }
    if (found.damage === 'cut off') break
    if (found.damage !== null) return damaged(found.damage, at)
    const begins = found.type === LogPart.whole || found.type === LogPart.first
    if (begins !== (parts.length === 0)) return damaged('part of a record', at)
    parts.push(found.content)
    if (found.type === LogPart.whole || found.type === LogPart.last) {
      records.push(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts))
      parts = []
    }
    at = found.end
  }
  return { damage: null, records }
}

/** A part of a record, as it stands in a log. */
interface LogFragment {
  /** What is wrong with it, for people; `cut off` where the log ends before it does. */
  damage: string | null
  type: number
  content: Uint8Array
  /** Where the next one begins. */
  end: number
}

/** The part that begins there; `padding` where its block has no room for one. */
export function fragmentAt(bytes: Uint8Array, at: number): LogFragment | 'padding' {
  const leftInBlock = BLOCK_BYTES - (at % BLOCK_BYTES)
  if (leftInBlock < HEADER_BYTES) return 'padding'
  const cut: LogFragment = { damage: 'cut off', type: 0, content: bytes.subarray(at, at), end: bytes.length }
  if (at + HEADER_BYTES > bytes.length) return cut
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint16(at + 4, true)
  const type = view.getUint8(at + 6)
  const end = at + HEADER_BYTES + length
  const found = { type, content: bytes.subarray(at + HEADER_BYTES, end), end }
  if (type === 0 && length === 0) {
    return bytes.subarray(at).every((byte) => byte === 0) ? cut : { ...found, damage: 'a gap' }
  }
  if (type < LogPart.whole || type > LogPart.last || length > leftInBlock - HEADER_BYTES) {
    return { ...found, damage: 'no record' }
  }
  if (end > bytes.length) return cut
  const isRight = view.getUint32(at, true) === maskedChecksum(bytes.subarray(at + 6, end))
  return { ...found, damage: isRight ? null : 'a wrong checksum' }
}
