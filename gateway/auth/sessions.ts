import { createHash } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import type { Records } from '../records.ts'

/** What a browser was signed in with. */
export interface Session {
  /** Digest of its token. */
  id: string
  /** When it ends by itself. */
  expiresAtMs: number
}

/** Which sessions are over: those whose time is up, and those that were signed out before. */
export interface Sessions {
  /** Its token, and what was made of it, is good for nothing from now on, over restarts. */
  end(session: Session): Promise<void>
  isOver(session: Session): boolean
}

export function sessionOf(token: string, { expiresAtMs }: { expiresAtMs: number }): Session {
  return { id: createHash('sha256').update(token).digest('hex').slice(0, 32), expiresAtMs }
}

export async function openSessions(components: { records: Pick<Records, 'endedSessions'>; clock: Clock }) {
  const { records, clock } = components
  /** id → when its token would have ended: until then it must be remembered. */
  const ended = new Map<string, number>()

  async function forgetOld(): Promise<void> {
    for (const [id, expiresAtMs] of ended) {
      if (expiresAtMs > clock.nowMs()) continue
      ended.delete(id)
      await records.endedSessions.del(id)
    }
  }

  for await (const [id, expiresAtMs] of records.endedSessions.iterator()) ended.set(id, expiresAtMs)
  await forgetOld()

  const sessions: Sessions = {
    async end({ id, expiresAtMs }) {
      ended.set(id, expiresAtMs)
      await records.endedSessions.put(id, expiresAtMs, { sync: true } as object)
      await forgetOld()
    },
    isOver: ({ id, expiresAtMs }) => ended.has(id) || expiresAtMs <= clock.nowMs(),
  }
  return sessions
}
