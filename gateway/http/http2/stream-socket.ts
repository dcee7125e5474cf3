import { Duplex } from 'node:stream'

/** Where a connection comes from and where it arrived, as sockets of `node:net` say it. */
export interface Ends {
  remoteAddress?: string | undefined
  remotePort?: number | undefined
  localAddress?: string | undefined
  localPort?: number | undefined
}

/**
 * One end of a connection within this process: what is written here is read at the other end, and no more is taken than the
 * other end wants. It has what a server of `node:http` asks of a socket.
 */
export class StreamSocket extends Duplex {
  /** What comes by it came by TLS. */
  readonly encrypted = true
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  #other: StreamSocket | null = null
  /** Called once this end wants more than it was given. */
  #wanted: (() => void) | null = null
  #isAtEnd = false
  #isHeld = false
  #silence: NodeJS.Timeout | undefined

  /**
   * @returns both ends of a new connection: the client's, and the server's, which is there until it is destroyed, however
   * early it was ended: what it sent may have yet to reach whoever it is for
   */
  static pair(ends: Ends): [client: StreamSocket, server: StreamSocket] {
    const [client, server] = [new StreamSocket(ends), new StreamSocket(ends)]
    client.#other = server
    server.#other = client
    server.#isHeld = true
    return [client, server]
  }

  private constructor({ remoteAddress, remotePort, localAddress, localPort }: Ends) {
    super()
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.localAddress = localAddress
    this.localPort = localPort
  }

  /** Emits `timeout` where neither end took anything for so long, in ms; 0 for never. */
  setTimeout(ms: number, listener?: () => void): this {
    clearTimeout(this.#silence)
    this.#silence = ms > 0 && !this.destroyed ? setTimeout(() => this.emit('timeout'), ms).unref() : undefined
    if (listener !== undefined && ms > 0) this.once('timeout', listener)
    return this
  }

  /** Ends it once everything that was written is out. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  override _read(): void {
    const wanted = this.#wanted
    this.#wanted = null
    if (wanted === null) return
    this.#silence?.refresh()
    wanted()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const other = this.#other
    if (other === null || other.destroyed) return void done(GONE())
    const taken = () => {
      this.#silence?.refresh()
      done()
    }
    this.#silence?.refresh()
    // A copy, as the kernel makes one: whoever wrote it may write into it again.
    if (other.#give(Buffer.from(chunk))) taken()
    else other.#wanted = taken
  }

  override _final(done: (error?: Error) => void): void {
    if (this.#other !== null) this.#other.#finish()
    if (!this.#isHeld) done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.setTimeout(0)
    const wanted = this.#wanted
    this.#wanted = null
    wanted?.() // the other end finds out as it writes on
    if (this.#other !== null) this.#other.#finish()
    done(error)
  }

  #give(chunk: Buffer): boolean {
    this.#silence?.refresh()
    return this.push(chunk)
  }

  #finish(): void {
    if (this.#isAtEnd || this.destroyed) return
    this.#isAtEnd = true
    this.push(null)
  }
}

const GONE = (): Error => Object.assign(new Error('The other end is gone'), { code: 'ECONNRESET' })
