import { monotonicFactory } from 'ulid'

const nextUlid = monotonicFactory()

/** What the id of a gateway’s own record begins with. */
export type IdKind = 'template' | 'schedule' | 'batch' | 'webhook' | 'delivery' | 'evt' | 'sshkey'

/** A new id of a gateway's own record, e.g. `webhook_01k…`: sorts by creation, also within one millisecond. */
export function newId(kind: IdKind, nowMs: number): string {
  return `${kind}_${nextUlid(nowMs).toLowerCase()}`
}
