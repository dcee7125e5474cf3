import { EngineError, type LogLine, type LogsOptions } from './index.ts'
import type { LogRecord } from './log-frames.ts'
import { characterBoundary, decode, maxLineBytes, toTexts } from './log-text.ts'

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

export interface LineAssembler {
  push(record: LogRecord): void
  /** The lines that have become complete since the last call. */
  take(): LogLine[]
  /** The log is over: lines without a newline are complete too. */
  finish(): void
}

/** The beginning of a line that is not complete. */
interface Pending {
  stream: LogRecord['stream']
  parts: Buffer[]
  length: number
  timestampMs: number
  timestamp: string
}

const newline = 0x0a
const carriageReturn = 0x0d

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

  function emit(stream: LogRecord['stream'], timestampMs: number, texts: string[], goesOn: boolean): void {
    for (const [i, line] of texts.entries()) {
      if (!next(timestampMs)) continue
      lines.push({ number: count, stream, timestampMs, line, partial: goesOn || i < texts.length - 1 })
    }
  }

  function complete(line: Pending, terminated: boolean): void {
    const bytes = join(line)
    const end = terminated && bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length
    emit(line.stream, line.timestampMs, toTexts(bytes, 0, end), false)
    pending[line.stream] = null
  }

  /** Adds to a line that is not complete, and lets out what already makes a line of its own. */
  function hold(record: LogRecord, end: number): void {
    const { stream, timestampMs } = record
    const line = pending[stream] ?? { stream, parts: [], length: 0, timestampMs, timestamp: timestampOf(record) }
    pending[stream] = line
    line.parts.push(Buffer.from(record.bytes.subarray(record.start, end)))
    line.length += end - record.start
    // Two bytes more than a line may have: one that shows that it goes on, and one that may be the `\r` of its end.
    while (line.length >= maxLineBytes + 2) {
      const bytes = join(line)
      const cut = characterBoundary(bytes, maxLineBytes)
      const texts = toTexts(bytes, 0, cut)
      emit(stream, line.timestampMs, texts, true)
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
        const textEnd = end - 2 >= start && bytes[end - 2] === carriageReturn ? end - 2 : end - 1
        lines.push({ number: count, stream, timestampMs, line: decode(bytes, start, textEnd), partial: false })
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

    finish() {
      for (const line of Object.values(pending)) if (line !== null) complete(line, false)
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

export function logTruncated(): EngineError {
  const text = "the engine's log lost lines that were there before"
  return new EngineError('ENGINE_ERROR', text, { reason: 'log-truncated' })
}
