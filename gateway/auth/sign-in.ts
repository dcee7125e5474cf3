import type { Clock } from '../../node/clock.ts'
import { createOneTimeCodes } from '../records/one-time-codes.ts'

/** How long a sign-in link works, in ms. */
export const LINK_MS = 10 * 60_000
/** Links that can be open at a time; the oldest go first. */
const MAX_OPEN = 100

/** One-time codes for sign-in links. */
export interface SignInCodes {
  issue(keyId: string): string
  /** The key it was issued for, once. */
  redeem(code: string): string | undefined
}

/** In memory only: a restart makes open links worthless. */
export function createSignInCodes(components: { clock: Clock }): SignInCodes {
  const codes = createOneTimeCodes<string>(components, { lifeMs: LINK_MS, maxOpen: MAX_OPEN })
  return { issue: (keyId) => codes.issue(keyId).code, redeem: codes.redeem }
}
