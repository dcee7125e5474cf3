import { Duplex } from 'node:stream'
import type { WaitingRoom, WaitingShare } from './waiting.ts'

/** A connection as the library gets it. */
export interface Transport {
  stream: Duplex
  /** Resolves when the other side has taken enough of what was written, or is gone. */
  room(): Promise<void>
  /** To be called when some of what waits was taken: reads on. */
  look(): void
  /** What waits in it counts as this guest's from now on. */
  belongTo(guest: string): void
}

/**
 * Stands between a connection and the library, which reads however much waits, and writes without waiting: reads on only
 * while little waits either way.
 *
 * @param init.room for what waits
 * @param init.waiting bytes from the other side that nobody has taken yet
 * @param init.onBytes called before the library sees them; a throw ends the connection
 */
export function guardTransport(
  raw: Duplex,
  init: { room: WaitingRoom; waiting(): number; onBytes(received: number): void },
): Transport {
  let received = 0

  const share: WaitingShare = init.room.open(look)
  const isFull = (): boolean => share.isFull(stream.writableLength + init.waiting())

  function look(): void {
    if (!stream.destroyed && !isFull()) raw.resume()
  }

  const stream = new Duplex({
    allowHalfOpen: false,
    read: look,
    writev(chunks, done) {
      raw.write(chunks.length === 1 ? chunks[0]?.chunk : Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
    },
    final: (done) => void raw.end(done),
    destroy(error, done) {
      share.leave()
      raw.destroy()
      done(error)
    },
  })
  stream.on('drain', look)
  stream.on('error', () => undefined) // whoever reads it hears of it as well
  raw.on('data', (chunk: Buffer) => {
    received += chunk.length
    try {
      init.onBytes(received)
    } catch {
      stream.destroy()
      return
    }
    if (!stream.push(chunk) || isFull()) raw.pause()
  })
  raw.once('end', () => stream.push(null))
  raw.once('error', (error) => stream.destroy(error))
  raw.once('close', () => stream.destroy())

  return {
    stream,
    look,
    belongTo: share.belongTo,
    async room() {
      if (!stream.writableNeedDrain || stream.destroyed) return
      const { promise, resolve } = Promise.withResolvers<void>()
      stream.once('drain', resolve).once('close', resolve)
      await promise
      stream.off('drain', resolve).off('close', resolve)
    },
  }
}
