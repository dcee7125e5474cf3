/// <reference lib="dom" />
/** The package `cortex-client` in a browser: on a page of another origin, which the gateway lets use its API. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { Page } from 'playwright-core'
import { type ServedGateway, serveTestGateway } from '../gateway/support/served-gateway.ts'
import { ADMIN_KEY } from '../gateway/support/test-gateway.ts'
import { openBrowser } from './support/chromium.ts'

const root = join(import.meta.dirname, '../..')

/** Submits a job, waits for its first event, and meets an error by its class: what the other runtimes do, too. */
const PAGE = `<!doctype html>
<script type="importmap">{ "imports": { "cortex-client": "/client.js", "eventsource-parser": "/parser/index.js" } }</script>
<script type="module">
  import { CortexClient, NotFoundError } from 'cortex-client'
  const { baseUrl, apiKey } = Object.fromEntries(new URLSearchParams(location.search))
  const client = new CortexClient({ baseUrl, apiKey })
  const told = []
  try {
    const job = await client.jobs.submit({ image: 'busybox', labels: { from: 'a page' } })
    const found = await client.jobs.list({ labels: { from: 'a page' }, status: 'pending' })
    for await (const event of client.jobs.events(job.id)) {
      told.push(event.type, found.items.some(({ id }) => id === job.id))
      break
    }
    told.push(await client.jobs.get('job_nothing').catch((error) => error instanceof NotFoundError && error.code))
  } catch (error) {
    told.push(String(error))
  }
  document.body.textContent = JSON.stringify(told)
</script>
<body></body>
`

describe('cortex-client in a browser', () => {
  const stack = new AsyncDisposableStack()
  let page: Page
  let gateway: ServedGateway
  let origin: string

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-client-'))
    stack.defer(async () => await rm(folder, { recursive: true, force: true }))
    await promisify(execFile)(process.execPath, [join(root, 'scripts/client-package.ts'), folder], { cwd: root })
    const parser = join(root, 'node_modules/eventsource-parser/dist')
    const scripts = (await readdir(parser)).filter((name) => name.endsWith('.js'))
    const files = new Map([
      ['/', PAGE],
      ['/client.js', await readFile(join(folder, 'index.js'), 'utf8')],
      ...(await Promise.all(
        scripts.map(async (name) => [`/parser/${name}`, await readFile(join(parser, name), 'utf8')] as const),
      )),
    ])
    const server = createServer((request, response) => {
      const path = (request.url ?? '/').replace(/\?.*$/, '')
      const type = path.endsWith('.js') ? 'text/javascript' : 'text/html'
      response.writeHead(files.has(path) ? 200 : 404, { 'content-type': type }).end(files.get(path))
    }).listen(0, '127.0.0.1')
    stack.defer(() => server.closeAllConnections())
    stack.defer(() => void server.close())
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    gateway = await serveTestGateway({ corsOrigins: [origin] })
    stack.defer(gateway.close)
    const browser = await openBrowser()
    stack.defer(browser.close)
    page = await browser.context.newPage()
  })
  after(async () => await stack.disposeAsync())

  it('submits, lists, follows and meets errors by their class', async () => {
    await page.goto(`${origin}/?${new URLSearchParams({ baseUrl: gateway.url, apiKey: ADMIN_KEY })}`)
    const told = page.locator('body', { hasText: '[' })
    await told.waitFor()
    assert.deepEqual(JSON.parse((await told.textContent()) ?? ''), ['created', true, 'JOB_NOT_FOUND'])
  })
})
