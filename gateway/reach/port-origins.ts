import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Clock } from '../../node/clock.ts'
import { type KeyGuard, type KeyRecord, type KeyRing, sessionOf, type Tokens } from '../auth/index.ts'
import { allows } from '../contract/permissions.ts'
import { bearerOf, type GatewayEnv, remoteAddress } from '../http/context.ts'
import { errorResponse } from '../http/error-response.ts'
import { GatewayError } from '../http/errors.ts'
import { type Principal, type Session, sees } from '../http/principal.ts'
import { createOneTimeCodes } from '../records/one-time-codes.ts'
import { endToEnd } from './http-forward.ts'
import { takeOutOwn } from './own-headers.ts'
import { forward, type ProxyComponents } from './port-proxy.ts'
import type { TunnelComponents } from './tunnel-route.ts'

/** How long a link opens an origin, in ms. */
const LINK_MS = 60_000
/** How long the origin then stays open for the browser, in seconds: half a day. */
const OPEN_SECONDS = 12 * 3600
/** Links that can be open at a time; the oldest go first. */
const MAX_LINKS = 1_000

const LINK_PARAMETER = 'cortex-link'
const PORT_COOKIE = 'cortex_port'

/** Whom a link lets in, and where. */
interface PortLink {
  keyId: string
  jobId: string
  port: number
  /** The browser's session that it was asked for in. */
  session?: Session
}

/**
 * An origin of its own for each exposed port, `http://PORT--JOB.DOMAIN`, so that a job's page can never act as the user
 * of the dashboard, nor another job's page as this one's; see docs/decisions/0023-an-origin-for-each-port.md.
 */
export interface PortOrigins {
  /** A link that opens a port in a browser, once and soon. @param base the gateway as the client names it */
  link(to: PortLink, path: string, base: URL): { url: string; expiresAtMs: number }
  /** Whether a `Host` is that of a port. */
  isPort(host: string): boolean
  /** Answers what is asked at the origin of a port; everything else goes on. */
  serve(components: OriginComponents): MiddlewareHandler<GatewayEnv>
}

/** What the origins of ports work with. */
export interface OriginComponents extends TunnelComponents, Pick<ProxyComponents, 'kept'> {
  keys: KeyRing
  keyGuard: KeyGuard
  tokens: Tokens
  clock: Clock
}

/** @param init.domain what the origins are under, without port */
export function createPortOrigins(components: { clock: Clock }, init: { domain: string }): PortOrigins {
  const suffix = `.${init.domain.toLowerCase()}`
  const links = createOneTimeCodes<PortLink>(components, { lifeMs: LINK_MS, maxOpen: MAX_LINKS })

  function portIn(host: string): { jobId: string; port: number } | null {
    const name = host.toLowerCase().replace(/:\d+$/, '')
    if (!name.endsWith(suffix)) return null
    const [, port, jobId] = /^(\d{1,5})--(job_[0-9a-z]+)$/.exec(name.slice(0, -suffix.length)) ?? []
    return jobId === undefined ? null : { jobId, port: Number(port) }
  }

  return {
    link(to, path, base) {
      const { jobId, port } = to
      const { code, expiresAtMs } = links.issue(to)
      const { protocol, port: basePort } = base
      const origin = `${protocol}//${port}--${jobId}${suffix}${basePort === '' ? '' : `:${basePort}`}`
      const url = new URL(origin)
      // Not resolved against it: `//host` and `/\\host` would lead elsewhere, and take the code along.
      const [pathname = '', query = ''] = [path.replace(/\?.*$/s, ''), /\?(.*)$/s.exec(path)?.[1]]
      url.pathname = pathname
      url.search = query
      url.searchParams.set(LINK_PARAMETER, code)
      return { url: url.href, expiresAtMs }
    },

    isPort: (host) => portIn(host) !== null,

    serve: (components) => async (c, next) => {
      const to = portIn(new URL(c.req.url).host)
      if (to === null) return await next()
      try {
        return await answer(c, { ...components, links }, to)
      } catch (error) {
        const response = errorResponse(c, error, components.logger)
        for (const [name, value] of Object.entries(POLICY)) response.headers.set(name, value)
        return response
      }
    },
  }
}

type AnswerComponents = OriginComponents & { links: { redeem(code: string): PortLink | undefined } }

async function answer(
  c: Context<GatewayEnv>,
  components: AnswerComponents,
  to: { jobId: string; port: number },
): Promise<Response> {
  const url = new URL(c.req.url)
  const code = url.searchParams.get(LINK_PARAMETER)
  if (code !== null && c.req.method === 'GET') return open(c, components, to, url, code)
  const principal = await whoAsks(c, components, to)
  const job = principal === null ? undefined : await components.node.store.get(to.jobId)
  if (principal === null || job === undefined || !sees(principal, job.owner)) {
    throw new GatewayError('UNAUTHORIZED', 'Open this port with a link: POST …/jobs/ID/links, or the dashboard')
  }
  if (!isFromHere(c, url)) throw new GatewayError('FORBIDDEN', 'Another page may not act on this port')
  const headers = endToEnd(c.req.raw.headers)
  const cookies = cookiesOfApplication(headers.get('cookie'))
  if (cookies === '') headers.delete('cookie')
  else headers.set('cookie', cookies)
  if (principal.via === 'key') headers.delete('authorization')
  headers.set('host', url.host)
  headers.set('x-forwarded-host', url.host)
  headers.set('x-forwarded-proto', url.protocol.slice(0, -1))
  const path = `${url.pathname}${url.search}`
  return await forward(c, { ...components, principal }, { job, port: to.port }, { path, headers }, asPages)
}

/** Turns a link into a cookie of this origin alone, and takes the code out of the address. */
function open(
  c: Context<GatewayEnv>,
  { links, tokens, clock }: AnswerComponents,
  to: { jobId: string; port: number },
  url: URL,
  code: string,
): Response {
  const link = links.redeem(code)
  if (link === undefined || link.jobId !== to.jobId || link.port !== to.port) {
    throw new GatewayError('UNAUTHORIZED', 'This link was used or is too old: ask for another')
  }
  const expiresAtMs = clock.nowMs() + OPEN_SECONDS * 1000
  setCookie(c, PORT_COOKIE, tokens.issue({ kind: 'port', ...link, expiresAtMs }), {
    httpOnly: true,
    sameSite: 'Lax',
    path: '/',
    maxAge: OPEN_SECONDS,
    secure: url.protocol === 'https:',
  })
  url.searchParams.delete(LINK_PARAMETER)
  c.header('Cache-Control', 'no-store')
  c.header('Referrer-Policy', 'no-referrer')
  return c.redirect(`${pathHere(url)}${url.search}`, 303)
}

/** The path as a reference that cannot name a host: one that begins with two slashes would. */
function pathHere({ pathname }: URL): string {
  return /^[/\\]{2}/.test(pathname) ? `/.${pathname}` : pathname
}

/** Who a key in the header, or the cookie of this very port, stands for. */
async function whoAsks(
  c: Context<GatewayEnv>,
  { keys, keyGuard, tokens, revocation }: OriginComponents,
  to: { jobId: string; port: number },
): Promise<Principal | null> {
  const bearer = bearerOf(c) ?? ''
  const named = bearer === '' ? undefined : keyGuard.made(bearer)
  if (named !== undefined) return principalFor(named, 'key')
  const cookie = getCookie(c, PORT_COOKIE)
  const claims = cookie === undefined ? undefined : tokens.verify('port', cookie)
  if (claims === undefined || claims.jobId !== to.jobId || claims.port !== to.port) {
    // With a cookie, a text that is no key of ours is the application's own business.
    const key = bearer === '' ? null : await keyGuard.check(remoteAddress(c), bearer)
    return key === null ? null : principalFor(key, 'key')
  }
  const key = keys.get(claims.keyId)
  if (key === undefined || cookie === undefined) return null
  const own = sessionOf(cookie, claims)
  const { id, expiresAtMs } = claims.session ?? own
  const principal = principalFor(key, 'cookie', { id, expiresAtMs: Math.min(expiresAtMs, own.expiresAtMs) })
  return principal !== null && revocation.isValid(principal) ? principal : null
}

function principalFor(key: KeyRecord, via: Principal['via'], session?: Session): Principal | null {
  if (!allows(key.grants, 'jobs:write')) return null
  return { keyId: key.id, owner: key.owner, grants: key.grants, via, ...(session === undefined ? {} : { session }) }
}

/** Other pages may send the user here, as a link does, and no more. Programs say nothing of where they are. */
function isFromHere(c: Context<GatewayEnv>, url: URL): boolean {
  const site = c.req.header('sec-fetch-site')
  const origin = c.req.header('origin')
  if (origin !== undefined && origin !== url.origin) return false
  if (site === undefined || site === 'same-origin' || site === 'none') return true
  const isReading = c.req.method === 'GET' || c.req.method === 'HEAD'
  return isReading && c.req.header('sec-fetch-mode') === 'navigate' && c.req.header('sec-fetch-dest') === 'document'
}

/** The cookies that the container's own pages set. */
function cookiesOfApplication(header: string | null): string {
  return (header ?? '')
    .split(/; */)
    .filter((pair) => !isOurCookie(pair.split('=')[0] ?? ''))
    .join('; ')
}

/**
 * What holds for pages of jobs: nobody else may show them in a frame, whatever they say themselves; and where they say
 * nothing of it, they share no process and no opener with others, use no camera, and tell nobody where they are.
 */
const POLICY = {
  'content-security-policy': "frame-ancestors 'self'",
  'cross-origin-opener-policy': 'same-origin-allow-popups',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
}

function asPages(headers: Headers): void {
  takeOutOwn(headers)
  keepCookiesHere(headers)
  for (const [name, value] of Object.entries(POLICY)) {
    // A page's own policy holds as well: of several, a browser enforces all.
    if (name === 'content-security-policy') headers.append(name, value)
    else if (!headers.has(name)) headers.set(name, value)
  }
}

/** Whether a cookie is one that this gateway, or another one on this host, signs browsers in with. */
function isOurCookie(name: string): boolean {
  return /^(?:__(?:Host|Secure)-)?cortex_(?:port|session)(?:_\d+)?$/i.test(name.trim())
}

/** Cookies of a job stay at its own origin: a wider `Domain` would reach other jobs', and the dashboard. */
function keepCookiesHere(headers: Headers): void {
  const cookies = headers.getSetCookie()
  headers.delete('set-cookie')
  for (const cookie of cookies) {
    if (isOurCookie(cookie.split('=')[0] ?? '')) continue
    headers.append('set-cookie', cookie.replaceAll(/;\s*domain\s*=[^;]*/gi, ''))
  }
}
