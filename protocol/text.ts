/** What text from outside may hold, before it reaches a terminal, a log, an engine or a store. */

/**
 * C0 and C1 controls, line and paragraph separators, the marks that reorder text on a screen, and what shows as nothing
 * (the joiners between letters and emoji are left: scripts need them).
 */
const UNSAFE = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0001}]/u

const UNSAFE_ALL = new RegExp(UNSAFE, 'gu')

/** One line that a terminal shows as it is written: no controls, no escapes, no lone surrogates. */
export function isLine(text: string): boolean {
  return text.isWellFormed() && !UNSAFE.test(text)
}

/** Lines, with tabs and line ends, of which the same holds. */
export function isLines(text: string): boolean {
  return isLine(text.replaceAll(/\r?\n|\t/g, ' '))
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

/**
 * A peer's name for people, who choose by it: without one, or with letters beyond ASCII, of which many look like others
 * (the Cyrillic а like the Latin a), the end of its peer id tells it apart.
 *
 * @returns e.g. `attic`, `…9kLmNoPq`, `аttic (…9kLmNoPq)`
 */
export function shownName(name: string, peerId: string): string {
  const tail = `…${peerId.slice(-8)}`
  if (name === '') return tail
  return /^[\x20-\x7e]+$/.test(name) ? name : `${name} (${tail})`
}

/** Unsafe characters, and surrogates without their other half. */
const HIDDEN = new RegExp(`${UNSAFE.source}|\\p{Cs}`, 'gu')
/** How people write the usual ones. */
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text for a line on a terminal: what the terminal would act on, or hide, is written out, e.g. as `\x1b` or `\u202e`. */
export function escapeText(text: string): string {
  return text.replace(HIDDEN, (char) => SHORT[char] ?? escapeOf(char))
}

/** JSON that a terminal shows as it is: its strings may hold more than its own rules have written out. */
export function escapeJson(json: string): string {
  // Line ends and the indent are JSON's own here; within strings they are written out already.
  return json.replace(HIDDEN, (char) => (char === '\n' || char === '\t' ? char : unicodeEscapes(char)))
}

function escapeOf(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  return code < 0x10000 ? unicodeEscapes(char) : `\\u{${code.toString(16)}}`
}

/** As JSON and JavaScript write it, UTF-16 unit by unit. */
function unicodeEscapes(char: string): string {
  return char
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
