/** Sequences with which a program moves the cursor of a terminal, colours it, or names its window. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\)|[@-Z\\^_])/g
/**
 * What people do not see and a model reads: control characters, marks of direction, tags, selectors and fillers, halves of
 * characters; but not line ends and tabs.
 */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu

/** A text as somebody at a terminal would read it: what cannot be seen is written out, such as `\u{200b}`. */
export function shown(text: string): string {
  return text
    .replace(TERMINAL, '')
    .replace(/\r\n?/g, '\n')
    .replace(UNSEEN, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)
}

/** A part of a text, and how many of its characters are missing. */
export interface Part {
  text: string
  leftOut: number
}

/**
 * The beginning and the end of a text as {@link shown}. Of a long one no more is looked at than may be needed, since the
 * output of a container may be megabytes. @param max characters
 */
export function shownEnds(text: string, max: number): Part {
  if (text.length <= 2 * max) return clipped(shown(text), max)
  const half = Math.floor(max / 2)
  const leftOut = text.length - 2 * half
  const [head, tail] = [shown(text.slice(0, max)).slice(0, half), shown(text.slice(-max)).slice(-half)]
  return { text: `${head}\n${leftOutMark(leftOut)}\n${tail}`, leftOut }
}

/** The beginning of a text as {@link shown}, where its end is not known. @param max characters */
export function shownStart(text: string, max: number): string {
  return shown(text.slice(0, max)).slice(0, max)
}

/** The beginning and the end of a text that is too long, and how much is missing between. @param max characters */
function clipped(text: string, max: number): Part {
  if (text.length <= max) return { text, leftOut: 0 }
  const half = Math.floor(max / 2)
  const leftOut = text.length - 2 * half
  return { text: `${text.slice(0, half)}\n${leftOutMark(leftOut)}\n${text.slice(-half)}`, leftOut }
}

function leftOutMark(characters: number): string {
  return `[… ${characters} characters left out …]`
}
