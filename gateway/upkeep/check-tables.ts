import { formed, OTHER_KEY, ownKey, rawRecords } from '../../node/store/check-store.ts'
import type { Database } from '../../node/store/database.ts'
import type { DumpRecord } from '../../node/store/dump.ts'
import type { SecretBox } from '../../node/store/secret-box.ts'
import type { Found, LookedAt, Mend } from '../../node/upkeep/problem.ts'
import { type RecordOf, TABLES, type TableName } from './forms.ts'

/** What {@link checkTables} works with. */
export interface TablesCheckComponents {
  /** The gateway's own records, that nobody else has open. */
  records: Database
  secretBox: Pick<SecretBox, 'open'>
  /** Of the job store; null where that cannot be read. */
  jobs: { has(id: string): Promise<boolean>; feedEnd(): Promise<number> } | null
  found(what: string): Found
  looked(lookedAt: LookedAt): void
}

/** Looks at one record of a table beyond its form. */
type Look<N extends TableName> = (value: RecordOf<N>, record: DumpRecord, found: Found) => Promise<void>

const setAside = (record: DumpRecord): Mend => ({ how: 'set aside', aside: [record] })

/** Reads all of the gateway's own records, each by its own form, and what they say of each other and of jobs. */
export async function checkTables(components: TablesCheckComponents): Promise<void> {
  const { records, found, looked } = components
  const looks = looksAt(components)
  for (const name of Object.keys(TABLES) as TableName[]) {
    const { what, form } = TABLES[name]
    let count = 0
    for await (const record of rawRecords(records, name)) {
      count += 1
      const value = formed(form as never, record) as RecordOf<TableName> | null
      if (value !== null) await (looks[name] as Look<TableName> | undefined)?.(value, record, found(what))
      else await found(what)({ kind: 'cannot be read', which: ownKey(record), remedy: null, mend: setAside(record) })
    }
    looked({ what, count })
  }
}

/** What tables say of others: each is read once, and what it names is looked up. */
function looksAt(components: TablesCheckComponents): { [N in TableName]?: Look<N> } {
  const { records, jobs } = components
  const has = async (table: TableName, key: string): Promise<boolean> =>
    (await records.get(`!${table}!${key}`)) !== undefined
  const opens = sealedOpens(components.secretBox)

  return {
    async templates({ id, sealed }, _record, found) {
      if (sealed !== undefined) await opens(id, sealed, found)
    },
    async schedules({ id, stored, templateId }, _record, found) {
      if (stored?.sealed !== undefined) await opens(id, stored.sealed, found)
      if (templateId === null || (await has('templates', templateId))) return
      // Whoever deletes a template may mean to: each run says so.
      const remedy = `give it another template, or delete it: cortex schedule delete ${id}`
      await found({ kind: 'whose template is gone', which: id, state: 'warn', remedy, mend: null })
    },
    async webhooks({ id, sealedSecret }, _record, found) {
      if (sealedSecret !== null) await opens(id, sealedSecret, found)
    },
    async batches({ id, endedAtMs }, record, found) {
      if (endedAtMs !== null || (await has('batch-members', id))) return
      await found({ kind: 'whose list of jobs is gone', which: id, remedy: null, mend: setAside(record) })
    },
    async 'batch-members'(members, record, found) {
      const batch = await records.get(`!batches!${ownKey(record)}`)
      if (batch === undefined) {
        await found({ kind: 'of no batch', which: ownKey(record), remedy: null, mend: setAside(record) })
        return
      }
      // Jobs of one that has ended may have gone with their age: how they ended stands with the batch.
      if (jobs === null || hasEnded(batch)) return
      const there: string[] = []
      for (const id of members) if (await jobs.has(id)) there.push(id)
      if (there.length === members.length) return
      await found({
        ...{ kind: 'with jobs that are gone', which: ownKey(record), remedy: null },
        mend: { how: 'the batch goes on without them', writes: [{ key: record[0], value: JSON.stringify(there) }] },
      })
    },
    async 'batch-keys'({ batchId }, record, found) {
      if (await has('batches', batchId)) return
      const mend = { how: 'removed', writes: [{ key: record[0] }] }
      await found({ kind: 'of no batch', which: ownKey(record), state: 'warn', remedy: null, mend })
    },
    async deliveries({ webhookId, status, subject = '', nextAttemptMs }, record, found) {
      if (!(await has('webhooks', webhookId))) {
        await found({ kind: 'to no webhook', which: ownKey(record), remedy: null, mend: setAside(record) })
        return
      }
      if (status !== 'retrying' || (await has('delivery-queue', ownKey(record)))) return
      const value = JSON.stringify({ subject, nextAttemptMs, delayMs: 0 })
      const mend = { how: 'queued again', writes: [{ key: `!delivery-queue!${ownKey(record)}`, value }] }
      await found({ kind: 'on their way, and in no queue', which: ownKey(record), remedy: null, mend })
    },
    async 'delivery-queue'(_value, record, found) {
      if (await has('deliveries', ownKey(record))) return
      const mend = { how: 'removed', writes: [{ key: record[0] }] }
      await found({ kind: 'of no delivery', which: ownKey(record), remedy: null, mend })
    },
    async 'costs-told'(_value, record, found) {
      if (await has('webhooks', ownKey(record).split('!')[0] ?? '')) return
      const mend = { how: 'removed', writes: [{ key: record[0] }] }
      await found({ kind: 'to no webhook', which: ownKey(record), state: 'warn', remedy: null, mend })
    },
    async meta(value, record, found) {
      if (ownKey(record) !== 'webhooks-feed' || jobs === null) return
      const end = await jobs.feedEnd()
      if (Number(value) <= end) return
      const mend = {
        how: 'webhooks go on with what comes next',
        writes: [{ key: record[0], value: JSON.stringify(String(end)) }],
      }
      await found({ kind: 'webhooks are further than the feed of events', which: '', remedy: null, mend })
    },
  }
}

/** What does not open stays: without its secrets something else would run. */
function sealedOpens(secretBox: Pick<SecretBox, 'open'>) {
  return async (id: string, sealed: string, found: Found): Promise<void> => {
    try {
      secretBox.open(id, sealed)
    } catch {
      const remedy = `${OTHER_KEY}; where it is lost, give the secrets anew`
      await found({ kind: 'whose secrets do not open', which: id, remedy, mend: null })
    }
  }
}

function hasEnded(batch: string): boolean {
  try {
    return (JSON.parse(batch) as { endedAtMs?: unknown } | null)?.endedAtMs !== null
  } catch {
    return true // of which it is told where batches are looked at
  }
}
