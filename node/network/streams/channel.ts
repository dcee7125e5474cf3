import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { decode, encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { orAborted } from '../../abort.ts'
import type { UnreadAccount } from '../bounds/unread-budget.ts'
import { type Channel, ChannelBrokenError } from '../index.ts'

/** Bytes that wait unread before the other side is told to stop sending. */
const HIGH_WATER_BYTES = 256 * 1024

/** Of every channel that both sides have closed: nearly all do, and making an error for each costs much of a short one. */
const CLOSED = new ChannelBrokenError('The channel is closed')

/** What {@link createChannel} is told. */
export interface ChannelInit {
  /** The longest message read, in bytes. */
  maxMessageBytes: number
  /** Aborts the channel. */
  signal?: AbortSignal
  /** Told what is held unread. */
  account: UnreadAccount
  /** Told when the other side sent a message that is longer than {@link ChannelInit.maxMessageBytes}, or no message. */
  onTooLong: () => void
}

/**
 * Length-prefixed messages over one libp2p stream. libp2p's own helpers buffer up to 4 MiB and then break the stream;
 * here a slow reader pauses it instead, so that the sender waits.
 */
export function createChannel(stream: Stream, init: ChannelInit): Channel {
  let broken: ChannelBrokenError | undefined
  let drained: PromiseWithResolvers<void> | undefined
  let waiting = false
  let unclaimed: Promise<IteratorResult<{ subarray(): Uint8Array }>> | undefined

  const messages = pipe(readStream(stream, init.account), (source) =>
    decode(source, { maxDataLength: init.maxMessageBytes }),
  )

  const abort = (reason: Error): void => {
    broken ??= asBroken(reason)
    stream.abort(reason)
  }
  const onSignal = (): void => abort(asError(init.signal?.reason))
  const onClose = (event: StreamCloseEvent): void => {
    init.signal?.removeEventListener('abort', onSignal)
    init.account.close()
    broken ??= event.error === undefined ? CLOSED : asBroken(event.error)
    drained?.reject(broken)
  }
  const onDrain = (): void => {
    // What waits in the stream goes first, in a microtask of libp2p's: there is room once all of it went.
    queueMicrotask(() => {
      if (stream.writableNeedsDrain) return
      drained?.resolve()
      drained = undefined
    })
  }
  stream.addEventListener('drain', onDrain)
  stream.addEventListener('close', onClose, { once: true })
  init.signal?.addEventListener('abort', onSignal, { once: true })
  if (init.signal?.aborted) onSignal()
  if (stream.status !== 'open') broken ??= new ChannelBrokenError('The stream is gone')

  return {
    async send(message) {
      if (broken !== undefined) throw broken
      try {
        if (stream.send(encode.single(message))) return
        drained ??= Promise.withResolvers()
        await drained.promise
      } catch (error) {
        throw broken ?? asBroken(error)
      }
    },

    async receive(options = {}) {
      if (waiting) throw new Error('Someone already waits for the next message of this channel')
      waiting = true
      try {
        unclaimed ??= messages.next()
        const { done, value } = await orAborted(unclaimed, options.signal)
        unclaimed = undefined
        if (done === true) return null
        const message = value.subarray()
        init.account.add(-message.byteLength - prefixBytes(message.byteLength))
        return message
      } catch (error) {
        if (options.signal?.aborted === true && error === options.signal.reason) throw error
        if (isTooLong(error)) init.onTooLong()
        abort(asError(error))
        throw asBroken(error)
      } finally {
        waiting = false
      }
    },

    async close() {
      try {
        await stream.close()
      } catch {
        // where the stream broke meanwhile, receive() and send() say so
      }
    },

    abort,
  }
}

/** What arrives, with back-pressure; ends where the other side closed its half, throws where the stream broke. */
function readStream(stream: Stream, account: UnreadAccount): AsyncGenerator<StreamMessageEvent['data']> {
  const chunks: StreamMessageEvent['data'][] = []
  let bufferedBytes = 0
  let ended = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
  let failure = stream.status === 'open' ? undefined : new ChannelBrokenError('The stream is gone')
  let wake = Promise.withResolvers<void>()
  let resuming = false

  const pauseIfFull = (): void => {
    // pausing within resume() would leave the muxer open: it goes on to tell the other side to send
    if (!resuming && bufferedBytes >= HIGH_WATER_BYTES && stream.readStatus === 'readable') stream.pause()
  }
  const resumeIfRoom = (): void => {
    if (stream.readStatus !== 'paused' || bufferedBytes >= HIGH_WATER_BYTES) return
    resuming = true
    stream.resume()
    resuming = false
    pauseIfFull()
  }
  stream.addEventListener('remoteCloseWrite', () => {
    ended = true
    wake.resolve()
  })
  stream.addEventListener('close', (event) => {
    // a stream that closes without the other side's goodbye is a lost connection
    if (!ended || event.error !== undefined) failure = asBroken(event.error ?? new Error('The connection was lost'))
    wake.resolve()
  })
  stream.addEventListener('message', (event) => {
    chunks.push(event.data)
    bufferedBytes += event.data.byteLength
    pauseIfFull()
    wake.resolve()
    account.add(event.data.byteLength)
  })

  return (async function* () {
    while (true) {
      const chunk = chunks.shift()
      if (chunk !== undefined) {
        bufferedBytes -= chunk.byteLength
        resumeIfRoom()
        yield chunk
      } else if (failure !== undefined) {
        throw failure
      } else if (ended && stream.readBufferLength === 0) {
        return
      } else {
        await wake.promise
        wake = Promise.withResolvers()
      }
    }
  })()
}

/** Codes of it-length-prefixed for a length that is beyond the limit, or none. */
const LENGTH_CODES = ['ERR_MSG_DATA_TOO_LONG', 'ERR_MSG_LENGTH_TOO_LONG', 'ERR_INVALID_MSG_LENGTH']

function isTooLong(error: unknown): boolean {
  return LENGTH_CODES.includes(String((error as { code?: unknown } | null)?.code))
}

/** Length of the varint before a message. */
function prefixBytes(messageBytes: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(messageBytes)) / 7))
}

function asBroken(error: unknown): ChannelBrokenError {
  if (error instanceof ChannelBrokenError) return error
  const cause = asError(error)
  return new ChannelBrokenError(cause.message, { cause })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
