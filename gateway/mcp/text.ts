/** Sequences with which a program moves the cursor of a terminal, colours it, or names its window. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\)|[@-Z\\^_])/g
/** What people do not see and a model reads: control characters, marks of direction, tags; but not line ends and tabs. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** A text as somebody at a terminal would read it: what cannot be seen is written out, such as `\u{200b}`. */
export function shown(text: string): string {
  return text
    .replace(TERMINAL, '')
    .replace(/\r\n?/g, '\n')
    .replace(UNSEEN, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)
}

/** The beginning and the end of a text that is too long, and how much is missing between. @param max characters */
export function clipped(text: string, max: number): { text: string; leftOut: number } {
  if (text.length <= max) return { text, leftOut: 0 }
  const half = Math.floor(max / 2)
  const leftOut = text.length - 2 * half
  return { text: `${text.slice(0, half)}\n[… ${leftOut} characters left out …]\n${text.slice(-half)}`, leftOut }
}
