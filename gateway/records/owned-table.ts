import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { GatewayError } from '../http/errors.ts'
import { type Page, pageOf } from '../http/paging.ts'
import type { Principal } from '../http/principal.ts'
import { sees, seesAll } from '../http/principal.ts'
import { createSortedIds, type SortedIds } from './sorted-ids.ts'
import { type Database, type Operation, remove, type Table, write } from './table.ts'

/** Something that belongs to an owner. */
export interface Owned {
  id: string
  owner: string
}

/** The list of what concerns every owner, beside those of single owners. */
export const EVERY_OWNER = Symbol('every owner')
/** The list of all. */
const ALL = Symbol('all')
type ListName = string | typeof EVERY_OWNER | typeof ALL

/**
 * Records of one kind. Of all of them the ids are in memory, by owner, so that an answer to one of them reads his own,
 * and only those of the page; ids sort by creation.
 */
export interface OwnedTable<T extends Owned> {
  get(id: string): Promise<T | undefined>
  /** The record, where whoever asks may see it. */
  visible(principal: Principal, id: string): Promise<T | undefined>
  /** A page of all that whoever asks may see, newest first. */
  page(principal: Principal, query: PageQuery): Promise<Page<T>>
  /** Those of an owner, or those that concern every owner, one after the other. */
  each(list: string | typeof EVERY_OWNER): AsyncIterable<T>
  /** Oldest first, one after the other; those, too, that are not listed. */
  all(): AsyncIterable<T>
  /**
   * A new one. @param further to be written with it
   * @throws {GatewayError} LIMIT_REACHED where the owner has as many as may be
   */
  add(record: T, further?: Operation[]): Promise<void>
  put(record: T): Promise<void>
  /** Changes fields of a record, one change of it at a time; undefined where there is none any more. */
  update(id: string, change: (record: T) => Partial<T>): Promise<T | undefined>
  del(id: string, further?: Operation[]): Promise<void>
}
type PageQuery = Parameters<typeof pageOf>[1]

/** What is particular of the records of one kind. */
export interface OwnedTableInit<T> {
  /** What one owner may have. @default any number */
  limit?: { most: number /** As errors name them, e.g. `templates`. */; what: string }
  /** Whether it is in lists yet. @default always */
  isListed?: (record: T) => boolean
  /** Whether it concerns every owner. @default never */
  isForAll?: (record: T) => boolean
  /** A record as everybody reads it. @default as it is stored */
  asRead?: (record: T) => T
}

/** Reads all of them once. */
export async function openOwnedTable<T extends Owned>(
  { db, table }: { db: Database; table: Table<T> },
  init: OwnedTableInit<T> = {},
): Promise<OwnedTable<T>> {
  const { limit, isListed = () => true, isForAll = () => false, asRead = (record: T) => record } = init
  const { note, idsOf } = createLists(isListed, isForAll)
  const queue = createKeyedQueue()
  for await (const record of table.values()) note(record)

  async function get(id: string): Promise<T | undefined> {
    const record = await table.get(id)
    return record === undefined ? undefined : asRead(record)
  }

  async function put(record: T): Promise<void> {
    await table.put(record.id, record)
    note(record)
  }

  return {
    get,
    async visible(principal, id) {
      const record = await get(id)
      return record !== undefined && sees(principal, record.owner) ? record : undefined
    },
    async page(principal, query) {
      const { items, pagination } = pageOf(idsOf(seesAll(principal) ? ALL : principal.owner), query)
      // One that goes meanwhile is left out.
      return { items: (await table.getMany(items)).filter((record) => record !== undefined).map(asRead), pagination }
    },
    async *each(list) {
      for (const id of [...idsOf(list)]) {
        const record = await get(id)
        if (record !== undefined) yield record
      }
    },
    async *all() {
      for await (const record of table.values()) yield asRead(record)
    },
    async add(record, further = []) {
      if (limit !== undefined && idsOf(record.owner).length >= limit.most) {
        const message = `An owner may have ${limit.most} ${limit.what}, and there are as many: delete one first`
        throw new GatewayError('LIMIT_REACHED', message, { details: { limit: limit.most } })
      }
      // Before it is written, so that those that are added at the same moment are counted.
      note(record)
      try {
        await db.batch([write(table, record.id, record), ...further])
      } catch (error) {
        note(record, false)
        throw error
      }
    },
    put,
    update: async (id, change) =>
      await queue.run(id, async () => {
        const record = await get(id)
        if (record === undefined) return undefined
        const changed = { ...record, ...change(record) }
        await put(changed)
        return changed
      }),
    del: async (id, further = []) =>
      await queue.run(id, async () => {
        const record = await get(id)
        await db.batch([remove(table, id), ...further])
        if (record !== undefined) note(record, false)
      }),
  }
}

/** Which records there are, by owner. */
function createLists<T extends Owned>(isListed: (record: T) => boolean, isForAll: (record: T) => boolean) {
  const lists = new Map<ListName, SortedIds>()

  function listsOf(record: T): ListName[] {
    return [ALL, record.owner, ...(isForAll(record) ? [EVERY_OWNER as ListName] : [])]
  }

  function note(record: T, isThere = isListed(record)): void {
    for (const name of listsOf(record)) {
      const list = lists.get(name) ?? createSortedIds()
      if (isThere) list.add(record.id)
      else list.remove(record.id)
      if (list.newestFirst().length === 0) lists.delete(name)
      else lists.set(name, list)
    }
    if (!isForAll(record)) lists.get(EVERY_OWNER)?.remove(record.id)
  }

  return { note, idsOf: (name: ListName): readonly string[] => lists.get(name)?.newestFirst() ?? [] }
}
