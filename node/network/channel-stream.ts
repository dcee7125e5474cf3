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
      sendAll(channel, [chunk]).then(() => done(), done)
    },
    writev(chunks, done) {
      sendAll(
        channel,
        chunks.map(({ chunk }) => chunk as Buffer),
      ).then(() => done(), done)
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

async function sendAll(channel: Channel, chunks: Buffer[]): Promise<void> {
  for (const bytes of gathered(chunks)) {
    for (let at = 0; at < bytes.length; at += MAX_REACH_CHUNK_BYTES) {
      await channel.send(bytes.subarray(at, at + MAX_REACH_CHUNK_BYTES))
    }
  }
}

/** Small chunks that follow each other as one, such as the head of a request and its body; a message costs more than a copy. */
function* gathered(chunks: Buffer[]): Generator<Buffer> {
  let small: Buffer[] = []
  let bytes = 0
  for (const chunk of chunks) {
    if (bytes > 0 && bytes + chunk.length > MAX_REACH_CHUNK_BYTES) {
      yield small.length === 1 ? (small[0] as Buffer) : Buffer.concat(small, bytes)
      small = []
      bytes = 0
    }
    small.push(chunk)
    bytes += chunk.length
  }
  if (bytes > 0) yield small.length === 1 ? (small[0] as Buffer) : Buffer.concat(small, bytes)
}

/** An empty piece says nothing, and would end no read. */
async function receiveSome(channel: Channel): Promise<Uint8Array | null> {
  for (;;) {
    const message = await channel.receive()
    if (message === null || message.length > 0) return message
  }
}
