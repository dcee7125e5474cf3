import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import { hashFile } from '../../node/hash-file.ts'
import type { Channel, PeerNetwork } from '../../node/network/index.ts'
import { guardStall } from '../../node/stall.ts'
import { writeBehind } from '../../node/write-behind.ts'
import { encode } from '../../protocol/codec.ts'
import { InputHelloSchema } from '../../protocol/gen/cortex/v1/inputs_pb.js'
import { type InputRefusal, readInputReply } from '../../protocol/input-messages.ts'
import type { BlobSource } from '../../protocol/job-inputs.ts'
import { MAX_INPUT_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { Protocol } from '../../protocol/topics.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { DataError } from './data-error.ts'

/** How long a requester may take to answer, in ms. */
const REPLY_MS = 20_000
/** How long it may take to send the next piece, in ms: then the stream is given up, and the next goes on from there. */
const PIECE_MS = 30_000

/** Which bytes, and where they are kept while they come. */
export interface BlobWanted {
  record: LeaseRecord
  /** With its place in the job, for people. */
  input: { path: string; blob: BlobSource }
  /** A file; what it holds already is gone on from. */
  part: string
  /** Told how many of the bytes are there. */
  onBytes: (bytes: number) => void
}

/**
 * Brings a blob into a file, going on where an earlier try broke off, and checks it by its digest as it comes.
 *
 * @throws {DataError} where asking again brings nothing @throws what broke the stream
 */
export async function fetchBlob(
  { network, clock }: { network: Pick<PeerNetwork, 'open'>; clock: Clock },
  { record, input, part, onBytes }: BlobWanted,
  signal: AbortSignal,
): Promise<void> {
  const { sha256, bytes } = input.blob
  await using file = await open(part, 'a', 0o600)
  const hash = createHash('sha256')
  let there = await hashed(file, part, bytes, hash)
  onBytes(there)
  if (there < bytes || bytes === 0) {
    const channel = await ask({ network, clock }, record, input, there, signal)
    const guard = guardStall(clock, signal, PIECE_MS)
    const behind = writeBehind(file)
    try {
      while (there < bytes) {
        const piece = await channel.receive({ signal: guard.signal })
        if (piece === null) throw new Error('The input ended before its end')
        if (there + piece.length > bytes) throw new DataError('digest-mismatch', input.path)
        guard.moved()
        await behind.add(piece)
        hash.update(piece)
        there += piece.length
        onBytes(there)
      }
      await channel.close()
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    } finally {
      guard.clear()
      // Also where it broke off: the next try goes on behind all that came.
      await behind.flush()
    }
  }
  if (hash.digest('hex') === sha256) return
  await file.truncate(0)
  throw new DataError('digest-mismatch', input.path)
}

/** Hashes what came before; answers how much that is. */
async function hashed(file: FileHandle, part: string, bytes: number, hash: Hash): Promise<number> {
  const { size } = await file.stat()
  if (size > bytes) {
    await file.truncate(0)
    return 0
  }
  await hashFile(part, hash)
  return size
}

/** A stream of the blob's bytes from an offset on. */
async function ask(
  { network, clock }: { network: Pick<PeerNetwork, 'open'>; clock: Clock },
  { requester, addresses, jobId, fence }: LeaseRecord,
  { path, blob }: BlobWanted['input'],
  offset: number,
  signal: AbortSignal,
): Promise<Channel> {
  const limit = deadline(clock, REPLY_MS, signal)
  const options = { addresses, signal, maxMessageBytes: MAX_INPUT_MESSAGE_BYTES }
  const channel = await network.open(requester, Protocol.input, options).catch((error: unknown) => {
    limit.clear()
    throw error
  })
  try {
    const sha256 = Buffer.from(blob.sha256, 'hex')
    await channel.send(encode(InputHelloSchema, { jobId, fence, sha256, offset: BigInt(offset) }))
    const answer = await channel.receive({ signal: limit.signal })
    if (answer === null) throw new Error('The requester closed the stream')
    const { ok, code, bytes } = readInputReply(answer)
    if (!ok && (code as InputRefusal) === 'BLOB_GONE') throw new DataError('upload-gone', path)
    if (!ok) throw new Error(`The requester does not give it: ${code}`)
    if (Number(bytes) !== blob.bytes) throw new DataError('digest-mismatch', path)
    return channel
  } catch (error) {
    channel.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  } finally {
    limit.clear()
  }
}
