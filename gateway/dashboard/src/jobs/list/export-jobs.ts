import type { Job, JobQuery } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { csvText } from '../../format/csv.ts'
import { save } from '../../format/save.ts'
import type { JobRow } from '../job-row.ts'

/** Jobs in one file: more are better asked of the API. */
export const MOST_EXPORTED = 100_000

const COLUMNS = {
  id: (job) => job.id,
  name: (job) => job.name ?? '',
  owner: (job) => job.owner ?? '',
  status: (job) => job.status ?? '',
  image: (job) => job.image ?? '',
  command: (job) => [...(job.command ?? []), ...(job.args ?? [])].join(' '),
  provider: (job) => job.assignedProvider ?? '',
  cpu: (job) => job.cpu ?? '',
  memory: (job) => job.memory ?? '',
  storage: (job) => job.storage ?? '',
  gpu: (job) => job.gpu ?? '',
  duration: (job) => job.duration ?? '',
  createdAt: (job) => job.createdAt ?? '',
  startedAt: (job) => job.startedAt ?? '',
  endedAt: (job) => job.endedAt ?? '',
  exitCode: (job) => job.results?.exitCode ?? '',
  error: (job) => job.error?.message ?? '',
  'cost USD': (job) => (job.cost?.final ?? job.cost?.current ?? 0).toFixed(9).replace(/\.?0+$/, ''),
  labels: (job) =>
    Object.entries(job.labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  batch: (job) => job.origin?.batch ?? '',
} satisfies Record<string, (job: JobRow) => string | number>

/** What of a job is asked for. */
const FIELDS = [
  ...(['id', 'name', 'owner', 'status', 'image', 'command', 'args', 'assignedProvider', 'cpu', 'memory'] as const),
  ...(['storage', 'gpu', 'duration', 'createdAt', 'startedAt', 'endedAt', 'results', 'error', 'cost'] as const),
  ...(['labels', 'origin'] as const),
] satisfies (keyof Job)[]

/**
 * Every job that matches, up to {@link MOST_EXPORTED}, in a file for a spreadsheet; false where that is not all of them.
 * @param onProgress told how many it has so far
 */
export async function exportJobs(
  query: JobQuery,
  { signal, onProgress }: { signal: AbortSignal; onProgress(jobs: number): void },
): Promise<boolean> {
  const parts = [csvText([Object.keys(COLUMNS)])]
  let count = 0
  let isWhole = true
  let rows: (string | number)[][] = []
  for await (const job of client.jobs.all({ ...query, fields: FIELDS, limit: 100 }, { signal })) {
    isWhole = count < MOST_EXPORTED
    if (!isWhole) break
    rows.push(Object.values(COLUMNS).map((read) => read(job as JobRow)))
    count += 1
    if (rows.length === 100) {
      parts.push(csvText(rows))
      rows = []
      onProgress(count)
    }
  }
  save(new Blob([...parts, csvText(rows)], { type: 'text/csv' }), 'jobs.csv')
  return isWhole
}

/** The jobs that are there, in such a file. */
export function exportRows(jobs: JobRow[]): void {
  const rows = jobs.map((job) => Object.values(COLUMNS).map((read) => read(job)))
  save(new Blob([csvText([Object.keys(COLUMNS), ...rows])], { type: 'text/csv' }), 'jobs.csv')
}
