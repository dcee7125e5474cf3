import { createReadStream } from 'node:fs'
import { TextDecoder } from 'node:util'
import { parse } from 'csv-parse'
import { breathe } from '../../node/turns.ts'
import { MAX_COLUMNS } from '../contract/batch-limits.ts'
import { type CsvRow, columnNames, csvReading, delimiterOf, NOT_UTF8, SAMPLE_LENGTH } from '../contract/csv-text.ts'
import { GatewayError } from '../http/errors.ts'
import { createRowJobs, type RowJobs } from './row-job.ts'
import type { Row, RowSource } from './rows.ts'

type Cells = CsvRow['cells']

/** Read at a time: a few milliseconds of splitting. */
const PIECE_BYTES = 16 * 1024

/**
 * The jobs that a CSV file and a base make. The first row names the columns; the delimiter is the one of comma, semicolon
 * and tab that the header has most of. Blank rows are passed over.
 */
export function csvRows(path: string, base: Record<string, unknown>): RowSource {
  return async function* () {
    let jobs: RowJobs | null = null
    let columns: string[] = []
    for await (const part of records(path, delimiterOf(await beginning(path)))) {
      if ('reason' in part) {
        const { row, line, reason } = part
        yield { row: Math.max(1, row), line, spec: null, length: 0, problems: [{ column: '', reason }] }
      } else if (jobs === null) {
        await breathe()
        columns = columnNames(part.cells)
        jobs = await checkedColumns(base, columns)
      } else {
        yield { row: part.row, line: part.line, ...toJob(jobs, columns, part.cells) }
      }
    }
  }
}

function toJob(jobs: RowJobs, columns: string[], cells: Cells): Pick<Row, 'spec' | 'problems' | 'length'> {
  const surplus = cells.slice(columns.length).some((cell) => cell !== null)
  if (cells.length < columns.length || surplus) {
    const reason = `has ${cells.length} cells where the header has ${columns.length}`
    return { spec: null, length: 0, problems: [{ column: '', reason }] }
  }
  const nameless = columns.findIndex((name, i) => name === '' && cells[i] !== null)
  if (nameless >= 0) {
    const reason = `cell ${nameless + 1} is under a column without a name`
    return { spec: null, length: 0, problems: [{ column: '', reason }] }
  }
  return jobs.job(cells)
}

async function checkedColumns(base: Record<string, unknown>, columns: string[]): Promise<RowJobs> {
  // Before anything is made of them: there may be as many as a row has characters.
  if (columns.length > MAX_COLUMNS) throw refused([{ path: '', message: `must have at most ${MAX_COLUMNS} columns` }])
  const jobs = await createRowJobs(base, columns)
  const doubled = columns.filter((name, i) => name !== '' && columns.indexOf(name) < i)
  const problems = [
    ...doubled.map((name) => ({ path: name, message: 'is a column twice: remove one' })),
    ...jobs.unusedColumns().map((name) => ({
      path: name.slice(0, 128),
      message: `is no field of a job, no env.NAME, and nowhere in base as \${${name.slice(0, 128)}}: remove it or check its spelling`,
    })),
  ]
  if (problems.length > 0) throw refused(problems)
  return jobs
}

function refused(problems: { path: string; message: string }[]): GatewayError {
  const fields = problems
    .slice(0, 100)
    .map(({ path, message }) => ({ path: path === '' ? 'file' : `file.${path}`, message }))
  const first = fields[0]
  return new GatewayError('VALIDATION_ERROR', `${first?.path} ${first?.message}`, { details: { fields, in: 'file' } })
}

/** Every row of the file, a piece of it at a time, and then what is wrong with it where something is. */
async function* records(
  path: string,
  delimiter: string,
): AsyncGenerator<CsvRow | { row: number; line: number; reason: string }> {
  let taken: CsvRow[] = []
  let last = { row: -1, line: 0 }
  const reading = csvReading(delimiter, (row) => {
    taken.push(row)
    last = row
  })
  const parser = parse(reading.options)
  parser.on('error', () => undefined) // told to whoever writes, below
  parser.resume() // every row was taken: this is its end
  try {
    for await (const text of decoded(path)) {
      await breathe()
      const failed = await new Promise<unknown>((resolve) => parser.write(text, (error) => resolve(error ?? null)))
      yield* taken.splice(0)
      if (failed !== null) throw failed
    }
    const ended = new Promise<unknown>((resolve) => parser.once('error', resolve).once('end', () => resolve(null)))
    parser.end()
    const failed = await ended
    yield* taken.splice(0)
    if (failed !== null) throw failed
  } catch (error) {
    taken = []
    const problem = reading.problem(error)
    if (problem !== null) yield problem
    else if (error instanceof NotUtf8) yield { row: last.row + 1, line: last.line + 1, reason: NOT_UTF8 }
    else throw error
  } finally {
    parser.destroy()
  }
}

/** The file as text, without its byte order mark; what is right before a wrong byte comes first. @throws {NotUtf8} */
async function* decoded(path: string): AsyncGenerator<string> {
  const strict = new TextDecoder('utf-8', { fatal: true })
  const lenient = new TextDecoder()
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    const text = lenient.decode(chunk as Buffer, { stream: true })
    const isRight = isDecoded(strict, chunk as Buffer)
    const taken = isRight ? text : `${text.slice(0, Math.max(0, text.indexOf(REPLACEMENT)))}${HELD_BACK}`
    if (taken !== '') yield taken
    if (!isRight) throw new NotUtf8()
  }
  if (!isDecoded(strict)) throw new NotUtf8()
}

/** What stands for a wrong byte. */
const REPLACEMENT = '\uFFFD'
/** The parser holds a few characters back, and with them the end of the row before. */
const HELD_BACK = REPLACEMENT.repeat(16)

class NotUtf8 extends Error {}

/** @param chunk absent: the end */
function isDecoded(decoder: TextDecoder, chunk?: Buffer): boolean {
  try {
    if (chunk === undefined) decoder.decode()
    else decoder.decode(chunk, { stream: true })
    return true
  } catch {
    return false // it throws for no other reason
  }
}

async function beginning(path: string): Promise<string> {
  const decoder = new TextDecoder()
  for await (const chunk of createReadStream(path, { end: SAMPLE_LENGTH - 1, highWaterMark: SAMPLE_LENGTH })) {
    return decoder.decode(chunk as Buffer)
  }
  return ''
}
