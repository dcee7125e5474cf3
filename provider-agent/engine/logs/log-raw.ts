import { brokenLog, createTimestampReader, type FrameReader, type LogRecord } from './log-frames.ts'

/** Longest record that is believed; the engine's are of 16 KiB and a timestamp. */
const MAX_RECORD_BYTES = 1024 * 1024
/** Docker cuts longer lines into records of this many bytes. */
const FULL_TEXT_BYTES = 16 * 1024
/** A timestamp in front of a text, with or without a fraction of a second and an offset. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) /
/** The longest of those, in bytes. */
const MAX_TIMESTAMP_BYTES = 36

const NEWLINE = 0x0a

/**
 * Takes the log of a container with a terminal apart. There are no frames in it: each record is a timestamp and a text that
 * ends with a newline, where the engine did not cut it at 16 KiB. All is standard output.
 *
 * @param onConsumed as of `createFrameReader`
 */
export function createRawReader(
  onRecord: (record: LogRecord) => void,
  onConsumed: (bytes: Buffer, end: number) => void = () => {},
): FrameReader {
  let rest: Buffer = Buffer.alloc(0)
  const clock = createTimestampReader()
  const record: LogRecord = { stream: 'stdout', bytes: rest, start: 0, end: 0, timestampMs: 0, timestampStart: 0 }

  /** Where the text of the record at `at` begins; null where that has not come yet. */
  function textAt(bytes: Buffer, at: number): number | null {
    const head = bytes.toString('latin1', at, at + MAX_TIMESTAMP_BYTES)
    const [timestamp] = TIMESTAMP.exec(head) ?? []
    if (timestamp !== undefined) return at + timestamp.length
    if (head.length < MAX_TIMESTAMP_BYTES) return null
    throw brokenLog('a record lacks its timestamp')
  }

  /** Where the text at `start` ends; null where that has not come yet. */
  function endOf(bytes: Buffer, start: number, isAll: boolean): number | null {
    const newline = bytes.indexOf(NEWLINE, start)
    const whole = newline === -1 ? null : newline + 1
    const full = start + FULL_TEXT_BYTES
    if (whole !== null && whole <= full) return whole
    // Two records of one line, or one of an engine that does not cut.
    if (TIMESTAMP.test(bytes.toString('latin1', full, full + MAX_TIMESTAMP_BYTES))) return full
    if (bytes.length - start > MAX_RECORD_BYTES) throw brokenLog('a record has no end')
    return isAll || bytes.length >= full + MAX_TIMESTAMP_BYTES ? whole : null
  }

  function read(bytes: Buffer, isAll: boolean): void {
    record.bytes = bytes
    let at = 0
    while (at < bytes.length) {
      const start = textAt(bytes, at)
      if (start === null) break
      const end = endOf(bytes, start, isAll) ?? (isAll ? bytes.length : null)
      if (end === null) break
      record.timestampStart = at
      record.timestampMs = clock(bytes, at, start - 1)
      record.start = start
      record.end = end
      onRecord(record)
      at = end
    }
    if (at > 0) onConsumed(bytes, at)
    rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at)
  }

  return {
    push: (chunk) => read(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), false),
    finish: () => read(rest, true),
  }
}
