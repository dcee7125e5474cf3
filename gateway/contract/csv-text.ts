/**
 * How a CSV file is read: which delimiter it has, where its rows end, what a cell is, and what is wrong with it. The gateway
 * and the preview in the dashboard both read by this, so that they can never read differently. Nothing of Node in it.
 */

import type { Options } from 'csv-parse'
import { MAX_ROW_LENGTH } from './batch-limits.ts'

/** How much of a file is looked at for its delimiter, in characters. */
export const SAMPLE_LENGTH = 64 * 1024
const DELIMITERS = [',', ';', '\t']

/** What goes wrong while a file is split into cells, in the API's words: the library's may quote what is in the file. */
const CSV_PROBLEMS: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted cell is not closed: double each quote inside of one',
  INVALID_OPENING_QUOTE: 'a quote stands inside a cell without quotes: quote the whole cell, and double the quote',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote: double each quote inside of a quoted cell',
  CSV_MAX_RECORD_SIZE: `a row is longer than ${MAX_ROW_LENGTH} characters`,
}

/** Null: nothing stood between two delimiters. Two quotes are empty text. */
export type Cells = (string | null)[]

/** One row of a file, as it was split. */
export interface CsvRow {
  /** 0 is the header; blank rows are not counted. */
  row: number
  /** Line of the file on which it ends, from 1. */
  line: number
  cells: Cells
}

/** Where a file is no CSV any more, and why; no row behind it is read. */
export interface CsvProblem {
  /** Counted as in {@link CsvRow}: the one after the last that was taken. */
  row: number
  /** Of the file, from 1; 0 where the parser does not tell. */
  line: number
  reason: string
}

/** One reading of a file. */
export interface CsvReading {
  /** For `csv-parse`, in whichever form of it there is. */
  options: Options
  /** What an error of the parser means: the row after the last one taken. Null where it is no error of the file. */
  problem(error: unknown): CsvProblem | null
}

/** @param take called with each row, in order, before anything that is wrong after it is told */
export function csvReading(delimiter: string, take: (row: CsvRow) => void): CsvReading {
  let rows = 0
  /** The parser counts a line end of two characters inside of quotes as two lines. */
  let overcounted = 0
  /** Of the row under way: a blank one has nothing but delimiters and spaces. Two quotes are something. */
  let isBlank = true
  return {
    options: {
      delimiter,
      // All of them, or the first that is found would be the only one: files have both where they were put together.
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MAX_ROW_LENGTH,
      cast: (text, { quoting }) => {
        if (quoting || text.trim() !== '') isBlank = false
        return text === '' && !quoting ? null : text
      },
      on_record: (cells: Cells, { lines }) => {
        for (const cell of cells) overcounted += lineEndsOfTwo(cell)
        const wasBlank = isBlank
        isBlank = true
        if (wasBlank) return null
        take({ row: rows, line: lines - overcounted, cells })
        rows += 1
        return null
      },
    },
    problem(error) {
      const { code, lines } = error as { code?: unknown; lines?: unknown }
      if (typeof code !== 'string' || !/^(?:CSV|INVALID)_/.test(code)) return null
      const line = typeof lines === 'number' ? lines - overcounted : 0
      return { row: rows, line, reason: CSV_PROBLEMS[code] ?? 'is not CSV from here on' }
    },
  }
}

function lineEndsOfTwo(cell: string | null): number {
  return cell?.includes('\r\n') === true ? cell.split('\r\n').length - 1 : 0
}

/** The delimiter that the header has most of, counted outside of quotes. @param beginning of the file */
export function delimiterOf(beginning: string): string {
  const header = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(beginning.trimStart())?.[0] ?? ''
  const bare = header.replaceAll(/"(?:[^"]|"")*"/g, '')
  const count = (delimiter: string) => bare.split(delimiter).length
  return DELIMITERS.toSorted((a, b) => count(b) - count(a))[0] ?? ','
}

/** The names of the columns. */
export function columnNames(header: Cells): string[] {
  return header.map((cell) => (cell ?? '').trim())
}

/** What is wrong with a file in another encoding. */
export const NOT_UTF8 = 'is not UTF-8 from here on: save the file as CSV in UTF-8'
