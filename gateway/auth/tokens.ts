import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Records } from '../records.ts'

/** What a token is good for; a token of one kind never passes as another. */
export type TokenKind = 'session' | 'stream' | 'port'

const claimsSchema = z.strictObject({
  kind: z.enum(['session', 'stream', 'port']),
  keyId: z.string(),
  expiresAtMs: z.number(),
  /** For streams: the one job it reads; absent: any that its key sees. For ports: the job. */
  jobId: z.string().optional(),
  /** For ports: which one. */
  port: z.number().optional(),
  /** For streams and ports: the browser's session that it was made in, and ends with. */
  session: z.strictObject({ id: z.string(), expiresAtMs: z.number() }).optional(),
})
export type Claims = z.output<typeof claimsSchema>

/** Signed, self-contained tokens. They end with their time, or with the key behind them. */
export interface Tokens {
  issue(claims: Claims): string
  /** The claims, where the signature, the kind and the time are right. */
  verify(kind: TokenKind, token: string): Claims | undefined
}

export function createTokens(components: { clock: Clock }, init: { secret: string }): Tokens {
  const sign = (body: string) => createHmac('sha256', init.secret).update(`cortex-node/token/1\0${body}`).digest()
  return {
    issue(claims) {
      const body = Buffer.from(JSON.stringify(claims)).toString('base64url')
      return `${body}.${sign(body).toString('base64url')}`
    },
    verify(kind, token) {
      const [body = '', signature = ''] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const right = sign(body)
      if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
      const claims = claimsSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')))
      return claims.kind === kind && claims.expiresAtMs > components.clock.nowMs() ? claims : undefined
    },
  }
}

/** The signing secret of a gateway: made once, so that sessions outlive a restart. */
export async function loadTokenSecret(records: Pick<Records, 'meta'>): Promise<string> {
  const known = await records.meta.get('token-secret')
  if (known !== undefined) return known
  const secret = randomBytes(32).toString('hex')
  await records.meta.put('token-secret', secret)
  return secret
}
