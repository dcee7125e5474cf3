import { EngineError } from '../index.ts'

/** One record of the engine's log: up to 16 KiB of one stream's output, as the container wrote it. */
export interface LogRecord {
  stream: 'stdout' | 'stderr'
  /** Buffer that holds it, and where in it its text starts and ends. Valid until the next `push`. */
  bytes: Buffer
  start: number
  end: number
  /** When the engine received it, or the beginning of the line that it continues, in ms since the epoch. */
  timestampMs: number
  /** Where in `bytes` the engine's own, finer timestamp stands: up to the space before `start`. */
  timestampStart: number
}

/** Length of `2026-11-23T21:55:20.840823514Z`. Docker pads it, and puts one space behind it. */
const timestampLength = 30

/** Podman's has no fraction of a second, but may have an offset: `2026-11-23T21:55:20+01:00`. */
const shortestTimestamp = 20
const space = 0x20
const point = 0x2e
const fractionAt = '2026-11-23T21:55:20'.length

const headerLength = 8

/** Longest frame that is believed; the engine's are of 16 KiB and a timestamp. */
const maxFrameLength = 1024 * 1024

/** Takes the bytes of a log apart. Give it them in pieces of any size; each record comes as soon as it is complete. */
export interface FrameReader {
  push(chunk: Buffer): void
  /** The log is over: what has come of a record is all of it. */
  finish(): void
}

/**
 * Takes the engine's multiplexed log stream apart: frames of 1 byte stream, 3 bytes nothing, 4 bytes length, then a
 * timestamp and the text.
 *
 * @param onConsumed Told that the frames in `bytes[0, end)` were complete.
 */
export function createFrameReader(
  onRecord: (record: LogRecord) => void,
  onConsumed: (bytes: Buffer, end: number) => void = () => {},
): FrameReader {
  let rest: Buffer = Buffer.alloc(0)
  const clock = createTimestampReader()
  const record: LogRecord = { stream: 'stdout', bytes: rest, start: 0, end: 0, timestampMs: 0, timestampStart: 0 }

  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      record.bytes = bytes
      let at = 0
      while (bytes.length - at >= headerLength) {
        const kind = bytes[at] as number
        const length = bytes.readUInt32BE(at + 4)
        if (length > maxFrameLength || kind > 3) throw brokenLog('its frames cannot be read')
        const start = at + headerLength
        const end = start + length
        if (end > bytes.length) break
        if (kind === 3) throw brokenLog(bytes.toString('utf8', start, end).trim())
        const timestampEnd = endOfTimestamp(bytes, start, end)
        record.stream = kind === 2 ? 'stderr' : 'stdout'
        record.timestampStart = start
        record.timestampMs = clock(bytes, start, timestampEnd)
        record.start = timestampEnd + 1
        record.end = end
        onRecord(record)
        at = end
      }
      if (at > 0) onConsumed(bytes, at)
      rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at)
    },
    // What is no whole frame is none.
    finish() {},
  }
}

function endOfTimestamp(bytes: Buffer, start: number, end: number): number {
  const usual = start + timestampLength
  // A text of Podman's may have a space there, too.
  if (usual < end && bytes[usual] === space && bytes[start + fractionAt] === point) return usual
  const found = bytes.subarray(start, Math.min(end, usual)).indexOf(space)
  if (found < shortestTimestamp) throw brokenLog('a record lacks its timestamp')
  return start + found
}

/** Reads timestamps quickly: most share all but the fraction of a second with the one before. */
export function createTimestampReader(): (bytes: Buffer, at: number, end: number) => number {
  const lastSecond = Buffer.alloc('2026-11-23T21:55:20'.length)
  let lastSecondMs = Number.NaN
  return (bytes, at, end) => {
    if (end - at !== timestampLength) return wholeTimestamp(bytes.toString('latin1', at, end))
    for (let i = lastSecond.length - 1; i >= 0; i--) {
      if (bytes[at + i] === lastSecond[i]) continue
      bytes.copy(lastSecond, 0, at, at + lastSecond.length)
      lastSecondMs = Date.parse(`${lastSecond.toString('latin1')}Z`)
      if (Number.isNaN(lastSecondMs)) throw brokenLog('a record has no timestamp')
      break
    }
    const digit = (place: number) => (bytes[at + place] as number) - 48
    return lastSecondMs + digit(20) * 100 + digit(21) * 10 + digit(22)
  }
}

function wholeTimestamp(text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw brokenLog('a record has no timestamp')
  return ms
}

/** `ENGINE_ERROR`, `details.reason: 'log-unreadable'`. */
export function brokenLog(what: string): EngineError {
  return new EngineError('ENGINE_ERROR', `the engine's log cannot be read: ${what}`, { reason: 'log-unreadable' })
}
