import snappy from 'snappyjs'
import { maskedChecksum, readVarint } from './bytes.ts'

const FOOTER_BYTES = 48
/** The end of every table. */
export const TABLE_MAGIC = 0xdb4775248b80fb57n
/** Behind each block: its compression (1), its checksum (4). */
const TRAILER_BYTES = 5

/** Where a block is, its trailer left out. */
export interface Handle {
  offset: number
  size: number
}

/** Looks for damage in one of LevelDB's tables. @returns what is wrong, for people; null where nothing is */
export function tableDamage(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < FOOTER_BYTES || view.getBigUint64(bytes.length - 8, true) !== TABLE_MAGIC) return 'no table'
  const roots = readFooter(bytes)
  if (roots === null) return 'a damaged footer'
  for (const root of [roots.meta, roots.index]) {
    const damage = blockDamage(bytes, root)
    if (damage !== null) return damage
    for (const handle of handlesIn(contentOf(bytes, root))) {
      const inner = handle === null ? 'a damaged index' : blockDamage(bytes, handle)
      if (inner !== null) return inner
    }
  }
  return null
}

/** What the end of a table says; null where it cannot be read. */
export function readFooter(bytes: Uint8Array): { meta: Handle; index: Handle } | null {
  if (bytes.length < FOOTER_BYTES) return null
  const meta = readHandle(bytes, bytes.length - FOOTER_BYTES)
  const index = meta === null ? null : readHandle(bytes, meta.next)
  return meta === null || index === null ? null : { meta, index }
}

function readHandle(bytes: Uint8Array, from: number): (Handle & { next: number }) | null {
  const offset = readVarint(bytes, from)
  const size = offset === null ? null : readVarint(bytes, offset.next)
  return offset === null || size === null ? null : { offset: offset.value, size: size.value, next: size.next }
}

/** What is wrong with a block, for people; null where nothing is. */
export function blockDamage(bytes: Uint8Array, { offset, size }: Handle): string | null {
  const end = offset + size
  if (end + TRAILER_BYTES > bytes.length) return `a block beyond the end, at byte ${offset}`
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end + 1).getUint32(0, true)
  return stored === maskedChecksum(bytes.subarray(offset, end + 1)) ? null : `a wrong checksum at byte ${offset}`
}

/** A block, unpacked. Its checksum has to be right. */
export function contentOf(bytes: Uint8Array, { offset, size }: Handle): Uint8Array {
  const raw = bytes.subarray(offset, offset + size)
  return bytes[offset + size] === 1 ? snappy.uncompress(raw) : raw
}

/** The blocks that an index block names; null for an entry that cannot be read. */
export function* handlesIn(block: Uint8Array): Generator<Handle | null> {
  const restarts = new DataView(block.buffer, block.byteOffset, block.byteLength).getUint32(block.length - 4, true)
  const end = block.length - 4 * (restarts + 1)
  for (let at = 0; at < end; ) {
    const shared = readVarint(block, at)
    const unshared = shared === null ? null : readVarint(block, shared.next)
    const length = unshared === null ? null : readVarint(block, unshared.next)
    if (unshared === null || length === null) {
      yield null
      return
    }
    const value = length.next + unshared.value
    yield readHandle(block, value)
    at = value + length.value
  }
}
