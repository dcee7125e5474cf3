import type { Context } from 'hono'
import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { isoTime } from '../../node/views/time.ts'
import { messageSchema, success } from '../contract/envelope.ts'
import { userSchema } from '../contract/keys.ts'
import { type GatewayEnv, principalOf, remoteAddress } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import type { Principal } from '../http/principal.ts'
import type { KeyGuard } from './key-guard.ts'
import type { Revocation } from './revocation.ts'
import { deleteSessionCookie, readSessionCookie, writeSessionCookie } from './session-cookie.ts'
import { type Sessions, sessionOf } from './sessions.ts'
import type { SignInCodes } from './sign-in.ts'
import type { Tokens } from './tokens.ts'

/** How long a session lasts, in seconds: a week. */
const SESSION_SECONDS = 7 * 24 * 3600
/** How long a stream token opens streams; one that is open goes on. In seconds. */
const STREAM_TOKEN_SECONDS = 600
const MAX_STREAM_TOKEN_SECONDS = 3600

const USER_EXAMPLE = { id: 'research', keyId: 'key_3f6b1a0c9d2e4f58', permissions: ['jobs:*' as const], admin: false }

const testOperation = operation({
  method: 'post',
  path: '/auth/test',
  operationId: 'testAuth',
  tag: 'Auth',
  summary: 'Check a key',
  permission: 'signed-in',
  data: z
    .strictObject({ valid: z.literal(true).describe('The key is one.'), ...userSchema.shape })
    .describe('Whose key it is.'),
  example: { valid: true, ...USER_EXAMPLE },
})

const meOperation = operation({
  method: 'get',
  path: '/users/me',
  operationId: 'getMe',
  tag: 'Auth',
  summary: 'Who I am',
  permission: 'signed-in',
  data: userSchema,
  example: USER_EXAMPLE,
})

const streamTokenOperation = operation({
  method: 'post',
  path: '/auth/stream-token',
  operationId: 'createStreamToken',
  tag: 'Auth',
  summary: 'A token for a browser’s EventSource',
  description:
    'Opens event streams as `?access_token=` and nothing else, for programs that cannot send a header. It ends soon, and with its key.',
  permission: 'jobs:read',
  request: {
    body: {
      required: false,
      description: 'What the token is to open, and for how long.',
      content: {
        'application/json': {
          schema: z.strictObject({
            jobId: z.string().max(64).optional().describe('Only this job’s streams.'),
            ttl: z
              .int()
              .min(1)
              .max(MAX_STREAM_TOKEN_SECONDS)
              .default(STREAM_TOKEN_SECONDS)
              .describe('Seconds that it lasts.'),
          }),
          example: { ttl: 600 },
        },
      },
    },
  },
  data: z
    .strictObject({
      token: z.string().describe('For `?access_token=`.'),
      expiresAt: z.iso.datetime().describe('From when it opens nothing; what is open goes on.'),
    })
    .describe('The token.'),
  status: 201,
  example: { token: 'eyJ…', expiresAt: '2026-01-31T12:10:00.000Z' },
})

const signInOperation = operation({
  method: 'post',
  path: '/auth/session',
  operationId: 'signIn',
  tag: 'Auth',
  summary: 'Sign a browser in',
  description: 'Sets a cookie that scripts cannot read and other sites cannot send.',
  permission: 'public',
  request: {
    body: {
      required: true,
      description: 'Who signs in.',
      content: {
        'application/json': {
          schema: z.strictObject({ key: z.string().min(1).max(512).describe('The text of a key.') }),
          example: { key: 'ck_EXAMPLE' },
        },
      },
    },
  },
  data: userSchema,
  status: 201,
  example: USER_EXAMPLE,
  errors: ['UNAUTHORIZED'],
})

const signOutOperation = operation({
  method: 'delete',
  path: '/auth/session',
  operationId: 'signOut',
  tag: 'Auth',
  summary: 'Sign a browser out',
  description: 'The session is over, wherever its cookie is, and what it had open: streams, sockets, ports of jobs.',
  permission: 'public',
  data: messageSchema,
  example: { message: 'Signed out' },
})

interface SessionRouteComponents {
  tokens: Tokens
  sessions: Sessions
  revocation: Pick<Revocation, 'enforce'>
  clock: Clock
  keyGuard: KeyGuard
}

/** Who asks, sessions of browsers and tokens for streams. */
export function addSessionRoutes(api: Api, components: SessionRouteComponents): void {
  const { tokens, sessions, revocation, clock, keyGuard } = components
  api.openapi(testOperation, (c) => c.json(success({ valid: true as const, ...userView(principalOf(c)) }), 200))
  api.openapi(meOperation, (c) => c.json(success(userView(principalOf(c))), 200))

  api.openapi(streamTokenOperation, (c) => {
    // Without a body the library hands over none of the schema's defaults.
    const { jobId, ttl = STREAM_TOKEN_SECONDS } = c.req.valid('json')
    const expiresAtMs = clock.nowMs() + ttl * 1000
    const { keyId, session } = principalOf(c)
    const within = { ...(jobId === undefined ? {} : { jobId }), ...(session === undefined ? {} : { session }) }
    const token = tokens.issue({ kind: 'stream', keyId, expiresAtMs, ...within })
    return c.json(success({ token, expiresAt: isoTime(expiresAtMs) }), 201)
  })

  api.openapi(signInOperation, async (c) => {
    const key = await keyGuard.check(remoteAddress(c), c.req.valid('json').key)
    if (key === null) throw new GatewayError('UNAUTHORIZED', 'This is no key: sign in with one')
    startSession(c, { tokens, clock }, key.id)
    return c.json(success(userView({ keyId: key.id, owner: key.owner, grants: key.grants, via: 'cookie' })), 201)
  })

  api.openapi(signOutOperation, async (c) => {
    const cookie = readSessionCookie(c)
    const claims = cookie === undefined ? undefined : tokens.verify('session', cookie)
    if (cookie !== undefined && claims !== undefined) await sessions.end(sessionOf(cookie, claims))
    revocation.enforce()
    deleteSessionCookie(c)
    return c.json(success({ message: 'Signed out' }), 200)
  })
}

/** `GET /sign-in?code=…`: what the link opens that a gateway prints at its start. */
export function addSignInLink(
  app: Api,
  { signIn, ...components }: { signIn: SignInCodes; tokens: Tokens; clock: Clock },
): void {
  app.get('/sign-in', (c) => {
    const keyId = signIn.redeem(c.req.query('code') ?? '')
    if (keyId === undefined) {
      // A person sees the page to sign in on, which says the same.
      if ((c.req.header('accept') ?? '').includes('text/html')) return c.redirect('/login?reason=link')
      throw new GatewayError('UNAUTHORIZED', 'This sign-in link was used or is too old: sign in with a key')
    }
    startSession(c, components, keyId)
    return c.redirect('/')
  })
}

function startSession(
  c: Context<GatewayEnv>,
  { tokens, clock }: Pick<SessionRouteComponents, 'tokens' | 'clock'>,
  keyId: string,
): void {
  const expiresAtMs = clock.nowMs() + SESSION_SECONDS * 1000
  writeSessionCookie(c, tokens.issue({ kind: 'session', keyId, expiresAtMs }), SESSION_SECONDS)
}

function userView(principal: Principal): z.input<typeof userSchema> {
  const { owner, keyId, grants } = principal
  return { id: owner, keyId, permissions: [...grants], admin: grants.includes('admin') }
}
