import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { BinaryReader } from '@bufbuild/protobuf/wire'

/** Most records that are looked at from the end of a log. */
const maxRecords = 256
/** Longest record that is believed: 16 KiB of output and what is said of it. */
const maxRecordBytes = 64 * 1024
/** The length of a record stands before it and behind it. */
const lengthBytes = 4

/** Fields of the engine's `LogEntry`, and of the `PartialLogEntryMetadata` in it. */
const fields = { source: 1, partialMetadata: 5, last: 1 }

/**
 * Whether the last line of each stream ended with a newline, read from the file that the log driver `local` writes: that
 * it says of a line that was cut, and Docker's API does not before version 23 or so. Streams of which nothing is found are
 * absent, as all are where the file is another machine's or may not be read.
 *
 * @param dataRoot the engine's own folder
 * @param id the container's full id
 */
export async function readLogEnds(dataRoot: string, id: string): Promise<{ stdout?: boolean; stderr?: boolean }> {
  const ends: { stdout?: boolean; stderr?: boolean } = {}
  const path = join(dataRoot, 'containers', id, 'local-logs', 'container.log')
  const file = await open(path).catch(() => null) // then it cannot be known
  if (file === null) return ends
  try {
    let { size: end } = await file.stat()
    for (let i = 0; i < maxRecords && end > 2 * lengthBytes; i += 1) {
      const length = (await bytesAt(file, end - lengthBytes, lengthBytes)).readUInt32BE()
      const start = end - lengthBytes - length
      if (length > maxRecordBytes || start < lengthBytes) break
      const { source, ended } = readRecord(await bytesAt(file, start, length))
      if (source === 'stdout' || source === 'stderr') ends[source] ??= ended
      if (ends.stdout !== undefined && ends.stderr !== undefined) break
      end = start - lengthBytes
    }
  } catch {
    // No file as it is known here: what was found so far stands.
  } finally {
    await file.close()
  }
  return ends
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead < length) throw new Error('the file ended')
  return buffer
}

/** A record that is not part of a cut line always had its newline; one that is says whether it is the last. */
function readRecord(bytes: Buffer): { source: string; ended: boolean } {
  const reader = new BinaryReader(bytes)
  let source = ''
  let ended = true
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === fields.source) source = reader.string()
    else if (field === fields.partialMetadata) ended = isLast(reader.bytes())
    else reader.skip(type)
  }
  return { source, ended }
}

function isLast(bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === fields.last) return reader.bool()
    reader.skip(type)
  }
  return false
}
