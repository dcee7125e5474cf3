import type { JobStatus } from '../../protocol/lifecycle.ts'
import { type OwnedTable, openOwnedTable } from '../records/owned-table.ts'
import { type Database, type Operation, openTable, remove, write } from '../records/table.ts'
import type { BatchKeyRecord, BatchRecord, Outcomes } from './batch-records.ts'

/** Batches with the ids of their jobs, in order, and the Idempotency-Keys that made them. */
export interface BatchStore extends Pick<OwnedTable<BatchRecord>, 'get' | 'visible' | 'page' | 'all' | 'put'> {
  members(id: string): Promise<string[]>
  /** Which row each of its jobs is of: in a batch that runs failed jobs again those of the first one. */
  rows(id: string): Promise<number[]>
  /** How its jobs ended; undefined before that, and of batches that ended before it was kept. */
  outcomes(id: string): Promise<Outcomes | undefined>
  keepOutcomes(id: string, outcomes: Outcomes): Promise<void>
  key(at: string): Promise<BatchKeyRecord | undefined>
  /** Writes a new batch, its jobs' ids and its key together. @param rows where they are not 1 and so on */
  add(record: BatchRecord, members: string[], key: BatchKeyRecord | null, rows?: number[]): Promise<void>
  /** One that is not to be; what it was to run again may be run again anew. */
  remove(record: BatchRecord): Promise<void>
}

/** Reads the ids of all batches; one that is being prepared is neither listed nor visible. */
export async function openBatchStore(db: Database): Promise<BatchStore> {
  /** id of a batch → ids of its jobs, in order. */
  const batchMembers = openTable<string[]>(db, 'batch-members')
  /** hash of owner and key → the batch it made. */
  const batchKeys = openTable<BatchKeyRecord>(db, 'batch-keys')
  const isListed = ({ status }: BatchRecord) => status !== 'preparing'
  /** id of a batch → the row of each of its jobs, where those are not 1 and so on. */
  const batchRows = openTable<number[]>(db, 'batch-rows')
  /** id of a batch that has ended → how each of its jobs did. */
  const batchOutcomes = openTable<Outcomes>(db, 'batch-outcomes')
  /** id → batch. */
  const batches = openTable<BatchRecord>(db, 'batches')
  const table = await openOwnedTable({ db, table: batches }, { isListed })

  /** That a batch is run again by that one, or by none. */
  async function retried(id: string | undefined, retriedAs: string | null): Promise<Operation[]> {
    const first = id === undefined ? undefined : await batches.get(id)
    if (first === undefined) return []
    const { retriedAs: _, ...rest } = first
    return [write(batches, first.id, retriedAs === null ? rest : { ...rest, retriedAs })]
  }

  return {
    ...table,
    async visible(principal, id) {
      const record = await table.visible(principal, id)
      return record?.status === 'preparing' ? undefined : record
    },
    members: async (id) => (await batchMembers.get(id)) ?? [],
    rows: async (id) => (await batchRows.get(id)) ?? ((await batchMembers.get(id)) ?? []).map((_, i) => i + 1),
    outcomes: async (id) => await batchOutcomes.get(id),
    keepOutcomes: async (id, outcomes) => await batchOutcomes.put(id, outcomes),
    key: async (at) => await batchKeys.get(at),
    async add(record, members, key, rows) {
      const further: Operation[] = [
        write(batchMembers, record.id, members),
        ...(rows === undefined ? [] : [write(batchRows, record.id, rows)]),
        ...(await retried(record.retryOf, record.id)),
      ]
      if (key !== null && record.keyAt !== null) further.push(write(batchKeys, record.keyAt, key))
      await table.add(record, further)
    },
    async remove(record) {
      const further: Operation[] = [
        ...[remove(batchMembers, record.id), remove(batchRows, record.id)],
        ...(await retried(record.retryOf, null)),
      ]
      if (record.keyAt !== null) further.push(remove(batchKeys, record.keyAt))
      await table.del(record.id, further)
    },
  }
}

/** Where each job of a batch that goes on stands. */
export interface Tracked {
  record: BatchRecord
  statuses: Map<string, JobStatus>
  /** Held, in the order in which they are released. */
  waiting: string[]
  /** Released and not ended. */
  active: Set<string>
}
