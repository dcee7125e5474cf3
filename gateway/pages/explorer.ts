import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Context } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { Api } from '../http/feature.ts'

/**
 * The page's files, from the package on the disk: nothing is fetched from elsewhere. The package stays at 5.17, the last
 * one that reports no installations to its makers.
 */
const FILES = [
  {
    name: 'swagger-ui.css',
    url: import.meta.resolve('swagger-ui-dist/swagger-ui.css'),
    type: 'text/css; charset=utf-8',
  },
  {
    name: 'swagger-ui-bundle.js',
    url: import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
    type: 'text/javascript; charset=utf-8',
  },
] as const

/** Paths are relative, so that both bases work. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cortex gateway API</title>
<link rel="stylesheet" href="explorer/swagger-ui.css">
</head>
<body>
<div id="explorer" data-document="openapi.json"></div>
<script src="explorer/swagger-ui-bundle.js"></script>
<script src="explorer/start.js"></script>
</body>
</html>
`

const START = `SwaggerUIBundle({
  url: document.getElementById('explorer').dataset.document,
  dom_id: '#explorer',
  deepLinking: true,
  docExpansion: 'none',
  persistAuthorization: false,
  validatorUrl: null
})
`

/** Scripts from here only, none inline; the library styles its own parts inline. It talks to this gateway alone. */
const POLICY = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
})

/** `GET /explorer`: the API's document as a page on which it can be tried. */
export function addExplorerRoutes(api: Api): void {
  api.get('/explorer', POLICY, (c) => c.html(PAGE))
  // With the slash the page would look for its files a folder too deep.
  api.get('/explorer/', (c) => c.redirect(new URL(c.req.url).pathname.replace(/\/$/, '')))
  api.get('/explorer/start.js', POLICY, (c) => c.body(START, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }))
  for (const { name, url, type } of FILES) {
    api.get(`/explorer/${name}`, POLICY, async (c) => await sendFile(c, fileURLToPath(url), type))
  }
}

async function sendFile(c: Context, path: string, type: string): Promise<Response> {
  const { size, mtimeMs } = await stat(path)
  const tag = `"${size.toString(16)}-${Math.round(mtimeMs).toString(16)}"`
  c.header('ETag', tag)
  c.header('Cache-Control', 'no-cache')
  if (c.req.header('if-none-match') === tag) return c.body(null, 304)
  c.header('Content-Type', type)
  c.header('Content-Length', String(size))
  return c.body(Readable.toWeb(createReadStream(path)) as ReadableStream)
}
