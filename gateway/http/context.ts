import type { Context } from 'hono'
import { GatewayError } from './errors.ts'
import { StreamSocket } from './http2/index.ts'
import type { Principal } from './principal.ts'

/** What middleware leaves for the handlers. */
export interface GatewayEnv {
  Variables: {
    requestId: string
    /** Null: nobody is signed in, and `authProblem` says why where something was wrong. */
    principal: Principal | null
    authProblem: GatewayError | null
  }
}

/** A request to the gateway, as handlers and middleware have it. */
export type GatewayContext = Context<GatewayEnv>

/** Who asks. Only for handlers of operations that need a permission. @throws {GatewayError} UNAUTHORIZED */
export function principalOf(c: Context<GatewayEnv>): Principal {
  const { principal, authProblem } = c.var
  if (principal !== null) return principal
  throw authProblem ?? new GatewayError('UNAUTHORIZED', 'Sign in, or send the header Authorization: Bearer KEY')
}

/** Address of the client: of the TCP peer, or what a trusted proxy says; empty where there is no socket. */
export function remoteAddress(c: Context): string {
  const env = c.env as { clientAddress?: string; incoming?: { socket?: { remoteAddress?: string } } } | undefined
  return env?.clientAddress ?? env?.incoming?.socket?.remoteAddress ?? ''
}

/** What the client speaks, e.g. `HTTP/2`; of a trusted proxy's client, what the proxy speaks. */
export function protocolOf(c: Context): string {
  const env = c.env as { incoming?: { socket?: object; httpVersion?: string } } | undefined
  return env?.incoming?.socket instanceof StreamSocket ? 'HTTP/2' : `HTTP/${env?.incoming?.httpVersion ?? '1.1'}`
}

/** In the environment of a request that a tool makes within this process: the id of its key. Nothing from outside is there. */
export const TOOL_KEY = 'toolKey'

/** What a job says of its origin where a tool makes it; nothing where none does. */
export function toolOrigin(c: Context): { mcpKey?: string } {
  const keyId = (c.env as { [TOOL_KEY]?: string } | undefined)?.[TOOL_KEY]
  return keyId === undefined ? {} : { mcpKey: keyId }
}

/** Names and values of its headers one after the other, as they came; none where there is no socket. */
export function rawHeaders(c: Context): readonly string[] {
  const env = c.env as { incoming?: { rawHeaders?: string[] } } | undefined
  return env?.incoming?.rawHeaders ?? []
}

/** Whether the client wants a stream of server-sent events. */
export function wantsEvents(c: Context): boolean {
  return c.req.query('follow') === 'true' || (c.req.header('accept') ?? '').includes('text/event-stream')
}

/** The text of `Authorization: Bearer`; empty where the header is another, undefined where there is none. */
export function bearerOf(c: GatewayContext): string | undefined {
  const header = c.req.header('authorization')
  if (header === undefined) return undefined
  return /^Bearer +(\S+) *$/i.exec(header)?.[1] ?? ''
}
