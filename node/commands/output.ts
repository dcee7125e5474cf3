import Table from 'cli-table3'
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

/** Milliseconds as people say them: `12 s`, `5 min`, `3 h`, `2 d`. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
