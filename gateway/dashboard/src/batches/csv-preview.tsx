import { Alert, Checkbox, Loader, Text } from '@mantine/core'
import { useState } from 'react'
import { counted, number } from '../format/amounts.ts'
import type { CsvFile } from './read-csv.ts'
import type { BadRow, Check } from './use-check.ts'

/** Rows that are shown; all of them are checked. */
const SHOWN = 100

/** The rows of a file, with what is wrong in its cells. */
export function CsvPreview({ file, check }: { file: CsvFile; check: Check }) {
  const [onlyBad, setOnlyBad] = useState(false)
  const bad = Map.groupBy(check.rows, ({ row }) => row)
  const rows = file.rows
    .map((cells, i) => ({ cells, row: i + 1 }))
    .filter(({ row }) => !onlyBad || bad.has(row))
    .slice(0, SHOWN)
  return (
    <div>
      <Verdict check={check} />
      {check.rows.length > 0 && (
        <Checkbox
          mb="xs"
          label="Only rows with a problem"
          checked={onlyBad}
          onChange={(event) => setOnlyBad(event.currentTarget.checked)}
        />
      )}
      <div className="csv" tabIndex={0} role="region" aria-label="Rows of the file">
        <table>
          <thead>
            <tr>
              <th scope="col">Row</th>
              {file.columns.map((name, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns may have the same name
                <th scope="col" key={i}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ cells, row }) => (
              <Row key={row} row={row} cells={cells} columns={file.columns} problems={bad.get(row) ?? []} />
            ))}
          </tbody>
        </table>
      </div>
      {file.rows.length > rows.length && !onlyBad && (
        <Text size="sm" c="dimmed" mt={6}>
          The first {number(rows.length)} of {number(file.rows.length)} rows are shown.
        </Text>
      )}
    </div>
  )
}

function Row({
  row,
  cells,
  columns,
  problems,
}: {
  row: number
  cells: string[]
  columns: string[]
  problems: BadRow[]
}) {
  const placed = problems.filter(({ column }) => columns.includes(column))
  const whole = problems.filter((problem) => !placed.includes(problem))
  return (
    <tr data-bad={problems.length > 0 || undefined}>
      <th scope="row">
        {row}
        {whole.map(({ column, reason }) => (
          <span key={`${column}${reason}`} className="cell-problem">
            {column === '' ? reason : `${column} ${reason}`}
          </span>
        ))}
      </th>
      {columns.map((name, i) => {
        const problem = placed.find(({ column }) => column === name)
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: columns may have the same name
          <td key={i} data-bad={problem !== undefined || undefined}>
            <span className="mono">{cells[i]}</span>
            {problem && <span className="cell-problem">{problem.reason}</span>}
          </td>
        )
      })}
    </tr>
  )
}

function Verdict({ check }: { check: Check }) {
  if (check.state === 'checking') {
    return (
      <Text size="sm" mb="xs" role="status">
        <Loader size={14} mr={8} aria-hidden="true" />
        Checking all rows …
      </Text>
    )
  }
  if (check.state === 'right') {
    return (
      <Alert color="teal" variant="light" mb="xs" role="status">
        {check.total === 1 ? 'The row is right.' : `All ${number(check.total)} rows are right.`}
      </Alert>
    )
  }
  return (
    <Alert
      color="red"
      variant="light"
      mb="xs"
      role="alert"
      title={
        check.badRows > 0
          ? `${counted(check.badRows, 'row')} ${check.badRows === 1 ? 'is' : 'are'} wrong`
          : 'This is not right yet'
      }
    >
      {check.message}
    </Alert>
  )
}
