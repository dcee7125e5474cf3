/** Lines of a container's output as they are written down, and read again. */

import { isUtf8 } from 'node:buffer'
import type { LogRecord } from './records.ts'

/** With `base64`, `line` is empty: it says nothing that the bytes do not say. */
export type StoredLine = Omit<LogRecord, 'number' | 'attempt'>

/** A line as a provider reports it: what is told of the bytes by them, and not by the text beside them. */
export function lineOf(text: string, bytes: Uint8Array): Pick<StoredLine, 'line' | 'base64'> {
  if (bytes.length === 0) return { line: text }
  const own = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(own) ? { line: own.toString() } : { line: '', base64: own.toString('base64') }
}

/** With the text of lines that are no UTF-8. */
export function withText<L extends Pick<StoredLine, 'line' | 'base64'>>(line: L): L {
  return line.base64 === undefined ? line : { ...line, line: Buffer.from(line.base64, 'base64').toString() }
}

/** What a line takes beside its text, in bytes: its time and where it came from. A blank one takes 17 on the disk. */
const LINE_BYTES = 24

/** What a line counts of a job's room, in bytes: what it costs, about, and a blank one no less for being blank. */
export function loggedSize({ line, base64 = '' }: Pick<StoredLine, 'line' | 'base64'>): number {
  return Buffer.byteLength(line) + base64.length + LINE_BYTES
}

/** The very bytes that the container wrote, its newline included where there was one; text is in UTF-8. */
export function writtenBytes(written: {
  line: string
  base64?: string | undefined
  partial?: boolean | undefined
}): Buffer | string {
  const { line, base64, partial } = written
  const newline = partial === true ? '' : '\n'
  if (base64 === undefined) return line + newline
  return Buffer.concat([Buffer.from(base64, 'base64'), Buffer.from(newline)])
}
