import type { Found, LookedAt } from '../../upkeep/problem.ts'
import type { Database } from '../database.ts'
import { costOf, indexed, indexedReceipt } from '../indexes/places.ts'
import { SCHEMA } from '../indexes/rebuild.ts'
import { spansOf } from '../indexes/times.ts'
import type { BillRecord, JobRecord } from '../records.ts'
import { key } from '../tables.ts'
import { createBalance } from './balance.ts'
import { formed, JOB_FORMS, volumeReceipt } from './forms.ts'
import { ownKey, rawRecords } from './raw-table.ts'

/** Where they are compared one by one, no more than so many are held: beyond, they are not told apart. */
const MOST_HELD = 100_000

/** What {@link checkLists} works with. */
export interface ListsCheckComponents {
  database: Database
  found: Found
  looked: (lookedAt: LookedAt) => void
}

/** What stands for one that is none: nothing ever comes to it. */
const NO_NUMBER = 987_654_321

const WHAT = 'lists and counts of jobs'
const MADE_ANEW = 'made anew'

/**
 * Holds the lists and counts of jobs against the jobs. All of them are read once; where something differs once more, to tell
 * what.
 */
export async function checkLists({ database, found, looked }: ListsCheckComponents): Promise<void> {
  const rebuild = { how: MADE_ANEW, writes: [{ key: SCHEMA_KEY }] }
  const schema = await database.get(SCHEMA_KEY)
  if (schema !== String(SCHEMA)) {
    // Those of another version, and of a backup that was put back: the next start makes them.
    const kind =
      schema === undefined ? 'not made yet: the next start does' : 'of an older version: the next start makes others'
    const isEmpty = (await database.keys({ gt: '!jobs!', lt: '!jobs"', limit: 1 }).all()).length === 0
    if (!isEmpty) await found({ kind, which: '', state: 'warn', remedy: 'start the gateway', mend: rebuild })
    looked({ what: WHAT, count: 0 })
    return
  }
  const balance = createBalance()
  for await (const [at, amount] of expected(database)) balance.expect(at, amount)
  let count = 0
  for await (const [at, amount] of stored(database)) {
    balance.find(at, amount)
    count += 1
  }
  looked({ what: WHAT, count })
  if (!balance.differs()) return
  const left = await differences(database, balance.isSuspect)
  if (left === null || left.size === 0) {
    const kind = left === null ? 'unlike the jobs in too many places to name them' : 'unlike the jobs'
    await found({ kind, which: '', remedy: null, mend: rebuild })
    return
  }
  for (const [at, amount] of left) {
    const kind = amount > 0 ? 'missing, or too low' : 'of no job, or too high'
    await found({ kind, which: shownKey(at), remedy: null, mend: rebuild })
  }
}

/** Where it stands which version made them. */
export const SCHEMA_KEY = '!meta!schema'

/** Key, with its table, and amount of everything that there has to be of the jobs. */
async function* expected(database: Database): AsyncGenerator<[key: string, amount: number]> {
  for await (const record of rawRecords(database, 'jobs')) {
    const job = formed(JOB_FORMS.job, record) as unknown as JobRecord | null
    if (job === null) continue
    yield* writtenOf(job)
  }
  for await (const record of rawRecords(database, 'bills')) {
    const bill = formed(JOB_FORMS.bill, record) as unknown as BillRecord | null
    const cost = bill === null ? null : costOf(bill)
    if (cost !== null) yield [`!costs!${cost.at}`, cost.nanoUsd]
  }
  for await (const record of rawRecords(database, 'volume-receipts')) {
    const receipt = formed(volumeReceipt, record)
    if (receipt === null) continue
    const { cost, entries } = indexedReceipt(receipt)
    yield [`!costs!${cost.at}`, cost.nanoUsd]
    for (const at of entries) yield [`!volume-costs!${at}`, cost.nanoUsd]
  }
}

/** An entry with what it holds, which is as much a part of it as its key. */
function entryOf(at: string, batch: string): string {
  return batch === '' ? at : `${at} of ${batch}`
}

function* writtenOf(job: JobRecord): Generator<[key: string, amount: number]> {
  const { entries, batch, totals, timed, cost } = indexed(job)
  for (const at of entries) yield [entryOf(`!order!${at}`, batch), 1]
  for (const at of totals) yield [`!totals!${at}`, 1]
  for (const at of timed) for (const span of spansOf(job.id)) yield [`!spans!${key(at, span)}`, 1]
  if (cost !== null) yield [`!costs!${cost.at}`, cost.nanoUsd]
}

async function* stored(database: Database): AsyncGenerator<[key: string, amount: number]> {
  for await (const [at, batch] of rawRecords(database, 'order')) yield [entryOf(at, batch.toString('utf8')), 1]
  for (const name of ['totals', 'spans', 'costs', 'volume-costs']) {
    for await (const record of rawRecords(database, name)) {
      const amount = Number(record[1].toString('utf8'))
      yield [record[0], Number.isSafeInteger(amount) ? amount : NO_NUMBER]
    }
  }
}

/** What differs among the suspects, above 0 where it is missing; null where they are too many to be told apart. */
async function differences(
  database: Database,
  isSuspect: (at: string) => boolean,
): Promise<Map<string, number> | null> {
  const left = new Map<string, number>()
  const add = (at: string, amount: number): void => {
    if (!isSuspect(at)) return
    const sum = (left.get(at) ?? 0) + amount
    if (sum === 0) left.delete(at)
    else left.set(at, sum)
  }
  for await (const [at, amount] of expected(database)) {
    add(at, amount)
    if (left.size > MOST_HELD) return null
  }
  for await (const [at, amount] of stored(database)) {
    add(at, -amount)
    if (left.size > MOST_HELD) return null
  }
  return left
}

function shownKey(at: string): string {
  return ownKey([at, Buffer.alloc(0)]).slice(0, 120)
}
