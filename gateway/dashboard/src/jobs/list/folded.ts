import type { Batch } from '../../../../client/index.ts'
import type { JobRow } from '../job-row.ts'

/** A row of the table: a job, or all those of a batch. */
export type ListRow = { type: 'job'; id: string; job: JobRow } | { type: 'batch'; id: string; batch: Batch }

/** A list of which more may be loaded. */
interface Loaded<T> {
  items: T[]
  hasMore: boolean
}

/**
 * Jobs of no batch, and the batches, newest first. What is older than the last of either of which there are more waits
 * until those are loaded: they would come in above it.
 */
export function foldedRows(jobs: Loaded<JobRow>, batches: Loaded<Batch>): ListRow[] {
  const rows: ListRow[] = [
    ...jobs.items.map((job): ListRow => ({ type: 'job', id: job.id, job })),
    ...batches.items.map((batch): ListRow => ({ type: 'batch', id: batch.id, batch })),
  ]
  const fromMs = Math.max(lastMs(jobs), lastMs(batches))
  return rows
    .map((row) => ({ row, atMs: Date.parse((row.type === 'job' ? row.job : row.batch).createdAt ?? '') }))
    .filter(({ atMs }) => atMs >= fromMs)
    .toSorted((a, b) => b.atMs - a.atMs)
    .map(({ row }) => row)
}

function lastMs({ items, hasMore }: Loaded<{ createdAt?: string | undefined }>): number {
  const at = hasMore ? Date.parse(items.at(-1)?.createdAt ?? '') : Number.NaN
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at
}
