/** What is left of one of LevelDB's tables that is damaged: its blocks that are whole, as a table of their own. */

import { maskedChecksum, readVarint } from './bytes.ts'
import { blockDamage, contentOf, type Handle, handlesIn, readFooter, TABLE_MAGIC } from './table-file.ts'

/** Behind each key of a table: its number and its kind. */
const TAG_BYTES = 8
const FOOTER_BYTES = 48
/** Behind each block: its compression (1), its checksum (4). */
const TRAILER_BYTES = 5
/** No block that is looked for without an index is longer; a value may have a quarter of a megabyte. */
const MAX_BLOCK_BYTES = 2 ** 20

/** What {@link salvageTable} found. */
export interface SalvagedTable {
  /** A table; null where nothing of it is whole. */
  bytes: Buffer | null
  /** What is not in it, for people. */
  lost: string[]
}

interface Block extends Handle {
  /** No key of it is above, and none of the next below. */
  last: Buffer
}

/**
 * Keeps blocks whose checksum is right, byte for byte, and nothing else. Without an index that is whole they are looked for
 * from the beginning, up to the first that is damaged.
 */
export function salvageTable(bytes: Buffer): SalvagedTable {
  const { blocks, lost } = byIndex(bytes) ?? bySearch(bytes)
  return { bytes: blocks.length === 0 ? null : tableOf(bytes, blocks), lost }
}

function byIndex(bytes: Buffer): { blocks: Block[]; lost: string[] } | null {
  const roots = readFooter(bytes)
  if (roots === null || blockDamage(bytes, roots.index) !== null) return null
  const entries = entriesIn(contentOf(bytes, roots.index))
  const handles = [...handlesIn(contentOf(bytes, roots.index))]
  if (entries === null || entries.length !== handles.length) return null
  const blocks: Block[] = []
  const lost: string[] = []
  entries.forEach((last, i) => {
    const handle = handles[i] ?? null
    if (handle !== null && blockDamage(bytes, handle) === null) blocks.push({ ...handle, last })
    else lost.push(`what was between ${shown(entries[i - 1])} and ${shown(last)}`)
  })
  return { blocks, lost }
}

function bySearch(bytes: Buffer): { blocks: Block[]; lost: string[] } {
  const blocks: Block[] = []
  let at = 0
  for (;;) {
    const found = blockAt(bytes, at)
    const keys = found === null ? null : entriesIn(contentOf(bytes, found))
    const [first, last] = [keys?.[0], keys?.at(-1)]
    const before = blocks.at(-1)
    if (found === null || keys === null || first === undefined || last === undefined || !keys.every(isRecordKey)) break
    // Behind the last one comes the index, which begins with the first key again.
    if (before !== undefined && Buffer.compare(userKey(before.last), userKey(first)) > 0) break
    blocks.push({ ...found, last })
    at = found.offset + found.size + TRAILER_BYTES
  }
  return { blocks, lost: [`what came after ${shown(blocks.at(-1)?.last)} in it, if anything did`] }
}

/** The block that begins there, whose end its checksum tells. */
function blockAt(bytes: Buffer, offset: number): Handle | null {
  const most = Math.min(bytes.length - TRAILER_BYTES, offset + MAX_BLOCK_BYTES)
  const sum = createRunningSum()
  for (let end = offset; end <= most; end += 1) {
    const type = bytes[end] as number
    const masked = sum.add(type)
    if (type <= 1 && end > offset && bytes.readUInt32LE(end + 1) === masked) return { offset, size: end - offset }
  }
  return null
}

/** The checksum of what was added so far, as LevelDB writes it. */
function createRunningSum(): { add(byte: number): number } {
  let crc = -1
  return {
    add(byte) {
      crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number)
      const value = ~crc >>> 0
      return (((value >>> 15) | (value << 17)) + 0xa282ead8) >>> 0
    },
  }
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** The keys of a block; null where it is none, whatever its checksum says. */
function entriesIn(block: Uint8Array): Buffer[] | null {
  if (block.length < 4) return null
  const restarts = new DataView(block.buffer, block.byteOffset, block.byteLength).getUint32(block.length - 4, true)
  const end = block.length - 4 * (restarts + 1)
  if (end < 0) return null
  const keys: Buffer[] = []
  let before = Buffer.alloc(0)
  for (let at = 0; at < end; ) {
    const shared = readVarint(block, at)
    const own = shared === null ? null : readVarint(block, shared.next)
    const length = own === null ? null : readVarint(block, own.next)
    if (shared === null || own === null || length === null || shared.value > before.length) return null
    const next = length.next + own.value + length.value
    if (next > end) return null
    before = Buffer.concat([before.subarray(0, shared.value), block.subarray(length.next, length.next + own.value)])
    keys.push(before)
    at = next
  }
  return keys
}

/** Whether it is that of a record, and none of an index or a filter. */
function isRecordKey(key: Buffer): boolean {
  if (key.length < TAG_BYTES) return false
  const tag = key.subarray(key.length - TAG_BYTES)
  return (tag[0] as number) <= 1 && !tag.subarray(1).every((byte) => byte === 0xff)
}

function userKey(key: Buffer): Buffer {
  return key.subarray(0, Math.max(0, key.length - TAG_BYTES))
}

function shown(key: Buffer | undefined): string {
  return key === undefined ? 'its beginning' : JSON.stringify(userKey(key).toString('utf8'))
}

function tableOf(bytes: Buffer, blocks: Block[]): Buffer {
  const parts: Buffer[] = []
  let offset = 0
  const put = (part: Buffer): void => {
    parts.push(part)
    offset += part.length
  }
  const entries = blocks.map(({ offset: from, size, last }): [key: Buffer, value: Buffer] => {
    const at = offset
    put(bytes.subarray(from, from + size + TRAILER_BYTES))
    return [last, handleBytes({ offset: at, size })]
  })
  const addBlock = (content: Buffer): Handle => {
    const handle = { offset, size: content.length }
    const typed = Buffer.concat([content, Buffer.of(0)])
    const sum = Buffer.alloc(4)
    sum.writeUInt32LE(maskedChecksum(typed))
    put(Buffer.concat([typed, sum]))
    return handle
  }
  const meta = addBlock(blockOf([]))
  const index = addBlock(blockOf(entries))
  const footer = Buffer.alloc(FOOTER_BYTES)
  Buffer.concat([handleBytes(meta), handleBytes(index)]).copy(footer)
  footer.writeBigUInt64LE(TABLE_MAGIC, FOOTER_BYTES - 8)
  put(footer)
  return Buffer.concat(parts)
}

/** Every key in full. */
function blockOf(entries: [key: Buffer, value: Buffer][]): Buffer {
  const parts: Buffer[] = []
  const restarts: number[] = []
  let at = 0
  for (const [key, value] of entries) {
    const entry = Buffer.concat([varint(0), varint(key.length), varint(value.length), key, value])
    restarts.push(at)
    parts.push(entry)
    at += entry.length
  }
  const tail = [...(restarts.length === 0 ? [0] : restarts), Math.max(1, restarts.length)]
  const end = Buffer.alloc(4 * tail.length)
  tail.forEach((number, i) => {
    end.writeUInt32LE(number, 4 * i)
  })
  return Buffer.concat([...parts, end])
}

function handleBytes({ offset, size }: Handle): Buffer {
  return Buffer.concat([varint(offset), varint(size)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80)
    left = Math.floor(left / 0x80)
  }
  return Buffer.from([...bytes, left])
}
