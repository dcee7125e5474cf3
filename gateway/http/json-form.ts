const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPENS = new Set([0x5b, 0x7b])
const CLOSES = new Set([0x5d, 0x7d])

/**
 * Counts what JSON holds without making it: text of 1 MiB may hold half a million values, each wrong by itself.
 * @returns what is too much of it, for people, e.g. `holds more than 4096 values`; null where nothing is
 */
export function excessOf(text: string, most: { values: number; depth: number }): string | null {
  let values = 1
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (isText) {
      if (code === BACKSLASH) at += 1
      else if (code === QUOTE) isText = false
    } else if (code === QUOTE) isText = true
    else if (code === COMMA) values += 1
    else if (OPENS.has(code)) {
      values += 1
      depth += 1
    } else if (CLOSES.has(code)) depth -= 1
    if (values > most.values) return `holds more than ${most.values} values`
    if (depth > most.depth) return `holds values in each other, more than ${most.depth} deep`
  }
  return null
}
