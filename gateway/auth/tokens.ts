import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { leftUntil, momentAfter } from '../../node/moment.ts'
import type { Expiry } from '../http/principal.ts'
import type { Table } from '../records/table.ts'
import type { KeyRing } from './key-ring.ts'

/** What a token is good for; a token of one kind never passes as another. */
export type TokenKind = 'session' | 'stream' | 'port'

/** No token of this gateway is longer, in characters. */
const MAX_LENGTH = 1024

const bootSchema = z.strictObject({ bootId: z.string(), ms: z.number(), asleepMs: z.number().optional() })

const claimsSchema = z.strictObject({
  kind: z.enum(['session', 'stream', 'port']),
  keyId: z.string(),
  expiresAtMs: z.number(),
  /** The same on the clock since boot: a wall clock that was set ends no token, and keeps none alive. */
  boot: bootSchema.optional(),
  /** Random: two tokens are never the same, so that the end of one is not that of the other. */
  nonce: z.string().optional(),
  /** For streams: the one job it reads; absent: any that its key sees. For ports: the job. */
  jobId: z.string().optional(),
  /** For ports: which one. */
  port: z.number().optional(),
  /** For streams and ports: the browser's session that it was made in, and ends with. */
  session: z.strictObject({ id: z.string(), expiresAtMs: z.number(), boot: bootSchema.optional() }).optional(),
})
/** What a token says: whose key is behind it, what it is good for, and until when. */
export type Claims = z.output<typeof claimsSchema>

/** Signed, self-contained tokens. They end with their time, or with the key behind them: revoked, expired or replaced. */
export interface Tokens {
  /** @throws {Error} where there is no such key */
  issue(claims: Omit<Claims, 'nonce' | 'boot'>): string
  /** The claims, where the signature, the kind, the time and the key are right, and the token is spelled as it was issued. */
  verify(kind: TokenKind, token: string): Claims | undefined
}

/** Tokens outlive a restart where the secret does. @param init.secret signs them, see {@link loadTokenSecret} */
export function createTokens(
  components: { clock: Clock; keys: Pick<KeyRing, 'get'> },
  init: { secret: string },
): Tokens {
  const { clock, keys } = components

  /** The token with this body: the key's digest is signed with it, so another key under the same id is another signature. */
  function tokenOf(body: string, keyId: string): string | undefined {
    const key = keys.get(keyId)
    if (key === undefined) return undefined
    const signed = `cortex-node/token/2\0${key.digest}\0${body}`
    return `${body}.${createHmac('sha256', init.secret).update(signed).digest('base64url')}`
  }

  return {
    issue(claims) {
      const { sinceBoot } = momentAfter(clock, claims.expiresAtMs - clock.nowMs())
      const boot = sinceBoot === null ? {} : { boot: sinceBoot }
      const named = { ...claims, ...boot, nonce: randomBytes(9).toString('base64url') }
      const token = tokenOf(Buffer.from(JSON.stringify(named)).toString('base64url'), claims.keyId)
      if (token === undefined) throw new Error(`There is no key ${claims.keyId} to make a token for`)
      return token
    },
    verify(kind, token) {
      if (token.length > MAX_LENGTH) return undefined
      const body = token.slice(0, token.indexOf('.'))
      const claims = readClaims(body)
      const right = claims === undefined ? undefined : tokenOf(body, claims.keyId)
      // The whole text is compared: base64 alone has several spellings of the same bytes.
      if (claims === undefined || right === undefined || !isSame(token, right)) return undefined
      return claims.kind === kind && leftOf(clock, claims) > 0 ? claims : undefined
    },
  }
}

/** Ms that are left of what ends at a time. */
export function leftOf(clock: Clock, { expiresAtMs, boot }: Expiry): number {
  return leftUntil(clock, { wallMs: expiresAtMs, sinceBoot: boot ?? null })
}

function readClaims(body: string): Claims | undefined {
  try {
    return claimsSchema.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))).data
  } catch {
    return undefined // not JSON: nothing that was issued here
  }
}

function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** The signing secret of a gateway: made once, so that sessions outlive a restart. */
export async function loadTokenSecret(meta: Table<string>): Promise<string> {
  const known = await meta.get('token-secret')
  if (known !== undefined) return known
  const secret = randomBytes(32).toString('hex')
  await meta.put('token-secret', secret)
  return secret
}
