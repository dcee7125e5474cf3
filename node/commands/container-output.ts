import { writtenBytes } from '../store/stored-lines.ts'
import { say, writeRaw } from './print.ts'

type StreamName = 'stdout' | 'stderr'

/** A line of a job's log, as the store and the API both have it. */
export interface OutputLine {
  stream: StreamName
  line: string
  /** What was written, without the newline; absent where that is just `line` in UTF-8. */
  base64?: string | undefined
  /** Whether no newline comes behind it. */
  partial?: boolean | undefined
}

/** Writes what a container wrote; see {@link containerOutput}. */
export interface ContainerOutput {
  /**
   * Writes a line as the container wrote it, byte for byte, to the stream of the same name; resolves when there is room
   * for more.
   * @param before put in front where the line begins, and not where it goes on
   */
  write(line: OutputLine, before?: string): Promise<void>
  /** Begins a new line on stderr where people would read what comes next behind a half line of the container's. */
  beginLine(): void
}

/** A container's output on this process's own streams. */
export function containerOutput(): ContainerOutput {
  const isOpen: Record<StreamName, boolean> = { stdout: false, stderr: false }
  return {
    async write(line, before = '') {
      const { stream } = line
      if (before !== '' && !isOpen[stream]) await writeRaw(stream, before)
      isOpen[stream] = line.partial === true
      await writeRaw(stream, writtenBytes(line))
    },
    beginLine() {
      const isSeen = isOpen.stderr || (isOpen.stdout && process.stdout.isTTY && process.stderr.isTTY)
      if (isSeen) say('')
      isOpen.stderr = false
      if (isSeen) isOpen.stdout = false
    },
  }
}
