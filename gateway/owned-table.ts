import type { AbstractSublevel } from 'abstract-level'
import type { Database } from '../node/store/database.ts'
import type { Principal } from './auth/principal.ts'
import { sees } from './auth/principal.ts'

/** Something that belongs to an owner. */
export interface Owned {
  id: string
  owner: string
}

export type Sublevel<V> = AbstractSublevel<Database, string | Buffer | Uint8Array, string, V>

/** Records of one kind that are few enough to be listed by reading them all; ids sort by creation. */
export interface OwnedTable<T extends Owned> {
  get(id: string): Promise<T | undefined>
  /** The record, where whoever asks may see it. */
  visible(principal: Principal, id: string): Promise<T | undefined>
  /** All that whoever asks may see, newest first. */
  list(principal: Principal): Promise<T[]>
  all(): Promise<T[]>
  put(record: T): Promise<void>
  del(id: string): Promise<void>
}

export function createOwnedTable<T extends Owned>(sublevel: Sublevel<T>): OwnedTable<T> {
  async function get(id: string): Promise<T | undefined> {
    return await sublevel.get(id)
  }
  return {
    get,
    async visible(principal, id) {
      const record = await get(id)
      return record !== undefined && sees(principal, record.owner) ? record : undefined
    },
    async list(principal) {
      const records = await sublevel.values({ reverse: true }).all()
      return records.filter((record) => sees(principal, record.owner))
    },
    all: async () => await sublevel.values().all(),
    put: async (record) => await sublevel.put(record.id, record),
    del: async (id) => await sublevel.del(id),
  }
}
