import { join } from 'node:path'
import type { BatchOperation } from 'classic-level'
import { type Database, openDatabase } from '../node/store/database.ts'
import type { AuditEntry } from './audit/audit-log.ts'
import type { KeyRecord } from './auth/key-ring.ts'
import type { BatchKeyRecord, BatchRecord } from './batches/batch-records.ts'
import type { KnownProvider, ProviderEvent } from './events/provider-log.ts'
import type { Sublevel } from './owned-table.ts'
import type { ScheduleRecord } from './schedules/schedule-store.ts'
import type { TemplateRecord } from './templates/routes.ts'
import type { DeliveryRecord, WebhookRecord } from './webhooks/webhook-records.ts'

/** The gateway's own records, beside the job store: LevelDB in `DATA/gateway/records`. */
export type Records = Awaited<ReturnType<typeof openRecords>>

/** @param folder the gateway's, `DATA/gateway` @throws {DataFolderError} */
export async function openRecords(folder: string) {
  const database: Database = await openDatabase(join(folder, 'records'))
  const json = <V>(name: string) => database.sublevel<string, V>(name, { valueEncoding: 'json' })
  return {
    database,
    /** id → key, its secret hashed. */
    keys: json<KeyRecord>('keys'),
    /** digest of the token of a session that was signed out → when it would have ended, ms. */
    endedSessions: json<number>('ended-sessions'),
    /** id → template. */
    templates: json<TemplateRecord>('templates'),
    /** id → schedule. */
    schedules: json<ScheduleRecord>('schedules'),
    /** id → batch. */
    batches: json<BatchRecord>('batches'),
    /** id of a batch → ids of its jobs, in order. */
    batchMembers: json<string[]>('batch-members'),
    /** hash of owner and key → the batch it made. */
    batchKeys: json<BatchKeyRecord>('batch-keys'),
    /** id → webhook, its secret encrypted. */
    webhooks: json<WebhookRecord>('webhooks'),
    /** webhook, id → delivery. */
    deliveries: json<DeliveryRecord>('deliveries'),
    /** webhook, id of a delivery that waits → nothing. */
    deliveryQueue: json<string>('delivery-queue'),
    /** webhook, job → nothing: it was told that the job passed its cost threshold. */
    costsTold: json<string>('costs-told'),
    /** id → what was last known of a provider. */
    knownProviders: json<KnownProvider>('known-providers'),
    /** seq → what happened to a provider. */
    providerEvents: json<ProviderEvent>('provider-events'),
    /** seq → who changed what. */
    audit: json<AuditEntry>('audit'),
    /** name → value; see the reader of each. */
    meta: json<string>('meta'),
    close: async () => await database.close(),
  }
}

/** One write of a batch over several tables. */
export type Operation = BatchOperation<Database, string, string>

export function write<V>(table: Sublevel<V>, key: string, value: V): Operation {
  // A batch holds values of different types, which the library's types cannot say.
  return { type: 'put', sublevel: table as never, key, value: value as never }
}

export function remove<V>(table: Sublevel<V>, key: string): Operation {
  return { type: 'del', sublevel: table as never, key }
}
