import { type CSSProperties, memo } from 'react'
import { type FoundSpan, withFound } from './found-text.ts'
import { spansOf } from './terminal-line.ts'
import { cssColor, PLAIN, type TextStyle } from './text-style.ts'

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']
const WORDS = ['bold', 'dim', 'italic', 'underline', 'inverse', 'hidden', 'strike'] as const

interface AnsiLineProps {
  line: string
  style?: TextStyle
  /** Text that is marked in it. */
  search?: string
}

/** A line with its colours and links. What a container writes only ever becomes text, never markup. */
export const AnsiLine = memo(function AnsiLine({ line, style = PLAIN, search = '' }: AnsiLineProps) {
  return withFound(spansOf(line, style), search).map((span, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a line never changes
    <Span key={i} span={span} />
  ))
})

function Span({ span: { text, style, href, isFound } }: { span: FoundSpan }) {
  const content = isFound ? <mark>{text}</mark> : text
  if (style === PLAIN && href === undefined) return content
  const look = lookOf(style)
  if (href === undefined) return <span {...look}>{content}</span>
  return (
    <a {...look} href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
      {content}
    </a>
  )
}

/** The sixteen colours of the terminal are ours, others the container's. */
function lookOf(style: TextStyle): { className: string; style: CSSProperties } {
  const [fg, bg] = style.inverse === true ? [style.bg, style.fg] : [style.fg, style.bg]
  const names = WORDS.filter((word) => style[word] === true && (word !== 'inverse' || (fg ?? bg) === undefined))
  const css: CSSProperties = {}
  if (fg !== undefined && fg >= 16) css.color = cssColor(fg)
  if (bg !== undefined && bg >= 16) css.background = cssColor(bg)
  const classes = [
    ...(fg !== undefined && fg < 16 ? [nameOf(fg)] : []),
    ...(bg !== undefined && bg < 16 ? [`${nameOf(bg)}-bg`] : []),
    ...names.map((name) => `ansi-${name}`),
  ]
  return { className: classes.join(' '), style: css }
}

function nameOf(color: number): string {
  return `ansi-${color >= 8 ? 'bright-' : ''}${NAMES[color % 8]}`
}
