import type { MiddlewareHandler } from 'hono'
import { bearerOf, type GatewayContext, type GatewayEnv, remoteAddress, wantsEvents } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import { isLocal } from '../http/loopback.ts'
import type { Principal, Session } from '../http/principal.ts'
import type { KeyGuard } from './key-guard.ts'
import type { KeyRecord, KeyRing } from './key-ring.ts'
import { readSessionCookie } from './session-cookie.ts'
import { type Sessions, sessionOf } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** The streams of one job, as far as a browser's `EventSource` reads them. */
const JOB_STREAM = /\/plugin-core\/jobs\/(job_[0-9a-z]+)\/(?:logs|events|metrics)$/
/** Every stream that a stream token opens. */
const STREAM = /\/plugin-core\/(?:events|jobs\/job_[0-9a-z]+\/(?:logs|events|metrics))$/

/** Who is let in without a key. */
export interface AuthenticateInit {
  /**
   * Whether a program on this machine may follow one job's streams without a key, knowing the job's id. Safe only where
   * everybody on the machine is trusted; see docs/decisions. @default false
   */
  openLoopbackStreams?: boolean
}

/** Finds out who asks. It refuses nothing by itself: what needs a permission does. */
export function authenticate(
  components: { keys: KeyRing; tokens: Tokens; sessions: Sessions; keyGuard: KeyGuard },
  init: AuthenticateInit,
): MiddlewareHandler<GatewayEnv> {
  const { keys, tokens, sessions, keyGuard } = components

  function fromToken(c: GatewayContext): Principal | undefined {
    const token = c.req.query('access_token')
    if (token === undefined || c.req.method !== 'GET' || !wantsEvents(c) || !STREAM.test(c.req.path)) return undefined
    const claims = tokens.verify('stream', token)
    if (claims === undefined || (claims.jobId !== undefined && claims.jobId !== jobOf(c))) return undefined
    if (claims.session !== undefined && sessions.isOver(claims.session)) return undefined
    return principalFor(keys.get(claims.keyId), 'stream-token', claims.session)
  }

  function fromCookie(c: GatewayContext): Principal | undefined {
    const cookie = readSessionCookie(c)
    const claims = cookie === undefined ? undefined : tokens.verify('session', cookie)
    if (cookie === undefined || claims === undefined) return undefined
    const session = sessionOf(cookie, claims)
    return sessions.isOver(session) ? undefined : principalFor(keys.get(claims.keyId), 'cookie', session)
  }

  function fromLoopback(c: GatewayContext): Principal | undefined {
    if (init.openLoopbackStreams !== true || c.req.method !== 'GET' || !wantsEvents(c)) return undefined
    if (jobOf(c) === undefined || !isLocal(c) || !isSameSite(c)) return undefined
    return { keyId: 'loopback', owner: 'loopback', grants: ['jobs:read'], via: 'loopback' }
  }

  return async (c, next) => {
    const bearer = bearerOf(c)
    c.set('principal', null)
    c.set('authProblem', null)
    if (bearer === undefined) c.set('principal', fromToken(c) ?? fromCookie(c) ?? fromLoopback(c) ?? null)
    else {
      try {
        const key = await keyGuard.check(remoteAddress(c), bearer)
        c.set('principal', principalFor(key ?? undefined, 'key') ?? null)
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        c.set('authProblem', error)
      }
    }
    await next()
  }
}

function jobOf(c: GatewayContext): string | undefined {
  return JOB_STREAM.exec(c.req.path)?.[1]
}

/** Browsers say where a request comes from; what says nothing is no page of another site. */
function isSameSite(c: GatewayContext): boolean {
  const site = c.req.header('sec-fetch-site')
  const origin = c.req.header('origin')
  return (
    (site === undefined || site === 'same-origin' || site === 'none') &&
    (origin === undefined || origin === new URL(c.req.url).origin)
  )
}

function principalFor(
  key: KeyRecord | undefined,
  via: Principal['via'],
  session: Session | undefined = undefined,
): Principal | undefined {
  if (key === undefined) return undefined
  return { keyId: key.id, owner: key.owner, grants: key.grants, via, ...(session === undefined ? {} : { session }) }
}
