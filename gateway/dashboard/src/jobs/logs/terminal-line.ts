import { PLAIN, styled, type TextStyle } from './text-style.ts'

/** Text of one style, and where it leads. */
export interface TextSpan {
  text: string
  style: TextStyle
  href?: string
}

/** What a line may order: `ESC [ …`, `ESC ] … BEL` or `ESC ] … ESC \`, other escapes; and single characters. */
const ORDERS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
  /\x1b(?:\[([0-?]*)[ -/]*([@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])|[\x00-\x1f\x7f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const HAS_ORDERS = /[\x00-\x08\x0a-\x1f\x7f]/
/** A line goes no further to the right than this by orders alone, in characters. */
const MAX_COLUMN = 2_000
const TAB = 8
/** The only schemes of links that a container may make. */
const SAFE_LINK = /^(?:https?|mailto):/i
const MAX_LINK = 2_048

/** Whether a line is anything else than its own text. */
function hasOrders(line: string): boolean {
  return HAS_ORDERS.test(line)
}

/** The style that holds behind a line. */
export function styleBehind(line: string, before: TextStyle): TextStyle {
  if (!line.includes('\x1b[')) return before
  let style = before
  for (const [, parameters = '', final] of line.matchAll(ORDERS)) {
    if (final === 'm') style = styled(style, parameters)
  }
  return style
}

/** What a terminal shows of a line, without colours. */
export function shownText(line: string): string {
  if (!hasOrders(line)) return line
  return spansOf(line, PLAIN)
    .map(({ text }) => text)
    .join('')
}

/**
 * What a terminal shows of a line: what is written over something else takes its place, as progress bars do behind a
 * carriage return; colours, links; and nothing of what would move about the screen.
 */
export function spansOf(line: string, before: TextStyle): TextSpan[] {
  if (!hasOrders(line)) return line === '' ? [] : [{ text: line, style: before }]
  const row = createRow(before)
  let from = 0
  for (const match of line.matchAll(ORDERS)) {
    const [order, parameters = '', final, command] = match
    row.write(line.slice(from, match.index))
    from = match.index + order.length
    if (final !== undefined) row.control(final, parameters)
    else if (command !== undefined) row.link(command)
    else if (order.length === 1) row.single(order)
  }
  row.write(line.slice(from))
  return row.spans()
}

/** One row of a terminal. */
function createRow(before: TextStyle) {
  const characters: string[] = []
  const styles: TextStyle[] = []
  const links: (string | undefined)[] = []
  let column = 0
  let style = before
  let href: string | undefined

  function put(character: string): void {
    while (characters.length < column) fill()
    characters[column] = character
    styles[column] = style
    links[column] = href
    column += 1
  }

  function fill(): void {
    characters.push(' ')
    styles.push(PLAIN)
    links.push(undefined)
  }

  function moveTo(target: number): void {
    const furthest = Math.max(column, characters.length, MAX_COLUMN)
    column = Math.max(0, Math.min(target, furthest))
  }

  function erase(from: number, to: number): void {
    for (let at = from; at < Math.min(to, characters.length); at += 1) {
      characters[at] = ' '
      styles[at] = PLAIN
      links[at] = undefined
    }
    if (to < characters.length) return
    characters.length = Math.min(characters.length, from)
  }

  return {
    write(text: string): void {
      for (const character of text) put(character)
    },
    single(character: string): void {
      if (character === '\r') column = 0
      else if (character === '\b') column = Math.max(0, column - 1)
      else if (character === '\t') {
        const target = (Math.floor(column / TAB) + 1) * TAB
        while (column < target && column >= characters.length) put(' ')
        column = target
      }
    },
    control(final: string, parameters: string): void {
      const [first = ''] = parameters.split(';')
      const count = Math.max(1, Number(first) || 1)
      if (final === 'm') style = styled(style, parameters)
      else if (final === 'C') moveTo(column + count)
      else if (final === 'D') moveTo(column - count)
      else if (final === 'G' || final === '`') moveTo(count - 1)
      else if (final === 'K') {
        if (first === '1') erase(0, column + 1)
        else erase(first === '2' ? 0 : column, Number.POSITIVE_INFINITY)
      } else if (final === 'P') {
        for (const list of [characters, styles, links]) list.splice(column, count)
      }
    },
    /** `8;PARAMETERS;ADDRESS`: what follows leads there; without an address no more. */
    link(command: string): void {
      const address = /^8;[^;]*;(.*)$/s.exec(command)?.[1]
      if (address !== undefined) href = address.length <= MAX_LINK && SAFE_LINK.test(address) ? address : undefined
    },
    spans(): TextSpan[] {
      const spans: TextSpan[] = []
      for (const [at, character] of characters.entries()) {
        const last = spans.at(-1)
        const own = styles[at] ?? PLAIN
        if (last !== undefined && last.style === own && last.href === links[at]) last.text += character
        else spans.push({ text: character, style: own, ...(links[at] === undefined ? {} : { href: links[at] }) })
      }
      return spans
    },
  }
}
