import { toLine } from '../../protocol/text.ts'

/** In UTF-16 code units. */
const MAX_LENGTH = 500

/** What an engine says, as its owner reads it: one line, and not too much of it. */
export function engineWords(text: string): string {
  return toLine(text, MAX_LENGTH)
}
