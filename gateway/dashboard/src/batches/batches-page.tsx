import { Button, Progress, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Batch } from '../../../client/index.ts'
import { JOB_STATUSES } from '../../../contract/job-status.ts'
import { client } from '../app/client.ts'
import { useMay } from '../app/session.ts'
import { number } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { CancelBatch } from './cancel-batch.tsx'

/** Batches shown; older ones are found through their jobs. */
const SHOWN = 100

/** Many jobs as one, and how far they are. */
export function BatchesPage() {
  const mayWrite = useMay('jobs:write')
  const query = useQuery({
    queryKey: ['batches', 'list'],
    queryFn: async ({ signal }) => (await client.batches.list({ limit: SHOWN }, { signal })).items,
  })
  const create = mayWrite && (
    <Button component={Link} to="/jobs/batches/create">
      Create Batch
    </Button>
  )
  return (
    <Page title="Batches" description="One job for each row of a file." actions={create}>
      <Loaded query={query}>
        {(batches) =>
          batches.length === 0 ? (
            <Empty icon="batches" title="No batches yet" action={create}>
              Say what all jobs have in common, drop a CSV file with what differs, and each row becomes a job.
            </Empty>
          ) : (
            <BatchesTable batches={batches} mayWrite={mayWrite} />
          )
        }
      </Loaded>
    </Page>
  )
}

function BatchesTable({ batches, mayWrite }: { batches: Batch[]; mayWrite: boolean }) {
  const [ending, setEnding] = useState<string | null>(null)
  return (
    <Card>
      <PlainTable
        label="Batches"
        heads={['Batch', 'Status', 'Progress', 'At a time', 'Created', { label: 'Actions', isHidden: true }]}
      >
        {batches.map((batch) => (
          <Table.Tr key={batch.id}>
            <Table.Td className="mono">
              <Link to="/jobs/batches/$batchId" params={{ batchId: batch.id }} className="text-link" title={batch.id}>
                …{batch.id.slice(-8)}
              </Link>
            </Table.Td>
            <Table.Td>
              <StatusBadge status={batch.status} />
            </Table.Td>
            <Table.Td miw={220}>
              <BatchProgress batch={batch} />
            </Table.Td>
            <Table.Td>{number(batch.concurrency)}</Table.Td>
            <Table.Td>
              <Ago at={batch.createdAt} />
            </Table.Td>
            <Table.Td ta="right">
              {mayWrite && batch.endedAt === null && (
                <Button size="xs" variant="default" onClick={() => setEnding(batch.id)}>
                  Cancel
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
      <CancelBatch id={ending} onClose={() => setEnding(null)} />
    </Card>
  )
}

const COLORS: Record<(typeof JOB_STATUSES)[number], string> = {
  pending: 'gray.4',
  completed: 'teal.7',
  running: 'indigo.6',
  scheduled: 'indigo.4',
  failed: 'red.7',
  cancelled: 'gray.6',
}

function BatchProgress({ batch: { counts, total } }: { batch: Batch }) {
  const told = JOB_STATUSES.filter((status) => counts[status] > 0).map(
    (status) => `${number(counts[status])} ${status}`,
  )
  return (
    <div>
      <Progress.Root size="md" aria-hidden="true">
        {JOB_STATUSES.filter((status) => status !== 'pending' && counts[status] > 0).map((status) => (
          <Progress.Section
            key={status}
            value={(counts[status] / total) * 100}
            color={COLORS[status]}
            withAria={false}
          />
        ))}
      </Progress.Root>
      <Text size="xs" c="dimmed" mt={4}>
        {told.join(' · ')} of {number(total)}
      </Text>
    </div>
  )
}
