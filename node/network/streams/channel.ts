import type { Stream, StreamCloseEvent } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { orAborted } from '../../abort.ts'
import type { UnreadAccount } from '../bounds/unread-budget.ts'
import { type Channel, ChannelBrokenError } from '../index.ts'
import { createMessageQueue, MessageTooLongError } from './message-queue.ts'

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

  const reader = readStream(stream, init)

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
        return await reader.next(options.signal)
      } catch (error) {
        if (options.signal?.aborted === true && error === options.signal.reason) throw error
        if (error instanceof MessageTooLongError) init.onTooLong()
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

/** What arrives, with back-pressure; null where the other side closed its half, throws where the stream broke. */
function readStream(stream: Stream, { account, maxMessageBytes }: ChannelInit) {
  const unread = createMessageQueue(maxMessageBytes)
  let ended = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
  let failure = stream.status === 'open' ? undefined : new ChannelBrokenError('The stream is gone')
  let wake = Promise.withResolvers<void>()
  let resuming = false

  const isFull = (): boolean => unread.heldBytes() >= HIGH_WATER_BYTES && !unread.isPart()
  const pauseIfFull = (): void => {
    // pausing within resume() would leave the muxer open: it goes on to tell the other side to send
    if (!resuming && isFull() && stream.readStatus === 'readable') stream.pause()
  }
  const resumeIfRoom = (): void => {
    if (stream.readStatus !== 'paused' || isFull()) return
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
  stream.addEventListener('message', ({ data }) => {
    unread.push(data)
    pauseIfFull()
    wake.resolve()
    account.add(data.byteLength)
  })

  return {
    async next(signal: AbortSignal | undefined): Promise<Uint8Array | null> {
      for (;;) {
        const heldBytes = unread.heldBytes()
        const message = unread.take()
        const takenBytes = heldBytes - unread.heldBytes()
        resumeIfRoom()
        if (message !== null) {
          account.add(-takenBytes)
          return message
        }
        if (unread.heldBytes() !== heldBytes) continue
        if (failure !== undefined) throw failure
        if (ended && stream.readBufferLength === 0) {
          if (heldBytes > 0) throw new Error('The stream ended in the midst of a message')
          return null
        }
        await orAborted(wake.promise, signal)
        wake = Promise.withResolvers()
      }
    },
  }
}

function asBroken(error: unknown): ChannelBrokenError {
  if (error instanceof ChannelBrokenError) return error
  const cause = asError(error)
  return new ChannelBrokenError(cause.message, { cause })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
