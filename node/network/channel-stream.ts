import { Duplex } from 'node:stream'
import { MAX_REACH_CHUNK_BYTES } from '../../protocol/limits.ts'
import type { Channel } from './index.ts'

/**
 * A channel as a stream of bytes, for what speaks TCP: each message is a piece of it. Ending it closes the writing half
 * alone, as with a socket; both directions wait where the other side does not read.
 */
export function streamOf(channel: Channel): Duplex {
  return new Duplex({
    allowHalfOpen: true,
    read() {
      receiveSome(channel).then(
        (message) => this.push(message),
        (error: Error) => this.destroy(error),
      )
    },
    write(chunk: Buffer, _encoding, done) {
      sendAll(channel, chunk).then(() => done(), done)
    },
    final(done) {
      channel.close().then(() => done(), done)
    },
    destroy(error, done) {
      const isOver = this.readableEnded && this.writableFinished
      // What both sides have ended is over by itself; else the other one would wait for ever.
      if (!isOver) channel.abort(error ?? new Error('The connection was given up'))
      done(error)
    },
  })
}

async function sendAll(channel: Channel, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += MAX_REACH_CHUNK_BYTES) {
    await channel.send(bytes.subarray(at, at + MAX_REACH_CHUNK_BYTES))
  }
}

/** An empty piece says nothing, and would end no read. */
async function receiveSome(channel: Channel): Promise<Uint8Array | null> {
  for (;;) {
    const message = await channel.receive()
    if (message === null || message.length > 0) return message
  }
}
