import type { Context } from 'hono'
import type { DashboardFile } from './dashboard-files.ts'

/**
 * Scripts, styles and requests of this origin only, no inline script, in nobody's frame. Styles may be inline: the
 * components compute theirs, and a style can neither run code nor send anything where nothing foreign may be loaded.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** Whether a request only reads. */
export function isRead(c: Context): boolean {
  return c.req.method === 'GET' || c.req.method === 'HEAD'
}

/** Answers a built file, unchanged where the browser has it. */
export function answer(c: Context, { type, body, gzip, etag, isImmutable }: DashboardFile): Response {
  const takesGzip = gzip !== null && /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
  const tag = takesGzip ? etag.replace(/"$/, '-gz"') : etag
  c.header('Cache-Control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
  c.header('Content-Security-Policy', POLICY)
  c.header('ETag', tag)
  c.header('Vary', 'Accept-Encoding')
  if (c.req.header('if-none-match') === tag) return c.body(null, 304)
  c.header('Content-Type', type)
  if (takesGzip) c.header('Content-Encoding', 'gzip')
  return c.body(takesGzip ? gzip : body)
}
