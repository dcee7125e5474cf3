/** What text from outside may hold, before it reaches a terminal, a log, an engine or a store. */

/** C0 and C1 controls, line and paragraph separators, and the marks that reorder text on a screen. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

const UNSAFE_ALL = new RegExp(UNSAFE, 'gu')

/** One line that a terminal shows as it is written: no controls, no escapes, no lone surrogates. */
export function isLine(text: string): boolean {
  return text.isWellFormed() && !UNSAFE.test(text)
}

/** Text that an engine can take as an argument or a variable: anything but NUL and lone surrogates. */
export function isArgument(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** What another peer wrote for people, made a line of at most `maxLength` characters: for showing, never for comparing. */
export function toLine(text: string, maxLength: number): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text
  return short.toWellFormed().replace(UNSAFE_ALL, ' ')
}
