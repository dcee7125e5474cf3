import { Readable } from 'node:stream'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { onAbort } from '../../../node/abort.ts'
import { deadline } from '../../../node/deadline.ts'
import { guardStall, type StallGuard } from '../../../node/stall.ts'
import { entriesOf } from '../../../node/tar-entries.ts'
import { encode } from '../../../protocol/codec.ts'
import {
  FileContentSchema,
  type ReachReplySchema,
  type ReachHello_Read as ReadRequest,
} from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_CHUNK_BYTES } from '../../../protocol/limits.ts'
import { encodeFileData } from '../../../protocol/reach-messages.ts'
import { type ContainerFile, FileError } from '../../engine/file-access.ts'
import { ReachRefusedError } from '../refusal.ts'
import { answerOf, entryOf, type FilesComponents, type FilesPlace, nothingThere, refusalOf } from './answers.ts'

/** How long the engine may take to read all of it, in ms: meanwhile it does nothing else with the container. */
const ENGINE_MS = 240_000

/** Sends a file from a byte on, or a path as a tar. @throws {ReachRefusedError} @throws {FileError} */
export async function readFiles(
  components: FilesComponents,
  place: FilesPlace,
  path: string,
  asked: ReadRequest,
): Promise<void> {
  await using held = asked.tar ? null : ((await place.more?.openFile(place.name, path, place)) ?? null)
  if (held === null) return await readByEngine(components, place, path, asked)
  const { file } = held
  if (file.size > place.maxReadBytes) throw tooLarge(place.maxReadBytes)
  const offset = Math.min(Number(asked.offset), file.size)
  const length = Math.min(Number(asked.length) || file.size, file.size - offset)
  const guard = guardStall(components.clock, place.signal)
  try {
    await sendAll(place, guard, (tell) => toldOf(file, held.read(offset, length), tell))
  } finally {
    guard.clear()
  }
}

async function readByEngine(
  { transfers, clock }: FilesComponents,
  place: FilesPlace,
  path: string,
  { tar, offset, length }: ReadRequest,
): Promise<void> {
  const { access, name, signal, maxReadBytes: maxBytes, isApart } = place
  const found = await access.stat(name, path, { signal })
  if (found === null) throw nothingThere()
  if (!tar && found.type !== 'file') throw new FileError('BAD_PATH', `The path is no file but a ${found.type}`)
  if (found.size > maxBytes) throw tooLarge(maxBytes)
  const guard = guardStall(clock, signal)
  const engine = isApart ? { signal: guard.signal, clear: () => undefined } : deadline(clock, ENGINE_MS, guard.signal)
  try {
    const archive = await access.archive(name, found.path, { signal: engine.signal })
    const pieces = isApart ? piecesOf(archive, maxBytes) : transfers.follow(archive, maxBytes)
    const part = { offset: Number(offset), length: Number(length) }
    await sendAll(place, guard, (tell) =>
      // The file may have changed since it was looked at.
      tar ? toldOf(found, pieces, tell) : contentOf(pieces, part, async (size) => await tell({ ...found, size })),
    )
  } finally {
    guard.clear()
    engine.clear()
  }
}

type Tell = (file: ContainerFile) => Promise<void>

/** Sends what is read piece by piece, and how that ended. @param contents tell what they are of before the first piece */
async function sendAll(
  { channel, signal }: FilesPlace,
  guard: StallGuard,
  contents: (tell: Tell) => AsyncIterable<Buffer>,
): Promise<void> {
  const abort = (): void => channel.abort(new Error('The transfer was given up'))
  onAbort(guard.signal, abort)
  let isTold = false
  const tell: Tell = async (file) => {
    isTold = true
    await channel.send(answerOf({ entry: entryOf(file) }))
  }
  try {
    for await (const piece of contents(tell)) {
      for (let at = 0; at < piece.length; at += MAX_REACH_CHUNK_BYTES) {
        const data = piece.subarray(at, at + MAX_REACH_CHUNK_BYTES)
        await channel.send(encodeFileData(data))
        guard.moved()
      }
    }
    await channel.send(endOf({ ok: true }))
  } catch (error) {
    if (!isTold || signal.aborted) throw error
    const { code, message } = refusalOf(error) ?? new ReachRefusedError('FAILED', 'The engine read no further')
    await channel.send(endOf({ code, message }))
  } finally {
    guard.signal.removeEventListener('abort', abort)
  }
}

async function* toldOf(file: ContainerFile, pieces: AsyncIterable<Buffer>, tell: Tell): AsyncGenerator<Buffer> {
  await tell(file)
  yield* pieces
}

function tooLarge(maxBytes: number): ReachRefusedError {
  return new ReachRefusedError('TOO_LARGE', `The file is larger than what is handed over (${maxBytes} bytes)`)
}

/** As they come, and no faster than they are taken. */
async function* piecesOf(archive: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0
  try {
    for await (const piece of archive as AsyncIterable<Buffer>) {
      bytes += piece.length
      if (bytes > maxBytes) {
        throw new ReachRefusedError(
          'TOO_LARGE',
          `That is more than is handed over (${maxBytes} bytes): take parts of it`,
        )
      }
      yield piece
    }
  } finally {
    archive.destroy()
  }
}

function endOf(value: MessageInitShape<typeof ReachReplySchema>): Uint8Array {
  return encode(FileContentSchema, { content: { case: 'end', value } })
}

/** The bytes of the only file of a tar, from an offset on. @param onSize told how long it is, before */
async function* contentOf(
  tar: AsyncGenerator<Buffer>,
  { offset, length }: { offset: number; length: number },
  onSize: (size: number) => Promise<void>,
): AsyncGenerator<Buffer> {
  const source = Readable.from(tar, { objectMode: false })
  try {
    for await (const entry of entriesOf(source)) {
      const { type, size = 0 } = entry.header
      if (type !== 'file') throw new FileError('BAD_PATH', 'The path is no file any more')
      await onSize(size)
      const end = length === 0 ? size : Math.min(size, offset + length)
      let at = 0
      if (offset >= end) return
      for await (const chunk of entry as unknown as AsyncIterable<Buffer>) {
        const piece = chunk.subarray(Math.max(0, offset - at), Math.max(0, end - at))
        at += chunk.length
        if (piece.length > 0) yield piece
        if (at >= end) return
      }
      return
    }
    throw nothingThere()
  } finally {
    source.destroy()
  }
}
