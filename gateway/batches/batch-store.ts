import type { JobStatus } from '../../protocol/lifecycle.ts'
import { type OwnedTable, openOwnedTable } from '../records/owned-table.ts'
import { type Database, type Operation, openTable, remove, write } from '../records/table.ts'
import type { BatchKeyRecord, BatchRecord } from './batch-records.ts'

/** Batches with the ids of their jobs, in order, and the Idempotency-Keys that made them. */
export interface BatchStore extends Pick<OwnedTable<BatchRecord>, 'get' | 'visible' | 'page' | 'all' | 'put'> {
  members(id: string): Promise<string[]>
  key(at: string): Promise<BatchKeyRecord | undefined>
  /** Writes a new batch, its jobs' ids and its key together. */
  add(record: BatchRecord, members: string[], key: BatchKeyRecord | null): Promise<void>
  remove(record: BatchRecord): Promise<void>
}

/** Reads the ids of all batches; one that is being prepared is neither listed nor visible. */
export async function openBatchStore(db: Database): Promise<BatchStore> {
  /** id of a batch → ids of its jobs, in order. */
  const batchMembers = openTable<string[]>(db, 'batch-members')
  /** hash of owner and key → the batch it made. */
  const batchKeys = openTable<BatchKeyRecord>(db, 'batch-keys')
  const isListed = ({ status }: BatchRecord) => status !== 'preparing'
  /** id → batch. */
  const table = await openOwnedTable({ db, table: openTable<BatchRecord>(db, 'batches') }, { isListed })
  return {
    ...table,
    async visible(principal, id) {
      const record = await table.visible(principal, id)
      return record?.status === 'preparing' ? undefined : record
    },
    members: async (id) => (await batchMembers.get(id)) ?? [],
    key: async (at) => await batchKeys.get(at),
    async add(record, members, key) {
      const further: Operation[] = [write(batchMembers, record.id, members)]
      if (key !== null && record.keyAt !== null) further.push(write(batchKeys, record.keyAt, key))
      await table.add(record, further)
    },
    async remove(record) {
      const further: Operation[] = [remove(batchMembers, record.id)]
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
