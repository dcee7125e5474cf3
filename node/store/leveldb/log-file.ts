import { maskedChecksum } from './bytes.ts'

const BLOCK_BYTES = 32 * 1024
/** Checksum (4), length (2), type (1). */
const HEADER_BYTES = 7
const WHOLE = 1
const FIRST = 2
const LAST = 4

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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: Uint8Array[] = []
  let parts: Uint8Array[] = []
  const damaged = (what: string, at: number): LogContent => ({ damage: `${what} at byte ${at}`, records })

  for (let at = 0; at < bytes.length; ) {
    const leftInBlock = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (leftInBlock < HEADER_BYTES) {
      at += leftInBlock
      continue
    }
    if (at + HEADER_BYTES > bytes.length) break
    const length = view.getUint16(at + 4, true)
    const type = view.getUint8(at + 6)
    const end = at + HEADER_BYTES + length
    if (type === 0 && length === 0) {
      if (bytes.subarray(at).every((byte) => byte === 0)) break
      return damaged('a gap', at)
    }
    if (type < WHOLE || type > LAST || length > leftInBlock - HEADER_BYTES) return damaged('no record', at)
    if (end > bytes.length) break
    if (view.getUint32(at, true) !== maskedChecksum(bytes.subarray(at + 6, end))) return damaged('a wrong checksum', at)
    const begins = type === WHOLE || type === FIRST
    if (begins !== (parts.length === 0)) return damaged('part of a record', at)
    parts.push(bytes.subarray(at + HEADER_BYTES, end))
    if (type === WHOLE || type === LAST) {
      records.push(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts))
      parts = []
    }
    at = end
  }
  return { damage: null, records }
}
