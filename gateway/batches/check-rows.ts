import { breathe } from '../../node/turns.ts'
import { MAX_BATCH_ROWS, MAX_BATCH_TEXT_LENGTH, MAX_TOLD_ROWS } from '../contract/batch-limits.ts'
import { GatewayError } from '../http/errors.ts'
import type { Row, RowProblem, RowSource } from './rows.ts'

/**
 * Reads all rows, and answers how many there are.
 * @param further what is wrong with a job that is well-formed; null where nothing is
 * @throws {GatewayError} VALIDATION_ERROR with row, column and reason of the first bad rows, and how many are bad
 */
export async function checkRows(source: RowSource, further: (row: Row) => Promise<RowProblem | null>): Promise<number> {
  const told: { row: number; line: number | null; column: string; reason: string }[] = []
  let badRows = 0
  let rows = 0
  let length = 0
  for await (const row of source()) {
    rows += 1
    if (rows > MAX_BATCH_ROWS) throw refused(`A batch has at most ${MAX_BATCH_ROWS} jobs: make several of it`)
    const problems = row.spec === null ? row.problems : [await further(row)].filter((problem) => problem !== null)
    if (problems.length > 0) {
      badRows += 1
      const number = Number(row.origin?.row ?? row.row)
      if (badRows <= MAX_TOLD_ROWS)
        told.push(...problems.map((problem) => ({ row: number, line: row.line, ...problem })))
    }
    length += row.length
    await breathe()
    if (length > MAX_BATCH_TEXT_LENGTH) {
      throw refused(`The jobs are larger than ${MAX_BATCH_TEXT_LENGTH} characters together: make several batches of it`)
    }
  }
  const first = told[0]
  if (first !== undefined) {
    const where = [`row ${first.row}`, ...(first.column === '' ? [] : [first.column])].join(', ')
    const summary = `${badRows} of ${rows} rows ${badRows === 1 ? 'is' : 'are'} wrong, and nothing was submitted: ${where} ${first.reason}`
    const fields = told.map(({ row, column, reason }) => {
      return { path: column === '' ? `rows[${row - 1}]` : `rows[${row - 1}].${column}`, message: reason }
    })
    throw new GatewayError('VALIDATION_ERROR', summary, { details: { badRows, rows: told, fields, in: 'body' } })
  }
  if (rows === 0) throw refused('There are no rows: give at least one job')
  return rows
}

function refused(message: string): GatewayError {
  return new GatewayError('VALIDATION_ERROR', message, {
    details: { fields: [{ path: 'jobs', message }], in: 'body' },
  })
}
