/** What is left of one of LevelDB's logs that is damaged: its records that are whole, as a log of their own. */

import { maskedChecksum } from './bytes.ts'
import { BLOCK_BYTES, fragmentAt, HEADER_BYTES, LogPart } from './log-file.ts'

/** What {@link salvageLog} found. */
export interface SalvagedLog {
  bytes: Buffer
  /** Bytes that are in none of its records. */
  lostBytes: number
}

/** Each record is one batch: it is whole, or it is left out. */
export function salvageLog(bytes: Uint8Array): SalvagedLog {
  const records = recordsIn(bytes)
  const kept = logOf(records)
  return { bytes: kept, lostBytes: Math.max(0, bytes.length - kept.length) }
}

function recordsIn(bytes: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = []
  let parts: Uint8Array[] | null = null
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const found = fragmentAt(bytes, at)
    if (found === 'padding' || found.damage !== null) {
      parts = null
      at = found !== 'padding' && goesOnAt(bytes, found.end) ? found.end : at + BLOCK_BYTES - (at % BLOCK_BYTES)
      continue
    }
    const { type, content } = found
    if (type === LogPart.whole || type === LogPart.first) parts = []
    parts?.push(content)
    if (parts !== null && (type === LogPart.whole || type === LogPart.last)) {
      records.push(Buffer.concat(parts))
      parts = null
    }
    at = found.end
  }
  return records
}

/** Whether the length of a part that is damaged can be believed: another one that is whole begins behind it. */
function goesOnAt(bytes: Uint8Array, at: number): boolean {
  if (at + HEADER_BYTES > bytes.length) return false
  const next = fragmentAt(bytes, at)
  return next !== 'padding' && next.damage === null
}

function logOf(records: Uint8Array[]): Buffer {
  const parts: Buffer[] = []
  let at = 0
  const put = (part: Buffer): void => {
    parts.push(part)
    at += part.length
  }
  for (const record of records) {
    let from = 0
    for (let isFirst = true; isFirst || from < record.length; isFirst = false) {
      const padding = BLOCK_BYTES - (at % BLOCK_BYTES)
      if (padding < HEADER_BYTES) put(Buffer.alloc(padding))
      const size = Math.min(record.length - from, BLOCK_BYTES - (at % BLOCK_BYTES) - HEADER_BYTES)
      const isLast = from + size === record.length
      const type = isFirst ? (isLast ? LogPart.whole : LogPart.first) : isLast ? LogPart.last : LogPart.middle
      put(fragment(type, record.subarray(from, from + size)))
      from += size
    }
  }
  return Buffer.concat(parts)
}

function fragment(type: number, content: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.of(type), content])
  const header = Buffer.alloc(HEADER_BYTES - 1)
  header.writeUInt32LE(maskedChecksum(typed))
  header.writeUInt16LE(content.length, 4)
  return Buffer.concat([header, typed])
}
