import type { CallOptions } from './resource.ts'
import type { Page, Transport } from './transport.ts'
import type { AuditEntry, Paging, User } from './types.ts'

/** The session of a browser: a cookie that scripts cannot read. */
export function sessionCalls(transport: Transport) {
  const path = '/auth/session'
  return {
    signIn: async (key: string, options: CallOptions = {}): Promise<User> =>
      await transport.data({ method: 'POST', path, json: { key }, ...options }),
    async signOut(options: CallOptions = {}): Promise<void> {
      await transport.data({ method: 'DELETE', path, ...options })
    },
  }
}

/** Who changed what. */
export function auditCalls(transport: Transport) {
  return {
    /** Every change and every wrong key, newest first. */
    list: async (paging: Paging = {}, options: CallOptions = {}): Promise<Page<AuditEntry>> =>
      await transport.page({ method: 'GET', path: '/system/audit', query: { ...paging }, ...options }),
  }
}
