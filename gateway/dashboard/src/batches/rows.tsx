import { Button, SegmentedControl, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Batch } from '../../../client/index.ts'
import { JOB_STATUSES } from '../../../contract/job-status.ts'
import { number } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Mark } from '../ui/mark.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { type BatchRow, rowsQuery } from './queries.ts'
import { RowMatrix } from './row-matrix.tsx'

/** Rows of the table at first, and each time that more are asked for. */
const AT_A_TIME = 100

/** The rows of a batch by what became of them, as squares or as a table; the address says which. */
export function Rows({ batch }: { batch: Batch }) {
  const query = useQuery(rowsQuery(batch))
  const { outcome: named, as } = useSearch({ from: '/signed-in/jobs/batches/$batchId' })
  const outcome = JOB_STATUSES.find((status) => status === named)
  const isTable = as === 'table'
  const navigate = useNavigate()
  const show = (next: { outcome: string | undefined; isTable: boolean }) =>
    void navigate({
      to: '/jobs/batches/$batchId',
      params: { batchId: batch.id },
      search: {
        ...(next.outcome === undefined ? {} : { outcome: next.outcome }),
        ...(next.isTable ? { as: 'table' } : {}),
      },
      replace: true,
      resetScroll: false,
    })
  return (
    <Card
      title="Rows"
      actions={
        <SegmentedControl
          size="xs"
          aria-label="How rows are shown"
          data={[
            { value: 'squares', label: 'Squares' },
            { value: 'table', label: 'Table' },
          ]}
          value={isTable ? 'table' : 'squares'}
          onChange={(value) => show({ outcome, isTable: value === 'table' })}
        />
      }
    >
      <Outcomes batch={batch} chosen={outcome} onChoose={(next) => show({ outcome: next, isTable })} />
      <Loaded query={query}>{(rows) => <ShownRows rows={rows} outcome={outcome} isTable={isTable} />}</Loaded>
    </Card>
  )
}

interface OutcomesProps {
  batch: Batch
  chosen: string | undefined
  onChoose(outcome: string | undefined): void
}

/** How many rows there are of each outcome; narrows what is shown down to one. */
function Outcomes({ batch: { counts, total }, chosen, onChoose }: OutcomesProps) {
  const there = JOB_STATUSES.filter((status) => counts[status] > 0 || status === chosen)
  return (
    <div className="outcomes" role="group" aria-label="Outcomes">
      <Button
        size="xs"
        variant={chosen === undefined ? 'light' : 'default'}
        aria-pressed={chosen === undefined}
        onClick={() => onChoose(undefined)}
      >
        All {number(total)}
      </Button>
      {there.map((status) => (
        <Button
          key={status}
          size="xs"
          variant={chosen === status ? 'light' : 'default'}
          aria-pressed={chosen === status}
          leftSection={<Mark status={status} />}
          onClick={() => onChoose(chosen === status ? undefined : status)}
        >
          {number(counts[status])} {status}
        </Button>
      ))}
    </div>
  )
}

function ShownRows({ rows, outcome, isTable }: { rows: BatchRow[]; outcome: string | undefined; isTable: boolean }) {
  const shown = useMemo(
    () => (outcome === undefined ? rows : rows.filter(({ status }) => status === outcome)),
    [rows, outcome],
  )
  if (shown.length === 0) {
    return (
      <Text size="sm" c="dimmed" mt="sm">
        None of its rows is {outcome}.
      </Text>
    )
  }
  return isTable ? <RowTable rows={shown} /> : <RowMatrix rows={shown} />
}

function RowTable({ rows }: { rows: BatchRow[] }) {
  const [most, setMost] = useState(AT_A_TIME)
  return (
    <>
      <PlainTable label="Rows" heads={['Row', 'Outcome', 'Job']}>
        {rows.slice(0, most).map(({ row, jobId, status }) => (
          <Table.Tr key={jobId}>
            <Table.Td>{number(row)}</Table.Td>
            <Table.Td>
              <StatusBadge status={status ?? 'forgotten'} />
            </Table.Td>
            <Table.Td className="mono">
              <Link to="/jobs/$jobId" params={{ jobId }} className="text-link">
                …{jobId.slice(-8)}
              </Link>
            </Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
      {rows.length > most && (
        <Button mt="sm" size="xs" variant="default" onClick={() => setMost(most + AT_A_TIME)}>
          Show more
        </Button>
      )}
    </>
  )
}
