import { Duplex, Readable, Writable } from 'node:stream'
import type { ServerChannel } from 'ssh2'
import { orAborted } from '../../abort.ts'
import type { Tamed } from './library.ts'
import type { Transport } from './transport.ts'

/** How bytes get from and to a channel of the library, which itself waits for nobody. */
export interface Carrier {
  /** What the client sends on a channel, until it says that it sends no more. */
  read(channel: ServerChannel): AsyncIterable<Buffer>
  /**
   * Resolves when the client has taken it, or there is room for it. Of one channel and its stderr one write at a time.
   * Rejects when `signal` aborts.
   */
  write(to: Writable, data: Uint8Array, signal: AbortSignal): Promise<void>
}

/** Over one connection. */
export function createCarrier({ look, room }: Pick<Transport, 'look' | 'room'>, { agreed, forget }: Tamed): Carrier {
  return {
    async *read(channel) {
      // Ending this ends the reading half alone.
      for await (const chunk of channel.iterator({ destroyOnReturn: false })) {
        yield chunk as Buffer
        look()
      }
    },
    async write(to, data, signal) {
      await agreed()
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      // A channel that closes meanwhile never calls back.
      to.write(data, (error) => (error == null ? resolve() : reject(error)))
      await orAborted(promise, signal)
      forget(to)
      await room()
    },
  }
}

/** A channel as a stream that waits for its client, both ways; ending it leaves the channel open. */
export function carried(channel: ServerChannel, carrier: Carrier, signal: AbortSignal): Duplex {
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      carrier.write(channel, chunk, signal).then(() => done(), done)
    },
  })
  const stream = Duplex.from({ readable: Readable.from(carrier.read(channel), { objectMode: false }), writable })
  stream.on('error', () => undefined) // whoever reads or writes it hears of it
  return stream
}
