import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { GatewayContext } from '../http/context.ts'

const NAME = 'cortex_session'
const HOST_NAME = `__Host-${NAME}`

/**
 * The session of a browser at this gateway. Browsers keep cookies by host and not by port, so its name has the port: what
 * else listens on this host cannot set it by its own name. Over TLS it is bound to the host and its root (`__Host-`), so
 * that no sibling domain can set it either.
 */
export function readSessionCookie(c: GatewayContext): string | undefined {
  return getCookie(c, HOST_NAME) ?? getCookie(c, nameHere(c))
}

/**
 * Sets the cookie that {@link readSessionCookie} reads: not for scripts, and not sent from other sites. @param seconds
 * how long the browser keeps it
 */
export function writeSessionCookie(c: GatewayContext, token: string, seconds: number): void {
  const secure = isOverTls(c)
  setCookie(c, secure ? HOST_NAME : nameHere(c), token, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: seconds,
    secure,
  })
}

/** Takes the cookie out of the browser, under both names; the session itself is ended apart. */
export function deleteSessionCookie(c: GatewayContext): void {
  deleteCookie(c, HOST_NAME, { path: '/', secure: true })
  deleteCookie(c, nameHere(c), { path: '/' })
}

function nameHere(c: GatewayContext): string {
  const { port, protocol } = new URL(c.req.url)
  return `${NAME}_${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`
}

/** A browser behind a proxy that ends TLS says so by its Origin; whoever makes that up only harms himself. */
function isOverTls(c: GatewayContext): boolean {
  return new URL(c.req.url).protocol === 'https:' || c.req.header('origin')?.startsWith('https://') === true
}
