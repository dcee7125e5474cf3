import type { JobStatus } from '../../protocol/lifecycle.ts'
import { createOwnedTable, type OwnedTable } from '../owned-table.ts'
import { type Operation, type Records, remove, write } from '../records.ts'
import type { BatchKeyRecord, BatchRecord } from './batch-records.ts'

/** Batches with the ids of their jobs, in order, and the Idempotency-Keys that made them. */
export interface BatchStore extends Pick<OwnedTable<BatchRecord>, 'get' | 'visible' | 'list' | 'all' | 'put'> {
  members(id: string): Promise<string[]>
  key(at: string): Promise<BatchKeyRecord | undefined>
  /** Writes a new batch, its jobs' ids and its key together. */
  add(record: BatchRecord, members: string[], key: BatchKeyRecord | null): Promise<void>
  remove(record: BatchRecord): Promise<void>
}

export function createBatchStore(
  records: Pick<Records, 'database' | 'batches' | 'batchMembers' | 'batchKeys'>,
): BatchStore {
  const { database, batches, batchMembers, batchKeys } = records
  const table = createOwnedTable(batches)
  return {
    ...table,
    list: async (principal) => (await table.list(principal)).filter(({ status }) => status !== 'preparing'),
    async visible(principal, id) {
      const record = await table.visible(principal, id)
      return record?.status === 'preparing' ? undefined : record
    },
    members: async (id) => (await batchMembers.get(id)) ?? [],
    key: async (at) => await batchKeys.get(at),
    async add(record, members, key) {
      const operations: Operation[] = [write(batches, record.id, record), write(batchMembers, record.id, members)]
      if (key !== null && record.keyAt !== null) operations.push(write(batchKeys, record.keyAt, key))
      await database.batch(operations)
    },
    async remove(record) {
      const operations: Operation[] = [remove(batches, record.id), remove(batchMembers, record.id)]
      if (record.keyAt !== null) operations.push(remove(batchKeys, record.keyAt))
      await database.batch(operations)
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
