import { createHash } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import type { Expiry, Session } from '../http/principal.ts'
import type { Table } from '../records/table.ts'
import { leftOf } from './tokens.ts'

/** How much longer an end is remembered than its token lives, in ms: the wall clock may have been set forward meanwhile. */
const REMEMBERED_MS = 30 * 24 * 3_600_000

/** Which sessions are over: those whose time is up, and those that were signed out before. */
export interface Sessions {
  /** Its token, and what was made of it, is good for nothing from now on, over restarts. */
  end(session: Session): Promise<void>
  isOver(session: Session): boolean
}

/** The session of a browser by its token: known by the token’s digest, and over when the token expires. */
export function sessionOf(token: string, { expiresAtMs, boot }: Expiry): Session {
  const id = createHash('sha256').update(token).digest('hex').slice(0, 32)
  return { id, expiresAtMs, ...(boot === undefined ? {} : { boot }) }
}

/** @param components.endedSessions digest of the token of a session that was signed out → when it would have ended, ms */
export async function openSessions(components: { endedSessions: Table<number>; clock: Clock }): Promise<Sessions> {
  const { endedSessions, clock } = components
  /** id → when its token would have ended: until then it must be remembered. */
  const ended = new Map<string, number>()

  async function forgetOld(): Promise<void> {
    for (const [id, expiresAtMs] of ended) {
      if (expiresAtMs + REMEMBERED_MS > clock.nowMs()) continue
      ended.delete(id)
      await endedSessions.del(id)
    }
  }

  for await (const [id, expiresAtMs] of endedSessions.iterator()) ended.set(id, expiresAtMs)
  await forgetOld()

  return {
    async end({ id, expiresAtMs }) {
      ended.set(id, expiresAtMs)
      await endedSessions.put(id, expiresAtMs, { sync: true } as object)
      await forgetOld()
    },
    isOver: (session) => ended.has(session.id) || leftOf(clock, session) <= 0,
  }
}
