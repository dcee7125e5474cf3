import type { LogRow, LogView } from './protocol.ts'
import { shownText, styleBehind } from './terminal-line.ts'
import { PLAIN, type TextStyle } from './text-style.ts'

/** A line as the gateway's stream tells it; `number` counts from 1 without gaps. */
export interface LogLineIn {
  number: number
  timestamp: string
  stream: 'stdout' | 'stderr'
  line: string
  partial?: boolean | undefined
  base64?: string | undefined
}

/** The lines of a log, as many as there are, and which of them are shown. */
export function createLogBuffer() {
  const lines: string[] = []
  const timesMs: number[] = []
  const isError: boolean[] = []
  /** The style with which a line begins, where that is not the plain one. */
  const styles = new Map<number, TextStyle>()
  const behind: Record<LogLineIn['stream'], TextStyle> = { stdout: PLAIN, stderr: PLAIN }
  /** What cannot be told from the text: the bytes, and that no newline comes behind. */
  const odd = new Map<number, Pick<LogLineIn, 'partial' | 'base64'>>()
  let first = 1
  let view: LogView = { stream: 'all', search: '', onlyMatches: false }
  /** Places in `lines` that are shown; null: all. */
  let shown: number[] | null = null
  /** Places among the shown with the text, ascending. */
  let matches: number[] = []

  function isMatch(place: number): boolean {
    return (
      view.search !== '' &&
      shownText(lines[place] ?? '')
        .toLowerCase()
        .includes(view.search)
    )
  }

  function admit(place: number): void {
    if (view.stream !== 'all' && (view.stream === 'stderr') !== isError[place]) return
    const found = isMatch(place)
    if (view.onlyMatches && view.search !== '' && !found) return
    const index = shown === null ? place : shown.push(place) - 1
    if (found) matches.push(index)
  }

  return {
    add({ number, timestamp, stream, line, partial, base64 }: LogLineIn): void {
      if (lines.length === 0) first = number
      const place = lines.push(line) - 1
      timesMs.push(Date.parse(timestamp))
      isError.push(stream === 'stderr')
      if (behind[stream] !== PLAIN) styles.set(place, behind[stream])
      behind[stream] = styleBehind(line, behind[stream])
      if (partial === true || base64 !== undefined) odd.set(place, { partial, base64 })
      admit(place)
    },
    setView(next: LogView): void {
      view = { ...next, search: next.search.toLowerCase() }
      shown = view.stream === 'all' && !(view.onlyMatches && view.search !== '') ? null : []
      matches = []
      for (let place = 0; place < lines.length; place += 1) admit(place)
    },
    extent: () => ({ lines: lines.length, shown: shown?.length ?? lines.length, matches: matches.length, first }),
    rows(from: number, count: number): LogRow[] {
      const end = Math.min(from + count, shown?.length ?? lines.length)
      const rows: LogRow[] = []
      for (let index = Math.max(0, from); index < end; index += 1) {
        const place = shown === null ? index : (shown[index] ?? 0)
        const style = styles.get(place)
        rows.push({
          index,
          number: first + place,
          timestampMs: timesMs[place] ?? 0,
          stream: isError[place] ? 'stderr' : 'stdout',
          line: lines[place] ?? '',
          isMatch: isMatch(place),
          ...(style && { style }),
        })
      }
      return rows
    },
    /** The next match after a shown line, or the one before it, around the end; -1 where there is none. */
    seek(from: number, isForward: boolean): number {
      if (matches.length === 0) return -1
      const after = lowerBound(matches, isForward ? from + 1 : from)
      const at = isForward ? after % matches.length : (after - 1 + matches.length) % matches.length
      return matches[at] ?? -1
    },
    /** All of it as the container wrote it, in parts, so that no text is longer than a text may be. */
    *parts(withTimes: boolean): Generator<string | Uint8Array<ArrayBuffer>> {
      let text = ''
      const goesOn = { stdout: false, stderr: false }
      for (const [place, line] of lines.entries()) {
        const { partial, base64 } = odd.get(place) ?? {}
        const stream = isError[place] ? 'stderr' : 'stdout'
        if (withTimes && !goesOn[stream]) text += `${new Date(timesMs[place] ?? 0).toISOString()} `
        if (base64 === undefined) text += line
        else {
          yield text
          yield Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
          text = ''
        }
        goesOn[stream] = partial === true
        if (partial !== true) text += '\n'
        if (text.length < PART_LENGTH) continue
        yield text
        text = ''
      }
      yield text
    },
  }
}

const PART_LENGTH = 4 * 1024 * 1024

function lowerBound(sorted: number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
