import Anser from 'anser'
import { memo } from 'react'

/** Colours a container may use; anything else of a line is shown as plain text. */
const COLOR = /^ansi-[a-z-]+$/

/** A line with its colours. What a container writes only ever becomes text, never markup. */
export const AnsiLine = memo(function AnsiLine({ line }: { line: string }) {
  if (!line.includes('\x1b')) return line
  return Anser.ansiToJson(line, { use_classes: true, remove_empty: true }).map(
    ({ content, fg, bg, decorations }, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: a line never changes
      <span key={i} className={classOf(fg, bg, decorations)}>
        {content}
      </span>
    ),
  )
})

function classOf(fg: string | null, bg: string | null, decorations: readonly string[]): string {
  return [
    ...(fg !== null && COLOR.test(fg) ? [fg] : []),
    ...(bg !== null && COLOR.test(bg) ? [`${bg}-bg`] : []),
    ...decorations
      .filter((name) => ['bold', 'dim', 'italic', 'underline'].includes(name))
      .map((name) => `ansi-${name}`),
  ].join(' ')
}
