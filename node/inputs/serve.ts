/**
 * Gives the blobs of a job to the provider that holds its lease, or that has been awarded it, and to nobody else: who knows a
 * digest gets nothing by that. See docs/decisions/0079-inputs.md.
 */

import type { Readable } from 'node:stream'
import { encode } from '../../protocol/codec.ts'
import { InputReplySchema } from '../../protocol/gen/cortex/v1/inputs_pb.js'
import { type InputRefusal, readInputHello } from '../../protocol/input-messages.ts'
import { MAX_INPUT_MESSAGE_BYTES, MAX_INPUT_STREAMS, MAX_REACH_CHUNK_BYTES } from '../../protocol/limits.ts'
import { partsOf } from '../../protocol/sent-image.ts'
import { Protocol } from '../../protocol/topics.ts'
import { onAbort } from '../abort.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { answerStreams, receiveWithin } from '../network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../network/index.ts'
import { guardStall } from '../stall.ts'
import type { JobRecord, JobStore } from '../store/index.ts'
import type { InputSource } from './index.ts'

/** How long a provider may take to say what it wants, in ms. */
const HELLO_MS = 10_000
/** How long it may take to make room for the next piece, in ms. */
const TAKE_MS = 60_000

/** What {@link serveInputs} works with. */
export interface ServeComponents {
  network: PeerNetwork
  store: Pick<JobStore, 'get'>
  clock: Clock
  logger: Logger
  /** Asked one after the other. */
  sources: readonly InputSource[]
}

/** Answers providers from now on, until the signal aborts. */
export function serveInputs({ network, store, clock, logger, sources }: ServeComponents, signal: AbortSignal): void {
  async function refuse(channel: Channel, code: InputRefusal, message: string): Promise<void> {
    await channel.send(encode(InputReplySchema, { code, message }))
    await channel.close()
  }

  async function open(job: JobRecord, sha256: string, offset: number) {
    if (!brings(job, sha256)) return null
    for (const source of sources) {
      const found = await source.open(job, sha256, offset)
      if (found !== null) return found
    }
    return null
  }

  async function answer(channel: Channel, peer: string): Promise<void> {
    const bytes = await receiveWithin(channel, { clock, ms: HELLO_MS, signal })
    if (bytes === null) return
    const hello = readInputHello(bytes)
    const job = await store.get(hello.jobId)
    if (job === undefined || !holds(job, peer, hello.fence)) {
      return await refuse(channel, 'UNKNOWN_LEASE', 'The job is not at this provider')
    }
    const offset = Number(hello.offset)
    const found = await open(job, Buffer.from(hello.sha256).toString('hex'), offset)
    if (found === null || offset > found.bytes) {
      found?.stream.destroy()
      return await refuse(channel, 'BLOB_GONE', 'The job brings no such thing, or it is not there any more')
    }
    await channel.send(encode(InputReplySchema, { ok: true, bytes: BigInt(found.bytes) }))
    await sendAll(channel, found.stream)
    await channel.close()
  }

  async function sendAll(channel: Channel, stream: Readable): Promise<void> {
    const guard = guardStall(clock, signal, TAKE_MS)
    onAbort(guard.signal, () => channel.abort(guard.signal.reason as Error))
    try {
      for await (const chunk of stream) {
        for (let at = 0; at < chunk.length; at += MAX_REACH_CHUNK_BYTES) {
          await channel.send((chunk as Buffer).subarray(at, at + MAX_REACH_CHUNK_BYTES))
          guard.moved()
        }
      }
    } finally {
      guard.clear()
    }
  }

  const options = { maxMessageBytes: MAX_INPUT_MESSAGE_BYTES, maxInboundStreams: MAX_INPUT_STREAMS }
  answerStreams({ network, logger, name: 'input' }, Protocol.input, options, answer)
}

/** Whether it is something that the job brings, its image included. */
function brings({ inputs = [], sentImage }: JobRecord, sha256: string): boolean {
  const parts = sentImage === undefined ? [] : partsOf(sentImage)
  return [...inputs.map(({ blob }) => blob), ...parts].some((blob) => blob?.sha256 === sha256)
}

/** Whether the provider has the job, or may have accepted it a moment ago. */
function holds({ state }: JobRecord, provider: string, fence: number): boolean {
  const lease = state.status === 'pending' ? state.award : state.status === 'scheduled' ? state.lease : null
  return lease !== null && lease.provider === provider && lease.fence === fence
}
