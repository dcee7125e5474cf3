import type { MiddlewareHandler } from 'hono'
import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { GatewayEnv } from '../http/context.ts'
import type { Feature } from '../http/feature.ts'
import { type Database, openMeta, openTable } from '../records/table.ts'
import { type AdminKey, loadAdminKey } from './admin-key.ts'
import { type AuthenticateInit, authenticate } from './authenticate.ts'
import { createKeyGuard, type KeyGuard } from './key-guard.ts'
import { ADMIN_KEY_ID, type KeyRing, openKeyRing } from './key-ring.ts'
import { addKeyRoutes } from './key-routes.ts'
import { createRevocation, type Revocation, revokedError } from './revocation.ts'
import { addSessionRoutes, addSignInLink } from './session-routes.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { createSignInCodes } from './sign-in.ts'
import { createTokens, loadTokenSecret, type Tokens } from './tokens.ts'

/** Where keys are, and who is let in without one. */
export interface AuthInit extends AuthenticateInit {
  /** The gateway's folder, `DATA/gateway`. */
  folder: string
  /** Instead of the key in the folder; at least 16 characters. */
  adminKey?: string
  /** A text that passes for a key where one is looked at, and opens nothing here: the token of a scraper. */
  metricsToken?: string
}

/** What {@link openAuth} works with. */
export interface AuthComponents {
  db: Database
  /** Reviewed when a key or a session has ended. */
  streams: { review(): void }
  clock: Clock
  logger: Logger
}

/** Who asks: keys, sessions of browsers, tokens; and what ends with them. */
export interface Auth extends Feature {
  adminKey: AdminKey
  keys: KeyRing
  keyGuard: KeyGuard
  sessions: Sessions
  tokens: Tokens
  revocation: Revocation
  /** Finds out who asks. */
  authenticate: MiddlewareHandler<GatewayEnv>
  /** Refuses what came from somebody whose key or session has ended while its body arrived. */
  assertStands: MiddlewareHandler<GatewayEnv>
  /** A code that signs a browser in as the admin, once and for ten minutes. */
  adminSignInCode(): string
}

/** @throws {AdminKeyError} */
export async function openAuth({ db, streams, clock, logger }: AuthComponents, init: AuthInit): Promise<Auth> {
  const adminKey = await loadAdminKey(init.folder, init.adminKey)
  const keys = await openKeyRing(
    { table: openTable(db, 'keys'), clock },
    {
      adminKey: adminKey.text,
      ...(adminKey.madeAtMs === undefined ? {} : { adminKeyMadeAtMs: adminKey.madeAtMs }),
    },
  )
  const tokens = createTokens({ clock, keys }, { secret: await loadTokenSecret(openMeta(db)) })
  const sessions = await openSessions({ endedSessions: openTable(db, 'ended-sessions'), clock })
  const revocation = createRevocation({ keys, sessions, streams, clock })
  keys.onRevoked(revocation.enforce)
  const keyGuard = createKeyGuard({ keys, clock }, { other: init.metricsToken })
  const signIn = createSignInCodes({ clock })
  const components = { keys, tokens, sessions, revocation, keyGuard, signIn, clock }
  const background = createBackground({ logger })
  return {
    ...{ adminKey, keys, keyGuard, sessions, tokens, revocation },
    authenticate: authenticate(components, init),
    async assertStands(c, next) {
      const { principal } = c.var
      if (principal !== null && !revocation.isValid(principal)) throw revokedError()
      await next()
    },
    adminSignInCode: () => signIn.issue(ADMIN_KEY_ID),
    routes(api) {
      addSessionRoutes(api, components)
      addKeyRoutes(api, components)
    },
    rootRoutes: (app) => addSignInLink(app, components),
    start: async () => background.run('revocation', revocation.run),
    stop: background.stop,
  }
}
