import type { TextSpan } from './terminal-line.ts'

/** Text of one style, and whether it is what was looked for. */
export interface FoundSpan extends TextSpan {
  isFound: boolean
}

/** The spans of a line, divided where a text begins and ends that is looked for, in any case and over all styles. */
export function withFound(spans: TextSpan[], search: string): FoundSpan[] {
  const needle = search.toLowerCase()
  const whole = spans.map(({ text }) => text).join('')
  const lower = whole.toLowerCase()
  // A letter that is longer when it is small would put all marks behind it in the wrong place.
  if (needle === '' || lower.length !== whole.length) return spans.map((span) => ({ ...span, isFound: false }))
  const found: FoundSpan[] = []
  let start = 0
  let next = lower.indexOf(needle)
  let end = 0
  for (const span of spans) {
    for (let from = start; from < start + span.text.length; ) {
      const isFound = from < end || from === next
      if (from === next) {
        end = next + needle.length
        next = lower.indexOf(needle, end)
      }
      const until = Math.min(start + span.text.length, isFound ? end : next === -1 ? whole.length : next)
      found.push({ ...span, text: whole.slice(from, until), isFound })
      from = until
    }
    start += span.text.length
  }
  return found
}
