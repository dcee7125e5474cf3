import type { MiddlewareHandler } from 'hono'
import type { GatewayEnv } from '../http/context.ts'
import { answer, isRead } from './answer-file.ts'
import { onceBuilt } from './dashboard-files.ts'

const BASE = '/docs'
/** What a language model reads first, where it looks for it. */
const FOR_MODELS = '/llms.txt'

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Cortex gateway</title>
<h1>The documentation is not built</h1>
<p>In a checkout, <code>npm run prepare</code> builds it; the same pages are in the folder <code>docs</code>.</p>
</html>
`
const NO_PAGE = NOT_BUILT.replace(
  /<h1>.*<\/p>/s,
  '<h1>There is no such page</h1>\n<p><a href="/docs/">All pages</a></p>',
)

/** Answers the documentation below `/docs/`, as everybody may read it. @param folder where it is, read at the first request */
export function serveDocs(folder: string): MiddlewareHandler<GatewayEnv> {
  const load = onceBuilt(folder)
  return async (c, next) => {
    const path = c.req.path === FOR_MODELS ? `${BASE}${FOR_MODELS}` : c.req.path
    if (!isRead(c) || (path !== BASE && !path.startsWith(`${BASE}/`))) return await next()
    if (path === BASE) return c.redirect(`${BASE}/`)
    const files = await load()
    if (files.size === 0) return c.html(NOT_BUILT, 503)
    const at = path.slice(BASE.length)
    const file = files.get(at.endsWith('/') ? `${at}index.html` : at) ?? files.get(`${at}.html`)
    return file === undefined ? c.html(NO_PAGE, 404) : answer(c, file)
  }
}
