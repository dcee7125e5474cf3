import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { GatewayError } from '../errors.ts'
import { MAX_COLUMNS, MAX_ROW_LENGTH } from './limits.ts'
import { createRowJobs, type RowJobs } from './row-job.ts'
import type { Row, RowSource } from './rows.ts'

/** How much of a file is looked at for its delimiter, in characters. */
const SAMPLE_LENGTH = 64 * 1024
const DELIMITERS = [',', ';', '\t']

/** What goes wrong while a file is split into cells, in the API's words: the library's may quote what is in the file. */
const CSV_PROBLEMS: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted cell is not closed: double each quote inside of one',
  INVALID_OPENING_QUOTE: 'a quote stands inside a cell without quotes: quote the whole cell, and double the quote',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote: double each quote inside of a quoted cell',
  CSV_MAX_RECORD_SIZE: `a row is longer than ${MAX_ROW_LENGTH} characters`,
}

type Cells = (string | null)[]

/**
 * The jobs that a CSV file and a base make. The first row names the columns; the delimiter is the one of comma, semicolon
 * and tab that the header has most of. Blank rows are passed over.
 */
export function csvRows(path: string, base: Record<string, unknown>): RowSource {
  return async function* () {
    const delimiter = delimiterOf(await beginning(path))
    let jobs: RowJobs | null = null
    let columns: string[] = []
    let row = 0
    let line = 0
    try {
      for await (const { record, info } of records(path, delimiter)) {
        line = info.lines
        if (jobs === null) {
          columns = record.map((cell) => (cell ?? '').trim())
          jobs = checkedColumns(base, columns)
          continue
        }
        row += 1
        yield { row, line, ...toJob(jobs, columns, record) }
      }
    } catch (error) {
      if (error instanceof GatewayError) throw error
      yield { row: row + 1, line: line + 1, spec: null, problems: [{ column: '', reason: reasonOf(error) }] }
    }
  }
}

function toJob(jobs: RowJobs, columns: string[], cells: Cells): Pick<Row, 'spec' | 'problems'> {
  const surplus = cells.slice(columns.length).some((cell) => cell !== null)
  if (cells.length < columns.length || surplus) {
    const reason = `has ${cells.length} cells where the header has ${columns.length}`
    return { spec: null, problems: [{ column: '', reason }] }
  }
  const nameless = columns.findIndex((name, i) => name === '' && cells[i] !== null)
  if (nameless >= 0) {
    const reason = `cell ${nameless + 1} is under a column without a name`
    return { spec: null, problems: [{ column: '', reason }] }
  }
  return jobs.job(cells)
}

function checkedColumns(base: Record<string, unknown>, columns: string[]): RowJobs {
  const jobs = createRowJobs(base, columns)
  const doubled = columns.filter((name, i) => name !== '' && columns.indexOf(name) < i)
  const problems = [
    ...doubled.map((name) => ({ path: name, message: 'is a column twice: remove one' })),
    ...jobs.unusedColumns().map((name) => ({
      path: name.slice(0, 128),
      message: `is no field of a job, no env.NAME, and nowhere in base as \${${name.slice(0, 128)}}: remove it or check its spelling`,
    })),
    ...(columns.length > MAX_COLUMNS ? [{ path: '', message: `must have at most ${MAX_COLUMNS} columns` }] : []),
  ]
  if (problems.length === 0) return jobs
  const fields = problems
    .slice(0, 100)
    .map(({ path, message }) => ({ path: path === '' ? 'file' : `file.${path}`, message }))
  const first = fields[0]
  throw new GatewayError('VALIDATION_ERROR', `${first?.path} ${first?.message}`, { details: { fields, in: 'file' } })
}

async function* records(path: string, delimiter: string): AsyncGenerator<{ record: Cells; info: { lines: number } }> {
  const parser = parse({
    delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    max_record_size: MAX_ROW_LENGTH,
    // Nothing between two delimiters is no value; two quotes are an empty one.
    cast: (text, { quoting }) => (text === '' && !quoting ? null : text),
  })
  // Errors come out of the parser, which is read below.
  pipeline(decoded(path), parser, () => {})
  yield* parser
}

/** The file as text, without its byte order mark. @throws {TypeError} where it is no UTF-8 */
async function* decoded(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of createReadStream(path)) {
    const text = decoder.decode(chunk as Buffer, { stream: true })
    if (text !== '') yield text
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

async function beginning(path: string): Promise<string> {
  const decoder = new TextDecoder()
  for await (const chunk of createReadStream(path, { end: SAMPLE_LENGTH - 1, highWaterMark: SAMPLE_LENGTH })) {
    return decoder.decode(chunk as Buffer)
  }
  return ''
}

/** The delimiter of the header, counted outside of quotes. */
function delimiterOf(text: string): string {
  const header = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text.trimStart())?.[0] ?? ''
  const bare = header.replaceAll(/"(?:[^"]|"")*"/g, '')
  const count = (delimiter: string) => bare.split(delimiter).length
  return DELIMITERS.toSorted((a, b) => count(b) - count(a))[0] ?? ','
}

function reasonOf(error: unknown): string {
  if (error instanceof CsvError) return CSV_PROBLEMS[error.code] ?? 'is not CSV from here on'
  if (error instanceof TypeError) return 'is not UTF-8 from here on: save the file as CSV in UTF-8'
  throw error
}
