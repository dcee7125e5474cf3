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
  /** @default 1 */
  attempt?: number | undefined
}

/** What programs write when they cannot go on. */
const FAILURE =
  /error|exception|fatal|panic|traceback|\bfail(?:ed|ure)|\babort|\bkilled\b|segmentation fault|out of memory|denied|not found|no such/i
/** Lines from the end among which the failure is looked for. */
const FAILURE_LINES = 5_000
/** Into how many parts a log is divided to show where matches are. */
export const MARKS = 256

/** The lines of a log, as many as there are, and which of them are shown. */
export function createLogBuffer() {
  const lines: string[] = []
  const timesMs: number[] = []
  const isError: boolean[] = []
  /** The style with which a line begins, where that is not the plain one. */
  const styles = new Map<number, TextStyle>()
  const behind: Record<LogLineIn['stream'], TextStyle> = { stdout: PLAIN, stderr: PLAIN }
  const odd = new Map<number, Odd>()
  let first = 1
  /** Attempts that wrote something, and the place of their first line, ascending. */
  const attempts: { attempt: number; place: number }[] = []
  let view: LogView = { stream: 'all', attempt: null, search: '', onlyMatches: false }
  /** Places in `lines` that are shown; null: all. */
  let shown: number[] | null = null
  /** Places among the shown with the text, ascending. */
  let matches: number[] = []
  /** Lines that were looked at for the view. */
  let looked = 0

  function isMatch(place: number): boolean {
    return (
      view.search !== '' &&
      shownText(lines[place] ?? '')
        .toLowerCase()
        .includes(view.search)
    )
  }

  const attemptOf = (place: number) => attempts.findLast((one) => one.place <= place)

  function admit(place: number): void {
    if (view.attempt !== null && view.attempt !== attemptOf(place)?.attempt) return
    if (view.stream !== 'all' && (view.stream === 'stderr') !== isError[place]) return
    const found = isMatch(place)
    if (view.onlyMatches && view.search !== '' && !found) return
    const index = shown === null ? place : shown.push(place) - 1
    if (found) matches.push(index)
  }

  return {
    add({ number, timestamp, stream, line, partial, base64, attempt = 1 }: LogLineIn): void {
      if (lines.length === 0) first = number
      const place = lines.push(line) - 1
      timesMs.push(Date.parse(timestamp))
      if (attempt !== attempts.at(-1)?.attempt) attempts.push({ attempt, place })
      isError.push(stream === 'stderr')
      if (behind[stream] !== PLAIN) styles.set(place, behind[stream])
      behind[stream] = styleBehind(line, behind[stream])
      if (partial === true || base64 !== undefined) odd.set(place, { partial, base64 })
      if (looked < place) return
      admit(place)
      looked = lines.length
    },
    /** Which lines are shown from here on; they are found by {@link look}. */
    setView(next: LogView): void {
      view = { ...next, search: next.search.toLowerCase() }
      const isAll = view.stream === 'all' && view.attempt === null && !(view.onlyMatches && view.search !== '')
      shown = isAll ? null : []
      matches = []
      looked = isAll && view.search === '' ? lines.length : 0
    },
    /** Looks at so many more lines for the view. @returns whether it has looked at all there are */
    look(count: number): boolean {
      const end = Math.min(lines.length, looked + count)
      for (; looked < end; looked += 1) admit(looked)
      return looked === lines.length
    },
    extent: () => ({
      ...{ lines: lines.length, shown: shown?.length ?? lines.length, matches: matches.length, first },
      attempts: attempts.map(({ attempt }) => attempt),
    }),
    rows(from: number, count: number): LogRow[] {
      const end = Math.min(from + count, shown?.length ?? lines.length)
      const rows: LogRow[] = []
      for (let index = Math.max(0, from); index < end; index += 1) {
        const place = shown === null ? index : (shown[index] ?? 0)
        const style = styles.get(place)
        const begun = attemptOf(place)
        rows.push({
          index,
          number: first + place,
          timestampMs: timesMs[place] ?? 0,
          sinceMs: (timesMs[place] ?? 0) - (timesMs[begun?.place ?? 0] ?? 0),
          stream: isError[place] ? 'stderr' : 'stdout',
          line: lines[place] ?? '',
          isMatch: isMatch(place),
          ...(style && { style }),
          ...(begun?.place === place && attempts.length > 1 && { begins: begun.attempt }),
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
    /** The how manieth match a shown line is, from 1; 0 where it is none. */
    matchAt(index: number): number {
      const at = lowerBound(matches, index)
      return matches[at] === index ? at + 1 : 0
    },
    /** Where a line of the log is among the shown, or the next one that is; -1 where there is none. */
    locate(number: number): number {
      const place = Math.max(0, number - first)
      const index = shown === null ? place : lowerBound(shown, place)
      return index < (shown?.length ?? lines.length) ? index : -1
    },
    /** The last shown line that reads like a failure; else the last one of stderr, or of all. */
    failure: (): number => failureIn({ lines, isError, shown }),
    /** Which of {@link MARKS} parts of what is shown have matches. */
    marks: (): number[] => marksOf(matches, shown?.length ?? lines.length),
    /** All of it as the container wrote it, in parts, so that no text is longer than a text may be. */
    parts: (withTimes: boolean) => partsOf({ lines, timesMs, isError, odd }, withTimes),
  }
}

function failureIn({ lines, isError, shown }: { lines: string[]; isError: boolean[]; shown: number[] | null }): number {
  const end = shown?.length ?? lines.length
  let lastError = -1
  for (let index = end - 1; index >= Math.max(0, end - FAILURE_LINES); index -= 1) {
    const place = shown === null ? index : (shown[index] ?? 0)
    if (FAILURE.test(shownText(lines[place] ?? ''))) return index
    if (lastError === -1 && isError[place]) lastError = index
  }
  return lastError === -1 ? end - 1 : lastError
}

/** What cannot be told from the text of a line: the bytes, and that no newline comes behind. */
type Odd = Pick<LogLineIn, 'partial' | 'base64'>

function* partsOf(
  { lines, timesMs, isError, odd }: { lines: string[]; timesMs: number[]; isError: boolean[]; odd: Map<number, Odd> },
  withTimes: boolean,
): Generator<string | Uint8Array<ArrayBuffer>> {
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
}

const PART_LENGTH = 4 * 1024 * 1024

/** The parts of so many lines in which there are matches, ascending. */
function marksOf(matches: number[], lines: number): number[] {
  const marks: number[] = []
  for (let at = 0; at < matches.length; ) {
    const mark = Math.floor(((matches[at] ?? 0) * MARKS) / lines)
    marks.push(mark)
    at = lowerBound(matches, Math.ceil(((mark + 1) * lines) / MARKS))
  }
  return marks
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
