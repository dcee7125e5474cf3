/**
 * The one place where the commands write. What others wrote (names, labels, reasons, messages) is shown with what a
 * terminal would act on written out; a job's own output alone goes on as it is, by {@link writeRaw}.
 */

import { once } from 'node:events'
import { escapeJson, escapeText } from '../../protocol/text.ts'

/** Lines on stdout: what the command was asked for. */
export function print(...lines: string[]): void {
  write(process.stdout, lines)
}

/** Lines on stderr: what people want to know beside it. */
export function say(...lines: string[]): void {
  write(process.stderr, lines)
}

function write(stream: NodeJS.WriteStream, lines: string[]): void {
  stream.write(lines.map((line) => `${escapeText(line)}\n`).join(''))
}

/** For programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${escapeJson(JSON.stringify(value, null, 2))}\n`)
}

/** For programs, one line for each. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${escapeJson(JSON.stringify(value))}\n`)
}

/** Who waits for room: once for all that is written meanwhile. */
const draining = new Map<'stdout' | 'stderr', Promise<void>>()

/** The bytes of a container, or of a file, as they are; resolves when there is room for more. */
export async function writeRaw(to: 'stdout' | 'stderr', bytes: Uint8Array | string): Promise<void> {
  if (process[to].write(bytes)) return
  // Where it cannot be written, `stopping.ts` has seen that, and nothing more is waited for.
  const over = (): void => void draining.delete(to)
  const drained = draining.get(to) ?? once(process[to], 'drain').then(over, over)
  draining.set(to, drained)
  await drained
}

/** In the same place each time where that is a terminal, else one block after the other. */
export function repaint(lines: string[]): void {
  const { stdout } = process
  // Clears the terminal and goes to its first column.
  if (stdout.isTTY) stdout.write('\x1b[H\x1b[2J\x1b[3J')
  print(...lines, ...(stdout.isTTY ? [] : ['']))
}

/** A question on stderr, the answer beside it. */
export function ask(question: string): void {
  process.stderr.write(escapeText(question))
}
