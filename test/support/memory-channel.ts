import { orAborted } from '../../node/abort.ts'
import { type Channel, ChannelBrokenError } from '../../node/network/index.ts'

/** Bytes on the way or unread before the sender waits. */
const HIGH_WATER_BYTES = 256 * 1024

export interface Link {
  /** Resolves when what is sent from here may arrive, in order; rejects where the connection is lost. */
  carry(): Promise<void>
  /** What was sent from here is longer than its reader allows. */
  tooLong(): void
}

export interface MemoryEnd extends Channel {
  /** Whether this end can be read or written no more. */
  readonly closed: Promise<void>
  /** The connection under it was lost. */
  lose(reason: string): void
}

interface Side {
  unread: Uint8Array[]
  /** Unread, or on the way here. */
  bytes: number
  ended: boolean
  broken: ChannelBrokenError | undefined
  wake: PromiseWithResolvers<void>
  room: PromiseWithResolvers<void>
  done: PromiseWithResolvers<void>
}

/** Two ends of one stream. `limits` and `links` belong to the end of the same index. */
export function createChannelPair(limits: [number, number], links: [Link, Link]): [MemoryEnd, MemoryEnd] {
  const sides: [Side, Side] = [createSide(), createSide()]
  return [
    createEnd(sides[0], sides[1], links[0], limits),
    createEnd(sides[1], sides[0], links[1], [limits[1], limits[0]]),
  ]
}

function createSide(): Side {
  const side = { unread: [], bytes: 0, ended: false, broken: undefined } as Partial<Side>
  return Object.assign(side, {
    wake: Promise.withResolvers<void>(),
    room: Promise.withResolvers<void>(),
    done: Promise.withResolvers<void>(),
  }) as Side
}

function createEnd(own: Side, other: Side, link: Link, limits: [number, number]): MemoryEnd {
  let closed = false
  let lost = false
  let reading = false
  let lastSent: Promise<void> = Promise.resolve()

  /** Runs `arrive` at the other side after all that was sent before it; not at all where some of that was lost. */
  const send = (arrive: () => void): void => {
    lastSent = lastSent.then(async () => {
      if (lost) return
      try {
        await link.carry()
        arrive()
      } catch (error) {
        lost = true
        breakSide(own, asBroken(error))
        breakSide(other, asBroken(error))
      }
    })
  }
  const abort = (reason: Error): void => {
    if (own.broken !== undefined) return
    breakSide(own, asBroken(reason))
    link.carry().then(
      () => breakSide(other, new ChannelBrokenError('The other side aborted the channel')),
      () => {}, // cut off: the other side hears nothing, as on a real network
    )
  }

  return {
    closed: own.done.promise,
    lose: (reason) => breakSide(own, new ChannelBrokenError(reason)),
    abort,

    async send(message) {
      if (own.broken !== undefined) throw own.broken
      if (closed) throw new ChannelBrokenError('The channel is closed')
      const copy = Uint8Array.from(message)
      other.bytes += copy.length
      send(() => {
        if (copy.length > limits[1]) {
          link.tooLong()
          const tooLong = new ChannelBrokenError(`A message of ${copy.length} bytes; at most ${limits[1]} are read`)
          breakSide(own, tooLong)
          return breakSide(other, tooLong)
        }
        other.unread.push(copy)
        wake(other)
      })
      while (own.broken === undefined && other.bytes >= HIGH_WATER_BYTES) {
        await Promise.race([other.room.promise, own.done.promise])
      }
      if (own.broken !== undefined) throw own.broken
    },

    async receive(options = {}) {
      if (reading) throw new Error('Someone already waits for the next message of this channel')
      reading = true
      try {
        while (true) {
          const next = own.unread.shift()
          if (next !== undefined) {
            own.bytes -= next.length
            giveRoom(own)
            return next
          }
          if (own.broken !== undefined) throw own.broken
          if (own.ended) return null
          await orAborted(own.wake.promise, options.signal)
        }
      } finally {
        reading = false
      }
    },

    async close() {
      if (closed || own.broken !== undefined) return
      closed = true
      send(() => {
        other.ended = true
        wake(other)
        if (own.ended) {
          own.done.resolve()
          other.done.resolve()
        }
      })
    },
  }
}

function breakSide(side: Side, reason: ChannelBrokenError): void {
  side.broken ??= reason
  wake(side)
  giveRoom(side)
  side.done.resolve()
}

function wake(side: Side): void {
  side.wake.resolve()
  side.wake = Promise.withResolvers()
}

function giveRoom(side: Side): void {
  side.room.resolve()
  side.room = Promise.withResolvers()
}

function asBroken(error: unknown): ChannelBrokenError {
  if (error instanceof ChannelBrokenError) return error
  return new ChannelBrokenError(error instanceof Error ? error.message : String(error), { cause: error })
}
