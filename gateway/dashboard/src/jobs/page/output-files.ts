import { type Extract, extract, type Header } from 'tar-stream'

type Entry = Extract extends AsyncIterable<infer E> ? E : never

/** Files that are listed; an output may hold millions. */
export const MAX_LISTED = 1_000

/** How much of an output is read for its list, in bytes. */
const MAX_READ_BYTES = 512 * 1024 * 1024

/** A file of an output; `path` is as the tar has it. */
export interface OutputFile {
  path: string
  bytes: number
  /** Ms; null where the tar does not say. */
  modifiedMs: number | null
}

/** The first {@link MAX_LISTED} files of an output. */
export interface OutputList {
  files: OutputFile[]
  /** Whether there may be more than is listed. */
  isCut: boolean
}

/** The files of an output, a tar, in its order. Nothing of their content is kept. */
export async function listFiles(tar: ReadableStream<Uint8Array>): Promise<OutputList> {
  const files: OutputFile[] = []
  let bytes = 0
  for await (const entry of entriesOf(tar)) {
    const { header } = entry
    if (header.type === 'file') {
      if (files.length === MAX_LISTED) return { files, isCut: true }
      files.push({ path: header.name, bytes: header.size, modifiedMs: timeOf(header) })
    }
    bytes += header.size
    if (bytes > MAX_READ_BYTES) return { files, isCut: true }
    entry.resume()
  }
  return { files, isCut: false }
}

/** The last part of a path, for a file to be saved as. */
export function nameOf(path: string): string {
  return path.split('/').findLast((part) => part !== '') ?? 'file'
}

/** A tar may claim any time; those that no date has are none. */
function timeOf({ mtime }: Header): number | null {
  const ms = mtime.getTime()
  return Number.isNaN(ms) ? null : ms
}

/** Whoever takes an entry reads it or calls its `resume()`. Stops reading the tar where nobody wants more. */
async function* entriesOf(tar: ReadableStream<Uint8Array>): AsyncGenerator<Entry> {
  const entries = extract()
  const reader = tar.getReader()
  const feeding = feed(reader, entries)
  try {
    for await (const entry of entries) yield entry
    await feeding
  } finally {
    entries.destroy(null)
    await reader.cancel().catch(() => undefined) // it has failed already, and said so
  }
}

async function feed(reader: ReadableStreamDefaultReader<Uint8Array>, entries: Extract): Promise<void> {
  let goOn: (() => void) | undefined
  entries.on('drain', () => goOn?.())
  entries.on('close', () => goOn?.())
  try {
    for (let next = await reader.read(); !next.done && !entries.destroyed; next = await reader.read()) {
      const room = Promise.withResolvers<void>()
      goOn = room.resolve
      if (!entries.write(next.value)) await room.promise
    }
    entries.end(undefined)
  } catch (error) {
    entries.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}
