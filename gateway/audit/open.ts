import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { GatewayEnv } from '../http/context.ts'
import type { Feature } from '../http/feature.ts'
import type { Database } from '../records/table.ts'
import { addAuditRoutes, auditChanges } from './audit.ts'
import { createAuditLog } from './audit-log.ts'

/** The audit of a gateway: notes changes and wrong keys, and lists them for admins. */
export interface Audit extends Feature {
  /** Notes every change, and every attempt with a wrong key. */
  noteChanges: MiddlewareHandler<GatewayEnv>
  /** Notes what the gateway does by itself with what somebody made. */
  note(entry: { keyId: string; owner: string; method: string; path: string }): void
}

/** Reads where the log is, so that numbers go on without gap. Its `stop` waits for what is still to be written. */
export async function openAudit(components: { db: Database; clock: Clock; logger: Logger }): Promise<Audit> {
  const log = createAuditLog(components)
  await log.load()
  return {
    noteChanges: auditChanges(log),
    note: (entry) => log.note({ ...entry, status: 200, requestId: '', address: '' }),
    routes: (api) => addAuditRoutes(api, log),
    stop: log.flush,
  }
}
