import type { Context, MiddlewareHandler } from 'hono'
import type { GatewayEnv } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { answer, isRead } from './answer-file.ts'
import { onceBuilt } from './dashboard-files.ts'

/** What is never of the dashboard, whether there is such a route or not. */
const NO_FILE = /^\/(?:api|docs|ws|metrics|sign-in)(?:\/|$)/
/** What is never a page of it. */
const NO_PAGE = /^\/(?:api|docs|ws|metrics|sign-in|assets)(?:\/|$)/

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
  const load = onceBuilt(folder)

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
