import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import type { Batch } from '../../../../client/index.ts'
import { JOB_STATUSES } from '../../../../contract/job-status.ts'
import { counted, number } from '../../format/amounts.ts'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { Ago } from '../../ui/time.tsx'

interface BatchRowProps {
  batch: Batch
  index: number
  /** Where it is, and how high, in px. */
  top: number
  height: number
}

/** All jobs of a batch in one row, which leads to them. */
export const BatchRow = memo(function BatchRow({ batch, index, top, height }: BatchRowProps) {
  const { id, total, counts, status, createdAt } = batch
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className="grid-row"
      style={{ position: 'absolute', top: 0, left: 0, right: 0, height, transform: `translateY(${top}px)` }}
    >
      <div role="cell" className="cell-check" />
      <div role="cell" className="cell-status">
        <StatusBadge status={counts.running > 0 ? 'running' : status} />
      </div>
      <div role="cell" className="cell-job">
        <Link to="/jobs" search={{ batch: id }} className="job-link" title={id}>
          <span className="job-image">Batch of {counted(total, 'job')}</span>
          <span className="job-id">…{id.slice(-8)}</span>
        </Link>
        <span className="job-command">
          {JOB_STATUSES.filter((one) => counts[one] > 0)
            .map((one) => `${number(counts[one])} ${one}`)
            .join(' · ')}
        </span>
      </div>
      <div role="cell" className="cell-provider">
        {number(batch.concurrency)} at a time
      </div>
      <div role="cell" className="cell-age">
        <Ago at={createdAt} />
      </div>
      <div role="cell" className="cell-cost">
        –
      </div>
      <div role="cell" className="cell-actions" />
    </div>
  )
})
