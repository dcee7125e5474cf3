import type { LogRow, LogView } from './protocol.ts'

/** Everything that is not text in a line: colours and other orders to a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
const ORDERS = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g

export interface LogLineIn {
  number: number
  timestamp: string
  stream: 'stdout' | 'stderr'
  line: string
}

/** The lines of a log, as many as there are, and which of them are shown. */
export function createLogBuffer() {
  const lines: string[] = []
  const timesMs: number[] = []
  const isError: boolean[] = []
  let first = 1
  let view: LogView = { stream: 'all', search: '', onlyMatches: false }
  /** Places in `lines` that are shown; null: all. */
  let shown: number[] | null = null
  /** Places among the shown with the text, ascending. */
  let matches: number[] = []

  function isMatch(place: number): boolean {
    return (
      view.search !== '' &&
      plain(lines[place] ?? '')
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
    add({ number, timestamp, stream, line }: LogLineIn): void {
      if (lines.length === 0) first = number
      const place = lines.push(line) - 1
      timesMs.push(Date.parse(timestamp))
      isError.push(stream === 'stderr')
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
        rows.push({
          index,
          number: first + place,
          timestampMs: timesMs[place] ?? 0,
          stream: isError[place] ? 'stderr' : 'stdout',
          line: lines[place] ?? '',
          isMatch: isMatch(place),
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
    /** All of it, in parts, so that no text is longer than a text may be. */
    *parts(withTimes: boolean): Generator<string> {
      for (let start = 0; start < lines.length; start += PART_LINES) {
        const part = lines.slice(start, start + PART_LINES)
        const told = withTimes
          ? part.map((line, i) => `${new Date(timesMs[start + i] ?? 0).toISOString()} ${line}`)
          : part
        yield `${told.join('\n')}\n`
      }
    },
  }
}

const PART_LINES = 50_000

/** A line without its orders to a terminal. */
function plain(line: string): string {
  return line.includes('\x1b') ? line.replace(ORDERS, '') : line
}

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
