import { styleText } from 'node:util'
import Table from 'cli-table3'
import ora, { type Ora } from 'ora'
import { escapeText } from '../../protocol/text.ts'

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Columns with a heading, no lines: as people read, and as `awk` does. One line for each row. */
export function table(head: string[], rows: string[][]): string[] {
  const out = new Table({ head, chars: PLAIN, style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] } })
  out.push(...rows.map((row) => row.map(escapeText)))
  return out
    .toString()
    .replaceAll(/[ \t]+$/gm, '')
    .split('\n')
}

/** Names and values, one pair a line; what is empty is a dash. */
export function fieldTable(rows: [name: string, value: string][]): string[] {
  return table(
    [],
    rows.map(([name, value]) => [name, value === '' ? '-' : value]),
  )
}

/** What a command that waits tells meanwhile; see {@link statusLine}. */
export interface StatusLine {
  /** Says what is going on now. */
  now(text: string): void
  /** Says what happened, with the time since the start; stays. */
  done(text: string): void
  /** Takes the spinner away; lines that were said stay. */
  stop(): void
}

/** State changes on stderr, with a spinner where that is a terminal. */
export function statusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  const started = performance.now()
  const plain = (process.env.NO_COLOR ?? '') !== ''
  const spinner: Ora | null = stream.isTTY
    ? ora({ stream, discardStdin: false, ...(plain ? { color: false } : {}) })
    : null
  const at = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`.padStart(7)
  return {
    now(text) {
      spinner?.start(escapeText(text))
    },
    done(text) {
      const line = `${styleText('dim', at(), { stream })}  ${escapeText(text)}\n`
      spinner?.stop()
      stream.write(line)
    },
    stop() {
      spinner?.stop()
    },
  }
}

/** Milliseconds as people say them: `12 s`, `5 min`, `3 h`, `2 d`. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
