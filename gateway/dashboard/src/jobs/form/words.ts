/**
 * The words of a command line, by the rules of a shell's quotes: `echo 'a b'` is two. Nothing is expanded. A quote that
 * is not closed yet reaches to the end, since somebody is typing it.
 */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let i = 0; i < text.length; i += 1) {
    const sign = text[i] ?? ''
    if (quote !== '') {
      if (sign === quote) quote = ''
      else if (sign === '\\' && quote === '"' && /["\\]/.test(text[i + 1] ?? '')) word += text[++i] ?? ''
      else word += sign
    } else if (/\s/.test(sign)) {
      if (word !== null) words.push(word)
      word = null
    } else if (sign === '"' || sign === "'") {
      quote = sign
      word ??= ''
    } else {
      word = (word ?? '') + (sign === '\\' && i + 1 < text.length ? (text[++i] ?? '') : sign)
    }
  }
  if (word !== null) words.push(word)
  return words
}

/** A command line that has these words. */
export function lineOf(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}
