/** Longest line, in bytes of UTF-8. What is longer goes on in the next one. */
export const maxLineBytes = 64 * 1024

/**
 * The texts that `bytes[start, end)` becomes: one, or several where it is too long. Each is valid Unicode of at most
 * {@link maxLineBytes} of UTF-8; together they are what the whole decodes to.
 */
export function toTexts(bytes: Buffer, start: number, end: number): string[] {
  if (end - start <= maxLineBytes) return withinLimit(decode(bytes, start, end))
  const texts: string[] = []
  let from = start
  while (end - from > maxLineBytes) {
    const cut = characterBoundary(bytes, from + maxLineBytes)
    texts.push(...withinLimit(decode(bytes, from, cut)))
    from = cut
  }
  texts.push(...withinLimit(decode(bytes, from, end)))
  return texts
}

/** Where to cut at or just before `at`, so that no character of UTF-8 is cut in two. */
export function characterBoundary(bytes: Buffer, at: number): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[at - back] as number
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? at - back : at
  }
  return at
}

/** Bytes that are no UTF-8 become U+FFFD, as the WHATWG decoder does it; a byte order mark stays. */
export function decode(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('utf8', start, end)
}

/** A text grows when bytes are replaced: one byte that is no UTF-8 becomes three. */
function withinLimit(text: string): string[] {
  if (text.length * 3 <= maxLineBytes) return [text]
  const utf8 = Buffer.from(text)
  return utf8.length <= maxLineBytes ? [text] : toTexts(utf8, 0, utf8.length)
}
