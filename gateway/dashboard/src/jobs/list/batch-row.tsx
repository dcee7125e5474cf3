import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { JOB_STATUSES } from '../../../../contract/job-status.ts'
import { client } from '../../app/client.ts'
import { counted, number } from '../../format/amounts.ts'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { Ago } from '../../ui/time.tsx'
import type { JobRow } from '../job-row.ts'

interface BatchRowProps {
  /** The job that the list has in place of all of its batch. */
  job: JobRow
  batchId: string
  /** How often it is asked for again until it has ended, in ms. */
  everyMs: number
  index: number
  /** Where it is, and how high, in px. */
  top: number
  height: number
}

/** All jobs of a batch in one row, which leads to them. */
export const BatchRow = memo(function BatchRow({ job, batchId, everyMs, index, top, height }: BatchRowProps) {
  const { data: batch } = useQuery({
    queryKey: ['folded-batch', batchId],
    queryFn: async ({ signal }) => await client.batches.get(batchId, { signal }),
    ...(job.batch && { initialData: job.batch }),
    // One that there is none of, or that has ended, stays so.
    refetchInterval: ({ state: { data } }) => (data?.endedAt === null ? everyMs : false),
  })
  const status = batch === undefined ? job.status : batch.counts.running > 0 ? 'running' : batch.status
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className="grid-row batch-row"
      style={{ position: 'absolute', top: 0, left: 0, right: 0, height, transform: `translateY(${top}px)` }}
    >
      <div role="cell" className="cell-check" />
      <div role="cell" className="cell-status">
        <StatusBadge status={status} />
      </div>
      <div role="cell" aria-colspan={2} className="cell-job">
        <Link to="/jobs/batches/$batchId" params={{ batchId }} className="job-link" title={batchId}>
          <span className="job-image">{batch === undefined ? 'Batch' : `Batch of ${counted(batch.total, 'job')}`}</span>
          <span className="job-id">{job.image}</span>
        </Link>
        <span className="job-ends">
          {batch &&
            JOB_STATUSES.filter((one) => batch.counts[one] > 0)
              .map((one) => `${number(batch.counts[one])} ${one}`)
              .join(' · ')}
        </span>
      </div>
      <div role="cell" className="cell-age">
        <Ago at={batch?.createdAt ?? job.createdAt} />
      </div>
      <div role="cell" className="cell-cost">
        –
      </div>
      <div role="cell" className="cell-actions" />
    </div>
  )
})
