/**
 * Adds up what a tar archive takes of a disk, header by header, as the engine's own reader (Go's archive/tar) takes it
 * apart. What the two might read differently is refused, and so are sparse files, whose size is only a number in them.
 */

import { RegistryFailure } from '../../node/registry/failure.ts'

/** Takes in one archive, piece by piece, and keeps nothing of its files. */
export interface TarMeter {
  /** @throws {RegistryFailure} `invalid-image`, `image-bomb` */
  write(bytes: Buffer): void
  /** @throws {RegistryFailure} `invalid-image` where it is cut off */
  end(): void
  /** What it takes of a disk as far as is known. */
  bytes(): number
  /** Bytes of the archive so far. */
  streamed(): number
}

const BLOCK = 512
const NOTHING = Buffer.alloc(BLOCK)
/** Records and long names of the next entry, and records of all that follow. */
const META = ['x', 'g', 'L', 'K']
/** Links, devices, folders and pipes. */
const HEADER_ONLY = ['1', '2', '3', '4', '5', '6']
const FILES = ['0', '\0', '7']
/** What a file takes beside its content, and what its content is rounded up to, on the usual file systems. */
const FILE_BLOCK = 4096
/** Files, folders and links of one layer; a disk may have no more inodes than a few million. */
const MAX_ENTRIES = 1_000_000
/** What a header may say about the next entry, in bytes; as much as Go reads. */
const MAX_META_BYTES = 2 ** 20

/** For one archive, unpacked already. */
export function createTarMeter(): TarMeter {
  let header: Buffer = Buffer.alloc(0)
  /** Content that is still to come, padding included. */
  let skip = 0
  /** Where content is looked into: records about the next entry. */
  let records: Buffer[] | null = null
  let recordBytes = 0
  let override: number | null = null
  /** Whether the last header was about the next entry. */
  let isPreceded = false
  let entries = 0
  let streamed = 0
  let taken = 0
  let isOver = false

  function content(bytes: Buffer): void {
    if (records === null) return
    const wanted = bytes.subarray(0, recordBytes)
    records.push(Buffer.from(wanted))
    recordBytes -= wanted.length
    if (recordBytes > 0) return
    override = readRecords(Buffer.concat(records))
    records = null
  }

  function entry(block: Buffer): void {
    if (block.equals(NOTHING)) {
      isOver = true // Readers look no further.
      return
    }
    if (sumOf(block) !== numberAt(block, 148, 8)) throw invalid('a header is damaged')
    const type = String.fromCharCode(block[156] ?? 0)
    const ownSize = numberAt(block, 124, 12)
    if (META.includes(type)) {
      if (ownSize > MAX_META_BYTES) throw invalid('a header is too large')
      // Readers forget what came before it, or do not.
      if (type === 'g' && isPreceded) throw invalid('its headers are out of order')
      if (type === 'x') {
        override = null
        records = ownSize === 0 ? null : []
        recordBytes = ownSize
      }
      isPreceded = type !== 'g'
      skip = padded(ownSize)
      return
    }
    const size = override ?? ownSize
    // Before there were types, a name with a slash at its end was a folder's.
    const mayBeFolder = type === '\0' && (isPreceded || nameOf(block).endsWith('/'))
    if (size > 0 && (HEADER_ONLY.includes(type) || mayBeFolder)) throw invalid('a link, device or folder has content')
    if (!HEADER_ONLY.includes(type) && !FILES.includes(type)) throw invalid('there are entries of unusual kinds')
    count(size)
    skip = padded(size)
    override = null
    isPreceded = false
  }

  function count(size: number): void {
    entries += 1
    if (entries > MAX_ENTRIES) throw new RegistryFailure('image-bomb', `more than ${MAX_ENTRIES} files`)
    // Of what is still to come, too: it is too much before it comes.
    taken += FILE_BLOCK * Math.ceil(size / FILE_BLOCK) + BLOCK
  }

  return {
    write(bytes) {
      streamed += bytes.length
      for (let at = 0; at < bytes.length && !isOver; ) {
        if (skip > 0) {
          const piece = bytes.subarray(at, at + skip)
          content(piece)
          skip -= piece.length
          at += piece.length
        } else {
          const piece = bytes.subarray(at, at + BLOCK - header.length)
          at += piece.length
          header = header.length === 0 ? piece : Buffer.concat([header, piece])
          if (header.length < BLOCK) continue
          const whole = header
          header = Buffer.alloc(0)
          entry(whole)
        }
      }
      // A piece that is kept over the next write is a view into a buffer that others may reuse.
      if (header.length > 0) header = Buffer.from(header)
    },
    end() {
      if (skip > 0 || header.length > 0) throw invalid('it is cut off')
    },
    bytes: () => Math.max(taken, streamed),
    streamed: () => streamed,
  }
}

/** The size that records give the next entry; null where they give none. */
function readRecords(bytes: Buffer): number | null {
  let size: number | null = null
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space)
    const length = /^[1-9]\d{0,7}$/.test(digits) ? Number(digits) : 0
    const record = bytes.toString('latin1', space + 1, at + length - 1)
    const equals = record.indexOf('=')
    if (length <= digits.length + 2 || at + length > bytes.length || bytes[at + length - 1] !== 0x0a || equals < 1) {
      throw invalid('a record is damaged')
    }
    const name = record.slice(0, equals)
    if (name.startsWith('GNU.sparse')) throw invalid('there are sparse files')
    if (name === 'size') {
      const value = record.slice(equals + 1)
      if (!/^\d{1,15}$/.test(value)) throw invalid('a size is no number')
      size = Number(value)
    }
    at += length
  }
  return size
}

/** Octal, or binary where the first bit is set. */
function numberAt(block: Buffer, at: number, length: number): number {
  const field = block.subarray(at, at + length)
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = BigInt(`0x${field.toString('hex')}`) & ((1n << BigInt(length * 8 - 1)) - 1n)
    if ((field[0] ?? 0) & 0x40 || value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('a number is too large')
    return Number(value)
  }
  const text = field.toString('latin1').replace(/^[ \0]+|[ \0]+$/g, '')
  if (!/^[0-7]*$/.test(text)) throw invalid('a number is damaged')
  return text === '' ? 0 : Number.parseInt(text, 8)
}

function nameOf(block: Buffer): string {
  return block.toString('latin1', 0, 100).replace(/\0.*$/s, '')
}

/** Of the bytes of a header, with those of the sum itself as spaces. */
function sumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (let i = 0; i < BLOCK; i += 1) if (i < 148 || i >= 156) sum += block[i] ?? 0
  return sum
}

function padded(size: number): number {
  return BLOCK * Math.ceil(size / BLOCK)
}

function invalid(what: string): RegistryFailure {
  return new RegistryFailure('invalid-image', `a layer’s archive: ${what}`)
}
