import { Duplex } from 'node:stream'
import { takeTurn } from '../../../node/turns.ts'
import { HEAD_MS } from '../limits.ts'
import { ExcessError, type FrameMeter } from './frame-meter.ts'

/**
 * A connection as its meter lets it through: what arrives is handed on in parts, each in its turn, and ends with the
 * connection where the meter says so.
 */
export class MeteredSocket extends Duplex {
  readonly #socket: Duplex
  readonly #meter: FrameMeter
  #wanted = Promise.withResolvers<void>()
  /** Runs while a head is on its way. */
  #late: NodeJS.Timeout | undefined
  /** Which head that is. */
  #head: number | null = null

  /** @param onExcess called where the meter lets no more through; nothing more is read then */
  constructor(socket: Duplex, meter: FrameMeter, onExcess: () => void) {
    super()
    this.#socket = socket
    this.#meter = meter
    // All requests of it end then, and those of many connections may at the same moment.
    socket.once('close', () => void takeTurn().then(() => this.destroy()))
    this.#watchHead()
    this.#handOn().catch((error: Error) => {
      if (error instanceof ExcessError) onExcess()
      else this.destroy()
    })
  }

  override _read(): void {
    this.#wanted.resolve()
    this.#wanted = Promise.withResolvers()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#meter.sent(chunk.length)
    this.#socket.write(chunk, encoding, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#late)
    this.#wanted.resolve()
    this.#socket.destroy()
    done(error)
  }

  async #handOn(): Promise<void> {
    for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) {
      for (const { bytes, needsTurn } of this.#meter.slices(chunk)) {
        if (needsTurn) await takeTurn()
        const { promise } = this.#wanted
        if (this.destroyed) return
        if (!this.push(bytes)) await promise
      }
      this.#watchHead()
    }
    this.push(null)
  }

  #watchHead(): void {
    const head = this.#meter.head()
    if (head === this.#head && this.#late !== undefined) return
    this.#head = head
    clearTimeout(this.#late)
    this.#late = head === null ? undefined : setTimeout(() => this.destroy(), HEAD_MS).unref()
  }
}
