import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import type { Waiting } from '../../../../client/index.ts'
import { bytes, cores } from '../../format/amounts.ts'
import { relative, span } from '../../format/time.ts'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { Ago, useNow } from '../../ui/time.tsx'
import { ActionsMenu } from '../actions/actions-menu.tsx'
import { Cost } from '../cost.tsx'
import type { JobRow } from '../job-row.ts'
import { shortReason } from '../short-reason.ts'
import type { JobFilter } from './filter.ts'

interface JobsTableRowProps {
  job: JobRow
  index: number
  /** Where it is, and how high, in px. */
  top: number
  height: number
  provider: string
  /** Why it waits; not there where that is not known. */
  waiting: Waiting | undefined
  isChosen: boolean
  onChoose(id: string, isChosen: boolean): void
  /** Whose it is, where that is shown. */
  owner: string | undefined
  onNarrow(filter: Pick<JobFilter, 'label' | 'owner'>): void
}

/** Labels of a job that are shown. */
const MOST_LABELS = 3

/** A row, made again only where something in it changed. */
export const JobsTableRow = memo(function JobsTableRow(props: JobsTableRowProps) {
  const { job, index, top, height, provider, waiting, isChosen, onChoose, owner, onNarrow } = props
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className="grid-row"
      data-chosen={isChosen || undefined}
      style={{ position: 'absolute', top: 0, left: 0, right: 0, height, transform: `translateY(${top}px)` }}
    >
      <div role="cell" className="cell-check">
        <input
          type="checkbox"
          className="row-check"
          aria-label={`Select ${job.name ?? job.image} ${job.id.slice(-6)}`}
          checked={isChosen}
          onChange={(event) => onChoose(job.id, event.currentTarget.checked)}
        />
      </div>
      <div role="cell" className="cell-status">
        <StatusBadge status={job.status} />
        <Reason job={job} waiting={waiting} />
      </div>
      <div role="cell" className="cell-job">
        <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="job-link" title={job.id}>
          <span className="job-image">{job.name ?? job.image}</span>
          <span className="job-id">{job.name ? job.image : `…${job.id.slice(-8)}`}</span>
        </Link>
        <span className="job-more">
          {owner !== undefined && <Chip label={owner} what={`Jobs of ${owner}`} onClick={() => onNarrow({ owner })} />}
          {Object.entries(job.labels ?? {})
            .slice(0, MOST_LABELS)
            .map(([name, value]) => (
              <Chip
                key={name}
                label={`${name}=${value}`}
                what={`Jobs with ${name}=${value}`}
                onClick={() => onNarrow({ label: [`${name}=${value}`] })}
              />
            ))}
          <span className="job-command">{[...(job.command ?? []), ...(job.args ?? [])].join(' ')}</span>
        </span>
      </div>
      <div role="cell" className="cell-provider">
        <span>{provider}</span>
        <span className="cell-resources">
          {cores(job.cpu)} · {bytes(job.memory)}
          {job.gpu ? ` · ${job.gpu} GPU` : ''}
        </span>
      </div>
      <div role="cell" className="cell-age">
        <Ago at={job.createdAt} />
        <span className="cell-runtime">
          <Runtime job={job} />
        </span>
      </div>
      <div role="cell" className="cell-cost">
        <Cost job={job} />
      </div>
      <div role="cell" className="cell-actions">
        <ActionsMenu job={job} />
      </div>
    </div>
  )
})

/** Why it failed, or waits, in the few words that there is room for; all of them on hover. */
function Reason({ job: { status, error }, waiting }: { job: JobRow; waiting: Waiting | undefined }) {
  if (status === 'failed' && error) {
    return (
      <small className="row-reason" title={`${error.message} ${error.remedy}`}>
        {shortReason(error)}
      </small>
    )
  }
  if (status !== 'pending' || waiting === undefined) return null
  return <WaitingReason waiting={waiting} />
}

function WaitingReason({ waiting: { givesUpAt, nearest } }: { waiting: Waiting }) {
  const now = useNow()
  const until = `gives up ${relative(Date.parse(givesUpAt), now)}`
  return (
    <small className="row-reason" title={nearest === null ? until : `${nearest.message}; ${until}`}>
      {nearest === null ? until : `${shortReason(nearest)}, ${until}`}
    </small>
  )
}

function Chip({ label, what, onClick }: { label: string; what: string; onClick(): void }) {
  return (
    <button type="button" className="job-chip" title={what} aria-label={what} onClick={onClick}>
      {label}
    </button>
  )
}

function Runtime({ job }: { job: JobRow }) {
  const now = useNow()
  if (!job.startedAt) return <span>–</span>
  const end = job.endedAt ? Date.parse(job.endedAt) : now
  return <span title={`Of ${span(job.duration ?? 0)} at most`}>{span((end - Date.parse(job.startedAt)) / 1000)}</span>
}
