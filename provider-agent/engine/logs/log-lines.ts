import { EngineError, type LogLine, type LogsOptions } from '../index.ts'
import type { LogRecord } from './log-frames.ts'
import { characterBoundary, type LogPiece, maxLineBytes, toPiece, toPieces } from './log-text.ts'

/** Where to begin, and how the engine's log ends its lines. */
export interface LineAssemblerInit {
  /** First line number that comes out. */
  fromLine: number
  /**
   * How a log that cuts long lines into records tells where one ends. Every driver puts a newline behind a line of one
   * record; behind one of several `newline` means so too, and `timestamp` that it cannot be relied on (`local` of Docker
   * 20.10), but records of one line share their timestamp to the nanosecond.
   */
  lineEnd: 'newline' | 'timestamp'
  lastSeen?: LogsOptions['lastSeen']
}

/**
 * Takes records, in the order of the log, and gives lines. Throws {@link logTruncated} where the numbers would be
 * wrong.
 */
export interface LineAssembler {
  push(record: LogRecord): void
  /** The lines that have become complete since the last call. */
  take(): LogLine[]
  /** Whether the end of a stream's last line cannot be told from the records alone; see {@link LineAssemblerInit.lineEnd}. */
  isEndUnknown(stream: LogRecord['stream']): boolean
  /**
   * The log is over: what has no newline comes out as it is, `partial`.
   * @param ended whether a newline was written behind the last line of a stream whose end is unknown. @default both true
   */
  finish(ended?: Partial<Record<LogRecord['stream'], boolean>>): void
}

/** The beginning of a line that is not complete. */
interface Pending {
  stream: LogRecord['stream']
  parts: Buffer[]
  length: number
  timestampMs: number
  timestamp: string
  /** Whether its first record was full, so that the engine had to cut it. */
  wasCut: boolean
}

const newline = 0x0a

/** Docker cuts longer lines into records of this many bytes. */
const fullRecordBytes = 16 * 1024

/**
 * Makes lines of records and numbers them in the order in which they are complete. A function of the records alone, so
 * that replaying a log gives the same lines and numbers.
 */
export function createLineAssembler(init: LineAssemblerInit): LineAssembler {
  const { fromLine, lineEnd, lastSeen } = init
  let lines: LogLine[] = []
  let count = 0
  const pending: Record<LogRecord['stream'], Pending | null> = { stdout: null, stderr: null }

  /** Numbers a line. Answers whether anybody wants it. */
  function next(timestampMs: number): boolean {
    count += 1
    if (count === lastSeen?.number && timestampMs !== lastSeen.timestampMs) throw logTruncated()
    return count >= fromLine
  }

  function emit(stream: LogRecord['stream'], timestampMs: number, pieces: LogPiece[], goesOn: boolean): void {
    for (const [i, piece] of pieces.entries()) {
      if (!next(timestampMs)) continue
      lines.push({ number: count, stream, timestampMs, ...piece, partial: goesOn || i < pieces.length - 1 })
    }
  }

  function complete(line: Pending, terminated: boolean): void {
    const bytes = join(line)
    emit(line.stream, line.timestampMs, toPieces(bytes, 0, bytes.length), !terminated)
    pending[line.stream] = null
  }

  const isEndUnknown = (stream: LogRecord['stream']): boolean =>
    lineEnd === 'timestamp' && pending[stream]?.wasCut === true

  /** Adds to a line that is not complete, and lets out what already makes a line of its own. */
  function hold(record: LogRecord, end: number): void {
    const { stream, timestampMs } = record
    const timestamp = timestampOf(record)
    const wasCut = end - record.start >= fullRecordBytes
    const line = pending[stream] ?? { stream, parts: [], length: 0, timestampMs, timestamp, wasCut }
    pending[stream] = line
    line.parts.push(Buffer.from(record.bytes.subarray(record.start, end)))
    line.length += end - record.start
    // One byte more than a line may have shows that it goes on.
    while (line.length > maxLineBytes) {
      const bytes = join(line)
      const cut = characterBoundary(bytes, maxLineBytes)
      emit(stream, line.timestampMs, toPieces(bytes, 0, cut), true)
      line.parts = [bytes.subarray(cut)]
      line.length = bytes.length - cut
      line.timestampMs = timestampMs
    }
  }

  return {
    push(record) {
      const { bytes, start, end, stream } = record
      const held = pending[stream]
      if (held !== null && lineEnd === 'timestamp' && held.timestamp !== timestampOf(record)) complete(held, true)
      const terminated = end > start && bytes[end - 1] === newline
      if (terminated && pending[stream] === null && (end - start) * 3 <= maxLineBytes) {
        // Nearly every record: one line, whole, and too short to need splitting whatever its bytes decode to.
        const { timestampMs } = record
        if (!next(timestampMs)) return
        lines.push({ number: count, stream, timestampMs, ...toPiece(bytes, start, end - 1), partial: false })
        return
      }
      hold(record, terminated ? end - 1 : end)
      const line = pending[stream]
      if (terminated && line !== null) complete(line, true)
    },

    take() {
      const taken = lines
      lines = []
      return taken
    },

    isEndUnknown,

    finish(ended = {}) {
      for (const line of Object.values(pending)) {
        if (line !== null) complete(line, isEndUnknown(line.stream) && (ended[line.stream] ?? true))
      }
      if (lastSeen !== undefined && count < lastSeen.number) throw logTruncated()
    },
  }
}

/** A record's timestamp as the engine wrote it: finer than a millisecond. */
function timestampOf({ bytes, timestampStart, start }: LogRecord): string {
  return bytes.toString('latin1', timestampStart, start - 1)
}

function join(line: Pending): Buffer {
  return line.parts.length === 1 ? (line.parts[0] as Buffer) : Buffer.concat(line.parts, line.length)
}

/**
 * `ENGINE_ERROR`, `details.reason: 'log-truncated'`: lines that were read before are gone, so that all numbers would be
 * wrong.
 */
export function logTruncated(): EngineError {
  const text = "the engine's log lost lines that were there before"
  return new EngineError('ENGINE_ERROR', text, { reason: 'log-truncated' })
}
