import type { Context, MiddlewareHandler } from 'hono'
import type { GatewayEnv } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { type DashboardFile, type DashboardFiles, readDashboardFiles } from './dashboard-files.ts'

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

/** What is never of the dashboard, whether there is such a route or not. */
const NO_FILE = /^\/(?:api|ws|metrics|sign-in)(?:\/|$)/
/** What is never a page of it. */
const NO_PAGE = /^\/(?:api|ws|metrics|sign-in|assets)(?:\/|$)/

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Cortex gateway</title>
<h1>The dashboard is not built</h1>
<p>The API works without it: see <a href="/api/explorer">the explorer</a>. In a checkout, <code>npm run prepare</code> builds it.</p>
</html>
`

/** The dashboard, from a folder that is read at the first request. */
export function createDashboard(folder: string) {
  let files: Promise<DashboardFiles> | undefined
  const load = async (): Promise<DashboardFiles> => {
    files ??= readDashboardFiles(folder)
    const loaded = await files
    if (loaded.size === 0) files = undefined // it may be built while this runs
    return loaded
  }

  /** Answers the files by their names; everybody may have them, so they count against nobody's limit. */
  const serveFiles: MiddlewareHandler<GatewayEnv> = async (c, next) => {
    const file = isRead(c) && !NO_FILE.test(c.req.path) ? (await load()).get(c.req.path) : undefined
    return file === undefined ? await next() : answer(c, file)
  }

  return {
    serveFiles,
    /** Answers every other path that a browser opens as a page: which one it is, the page finds out. To be added last. */
    addPages(app: Api): void {
      app.get('*', async (c, next) => {
        if (NO_PAGE.test(c.req.path) || !takesPage(c)) return await next()
        const page = (await load()).get('/index.html')
        return page === undefined ? c.html(NOT_BUILT, 503) : answer(c, page)
      })
    },
  }
}

/** Whoever opens the address itself takes what there is, such as an uptime check; a program elsewhere is told that it erred. */
function takesPage(c: Context): boolean {
  const accept = c.req.header('accept') ?? '*/*'
  return /text\/html/i.test(accept) || (c.req.path === '/' && /(?:\*|text)\/\*/.test(accept))
}

function isRead(c: Context): boolean {
  return c.req.method === 'GET' || c.req.method === 'HEAD'
}

function answer(c: Context, { type, body, gzip, etag, isImmutable }: DashboardFile): Response {
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
