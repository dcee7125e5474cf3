import { randomBytes } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'

/** How long a sign-in link works, in ms. */
const LINK_MS = 10 * 60_000
/** Links that can be open at a time; the oldest go first. */
const MAX_OPEN = 100

/** One-time codes for sign-in links, in memory: they end with the process. */
export interface SignInCodes {
  issue(keyId: string): string
  /** The key it was issued for, once. */
  redeem(code: string): string | undefined
}

export function createSignInCodes(components: { clock: Clock }): SignInCodes {
  const open = new Map<string, { keyId: string; expiresAtMs: number }>()
  return {
    issue(keyId) {
      const oldest = open.keys().next()
      if (open.size >= MAX_OPEN && !oldest.done) open.delete(oldest.value)
      const code = randomBytes(24).toString('base64url')
      open.set(code, { keyId, expiresAtMs: components.clock.nowMs() + LINK_MS })
      return code
    },
    redeem(code) {
      const entry = open.get(code)
      open.delete(code)
      return entry !== undefined && entry.expiresAtMs > components.clock.nowMs() ? entry.keyId : undefined
    },
  }
}
