import {
  FRAMES_OF_CONTROL,
  MAX_CONTINUATIONS,
  MAX_FRAMES_IN_TURN,
  MAX_HEAD_BLOCK_BYTES,
  MAX_HEADS_IN_TURN,
  STREAMS_TAKEN_BACK,
} from '../limits.ts'
import { createAllowance } from './allowance.ts'

/** A connection that sends what no client has a reason to send; it is ended. */
export class ExcessError extends Error {
  override readonly name = 'ExcessError'
}

/** A part of what a client sent. */
export interface Slice {
  bytes: Buffer
  /** Whether others go first: it begins requests, or is not the first part of what arrived. */
  needsTurn: boolean
}

/** Counts the frames of one client before anything is made of them; see {@link createFrameMeter}. */
export interface FrameMeter {
  /** What arrived, in parts that may each be read in one go. @throws {ExcessError} once the client has sent too much */
  slices(chunk: Buffer): Iterable<Slice>
  /** So many bytes were sent to the client, which may answer them. */
  sent(bytes: number): void
  /** A stream ended before its answer did. @returns whether as many may */
  broken(): boolean
  /** Which head has begun and not ended, counted from 1, 0 where the connection has yet to begin; null where none has. */
  head(): number | null
}

const PREFACE_BYTES = 24
const HEADER_BYTES = 9
/** The least that a peer has to take, and the most that this server says it takes. */
const MAX_FRAME_BYTES = 16_384
const TYPE = { data: 0, headers: 1, reset: 3, continuation: 9 } as const
const FLAG = { endHeaders: 4, padded: 8 } as const
/** For so many bytes that it gets a client may answer with a frame more: windows are opened again as they are used up. */
const BYTES_A_FRAME = 1_024
/** Frames that go with a request: its windows, its end. */
const FRAMES_A_REQUEST = 4

/**
 * Reads the nine bytes that begin each frame (RFC 9113, 4.1), and nothing else. What it bounds is what costs work without
 * being a request: heads in pieces, streams that are taken back, and frames about the connection itself. And it parts what
 * arrived, since Node makes something of every frame of it before anybody else has a turn.
 * @param clients how many speak by it: a proxy's connection carries many. @default 1
 */
export function createFrameMeter(clients = 1): FrameMeter {
  const control = createAllowance(times(FRAMES_OF_CONTROL, clients))
  const takenBack = createAllowance(times(STREAMS_TAKEN_BACK, clients))
  const header = Buffer.alloc(HEADER_BYTES)
  let known = 0
  /** Of the preface or of a frame's payload, what has yet to come. */
  let left = PREFACE_BYTES
  let hasBegun = false
  let begun = 0
  /** Bytes and pieces of the head that is coming; null where none is. */
  let head: { bytes: number; pieces: number; isLast: boolean } | null = null

  function charge(kind: typeof control, what: string): void {
    if (!kind.take(1)) throw new ExcessError(`Too many ${what}`)
  }

  function begin(type: number, flags: number, length: number): void {
    if (length > MAX_FRAME_BYTES) throw new ExcessError('A frame is too long')
    if (type === TYPE.headers || type === TYPE.continuation) {
      const { bytes, pieces } = type === TYPE.headers || head === null ? { bytes: 0, pieces: 0 } : head
      head = { bytes: bytes + length, pieces: pieces + 1, isLast: (flags & FLAG.endHeaders) !== 0 }
      if (head.bytes > MAX_HEAD_BLOCK_BYTES || head.pieces > MAX_CONTINUATIONS)
        throw new ExcessError('A head is too long')
      if (type === TYPE.headers) {
        begun += 1
        control.give(FRAMES_A_REQUEST)
      } else if (length === 0) charge(control, 'frames without a request')
      return
    }
    if (type === TYPE.reset) charge(takenBack, 'requests taken back')
    else if (type !== TYPE.data || length === 0 || (flags & FLAG.padded) !== 0)
      charge(control, 'frames without a request')
  }

  function* slices(chunk: Buffer): Generator<Slice> {
    let from = 0
    let at = 0
    let frames = 0
    let heads = 0
    let hasReset = false
    const cut = (to: number): Slice => {
      const slice = { bytes: chunk.subarray(from, to), needsTurn: from > 0 || heads > 0 }
      from = to
      frames = 0
      heads = 0
      hasReset = false
      return slice
    }
    while (at < chunk.length) {
      if (left > 0) {
        const passed = Math.min(left, chunk.length - at)
        at += passed
        left -= passed
      } else {
        const taken = Math.min(HEADER_BYTES - known, chunk.length - at)
        chunk.copy(header, known, at, at + taken)
        at += taken
        known += taken
        if (known < HEADER_BYTES) break
        known = 0
        left = header.readUIntBE(0, 3)
        const type = header.readUInt8(3)
        begin(type, header.readUInt8(4), left)
        // What was taken back makes room in the next round of the loop, and its client counts on it now.
        if (type === TYPE.headers && hasReset && at - HEADER_BYTES > from) yield cut(at - HEADER_BYTES)
        frames += 1
        if (type === TYPE.headers) heads += 1
        if (type === TYPE.reset) hasReset = true
      }
      if (left > 0) continue
      hasBegun = true
      if (head?.isLast === true) head = null
      if (heads >= MAX_HEADS_IN_TURN || frames >= MAX_FRAMES_IN_TURN) yield cut(at)
    }
    if (from < chunk.length) yield cut(chunk.length)
  }

  return {
    slices,
    sent: (bytes) => control.give(bytes / BYTES_A_FRAME),
    broken: () => takenBack.take(1),
    head: () => (!hasBegun ? 0 : head === null ? null : begun),
  }
}

function times({ atOnce, perSecond }: Parameters<typeof createAllowance>[0], clients: number) {
  return { atOnce: clients * atOnce, perSecond: clients * perSecond }
}
