import crc32c from 'crc-32/crc32c.js'

const MASK_DELTA = 0xa282ead8

/** The checksum as LevelDB writes it: CRC-32C, masked so that it may be summed over itself. */
export function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c.buf(bytes) >>> 0
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0
}

/** A number of LevelDB's variable length; null where the bytes hold none. Beyond 2^53 it is wrong, and no file is that long. */
export function readVarint(bytes: Uint8Array, from: number): { value: number; next: number } | null {
  let value = 0
  for (let i = 0; i < 10; i += 1) {
    const byte = bytes[from + i]
    if (byte === undefined) return null
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, next: from + i + 1 }
  }
  return null
}
