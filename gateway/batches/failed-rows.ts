import type { JobStore } from '../../node/store/index.ts'
import { GatewayError } from '../http/errors.ts'
import type { BatchRecord } from './batch-records.ts'
import type { BatchRunner } from './batch-runner.ts'
import type { BatchStore } from './batch-store.ts'
import { checkJob } from './row-job.ts'
import type { Row, RowSource } from './rows.ts'

/** What {@link failedRows} works with. */
export interface FailedRowsComponents {
  store: Pick<JobStore, 'get' | 'look' | 'secrets'>
  batches: Pick<BatchStore, 'members' | 'rows'>
  batchRunner: Pick<BatchRunner, 'outcomes'>
}

/**
 * The jobs of a batch that have failed, as rows to be submitted again, with what secrets they have.
 * @throws {GatewayError} JOB_STATE_CONFLICT where none has, or all that have are forgotten
 */
export async function failedRows(
  { store, batches, batchRunner }: FailedRowsComponents,
  record: BatchRecord,
): Promise<{ source: RowSource; rows: number[] }> {
  const members = await batches.members(record.id)
  const numbers = await batches.rows(record.id)
  const outcomes = await batchRunner.outcomes(record, members)
  const failed = members.filter((_, i) => outcomes[i] === 'failed')
  const there = new Set<string>()
  await store.look(failed, ({ id }) => there.add(id))
  const again = members.flatMap((id, i) => (there.has(id) ? { id, number: numbers[i] ?? i + 1 } : []))
  if (again.length === 0) {
    const why = failed.length === 0 ? 'no job of it has failed' : 'its failed jobs are so old that they are forgotten'
    throw new GatewayError('JOB_STATE_CONFLICT', `There is nothing to run again of ${record.id}: ${why}`)
  }
  return {
    rows: again.map(({ number }) => number),
    source: async function* () {
      for (const [i, { id, number }] of again.entries()) yield await rowOf(store, id, { row: i + 1, number })
    },
  }
}

async function rowOf(
  store: FailedRowsComponents['store'],
  id: string,
  { row, number }: { row: number; number: number },
): Promise<Row> {
  const job = await store.get(id)
  if (job === undefined) {
    const problems = [{ column: '', reason: `is of the job ${id}, which was forgotten meanwhile: try again` }]
    return { row, line: null, length: 0, spec: null, problems }
  }
  const spec = { ...job.spec, ...(await store.secrets(id)) }
  const origin = { row: String(number), resubmittedFrom: id }
  return { row, line: null, length: JSON.stringify(spec).length, ...checkJob(spec), origin }
}
