import { Alert, Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { Batch } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { counted, number } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { Facts } from '../ui/facts.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { failed, told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { CancelBatch } from './cancel-batch.tsx'
import { batchQuery } from './queries.ts'
import { Rows } from './rows.tsx'

/** One batch: how far it is, and what became of each of its rows. */
export function BatchPage() {
  const { batchId } = useParams({ from: '/signed-in/jobs/batches/$batchId' })
  const query = useQuery(batchQuery(batchId))
  return <Loaded query={query}>{(batch) => <BatchDetails key={batch.id} batch={batch} />}</Loaded>
}

function BatchDetails({ batch }: { batch: Batch }) {
  const { id, status, total, concurrency, createdAt, endedAt, retryOf, retriedAs } = batch
  const mayWrite = useMay('jobs:write')
  return (
    <Page
      title={`Batch of ${counted(total, 'job')}`}
      badge={<StatusBadge status={status} />}
      description={<span className="mono break">{id}</span>}
      actions={
        <>
          <Button variant="default" renderRoot={(props) => <Link {...props} to="/jobs" search={{ batch: id }} />}>
            List its jobs
          </Button>
          {mayWrite && <BatchActions batch={batch} />}
        </>
      }
    >
      {retriedAs !== null && (
        <Alert color="blue" variant="light" role="status" title="What failed runs again">
          As a batch of its own: <BatchLink id={retriedAs} />
        </Alert>
      )}
      <Card title="Batch">
        <Facts
          items={[
            ['Runs again what failed of', retryOf && <BatchLink key="of" id={retryOf} />],
            ['At a time', number(concurrency)],
            ['Created', <Ago key="created" at={createdAt} />],
            ['Ended', endedAt && <Ago key="ended" at={endedAt} />],
          ]}
        />
      </Card>
      <Rows batch={batch} />
    </Page>
  )
}

function BatchLink({ id }: { id: string }) {
  return (
    <Link to="/jobs/batches/$batchId" params={{ batchId: id }} className="text-link mono" title={id}>
      …{id.slice(-8)}
    </Link>
  )
}

function BatchActions({ batch: { id, counts, endedAt, retriedAs } }: { batch: Batch }) {
  const navigate = useNavigate()
  const [isEnding, setEnding] = useState(false)
  const retry = useMutation({
    mutationFn: async () => await client.batches.retry(id),
    async onSuccess({ batchId, jobIds }) {
      await queryClient.invalidateQueries({ queryKey: ['batches'] })
      told(`Running ${counted(jobIds.length, 'job')} again`)
      await navigate({ to: '/jobs/batches/$batchId', params: { batchId } })
    },
    onError: (error) => failed('They could not be run again', error),
  })
  if (endedAt === null) {
    return (
      <>
        <Button variant="default" onClick={() => setEnding(true)}>
          Cancel
        </Button>
        <CancelBatch id={isEnding ? id : null} onClose={() => setEnding(false)} />
      </>
    )
  }
  if (counts.failed === 0 || retriedAs !== null) return null
  return (
    <Button onClick={() => retry.mutate()} loading={retry.isPending}>
      Run the failed again
    </Button>
  )
}
