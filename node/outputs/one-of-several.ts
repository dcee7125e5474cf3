import { Readable } from 'node:stream'
import { entriesOf } from '../tar-entries.ts'
import type { Outputs } from './index.ts'
import { entryName, type PlacedHeader } from './part.ts'

/** Of a tar, in bytes: headers and contents begin at whole ones. */
const BLOCK_BYTES = 512
/** What a tar ends with. */
const END = Buffer.alloc(2 * BLOCK_BYTES)

/** A tar that is a part of another, and the end of a tar. */
export interface OneOutput {
  bytes: number
  /** Null where the kept one has gone. @param part at least one byte, within it */
  open(part: { offset: number; length: number }): Promise<Readable | null>
}

/**
 * One of the outputs that a job keeps apart, as a tar of its own: its entries stand together in the kept one, which is read as
 * far as to their end.
 *
 * @param name what they begin with
 * @returns its length, and a way to read it or a part of it; null where there is no such output, or nothing of that name in it
 */
export async function oneOfSeveral(
  outputs: Pick<Outputs, 'open'>,
  jobId: string,
  name: string,
): Promise<OneOutput | null> {
  const whole = await outputs.open(jobId)
  if (whole === null) return null
  const span = await spanOf(whole.stream, name)
  if (span === null) return null
  const { offset, length } = span
  return {
    bytes: length + END.length,
    async open(part) {
      const inEntries = Math.max(0, Math.min(part.length, length - part.offset))
      const at = { offset: offset + part.offset, length: inEntries }
      const kept = inEntries === 0 ? null : await outputs.open(jobId, at)
      if (inEntries > 0 && kept === null) return null
      async function* closed(): AsyncGenerator<Buffer> {
        if (kept !== null) yield* kept.stream as AsyncIterable<Buffer>
        if (inEntries < part.length) yield END.subarray(0, part.length - inEntries)
      }
      return Readable.from(closed(), { objectMode: false })
    },
  }
}

/** Where the entries are, from the first one's header on. */
async function spanOf(tar: Readable, name: string): Promise<{ offset: number; length: number } | null> {
  let offset: number | null = null
  let end = 0
  try {
    for await (const entry of entriesOf(tar)) {
      const { name: called, size = 0, byteOffset } = entry.header as PlacedHeader
      const plain = entryName(called)
      if (plain === name || plain.startsWith(`${name}/`)) offset ??= end
      else if (offset !== null) break
      end = byteOffset + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
      entry.resume()
    }
  } finally {
    tar.destroy()
  }
  return offset === null ? null : { offset, length: end - offset }
}
