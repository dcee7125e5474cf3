import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { GatewayEnv } from '../../../gateway/http/context.ts'
import { DASHBOARD_FOLDER } from '../../../gateway/pages/dashboard-files.ts'
import { createDashboard } from '../../../gateway/pages/dashboard-route.ts'

/** What a browser has to fetch and compile before it shows all of the list of jobs, compressed, in bytes. */
const MAX_INITIAL_BYTES = 250_000
/** Code and styles that it has to fetch before it shows a page's heading: 1.1 s of 1.6 Mbit/s. */
const MAX_HEADING_BYTES = 220_000
const LIST = ['src/jobs/list/jobs-page.tsx', 'src/jobs/list/filter-bar.tsx']
const HTML = { accept: 'text/html' }

interface Chunk {
  file: string
  isEntry?: boolean
  imports?: string[]
  css?: string[]
}

/** Names that Mantine gives to its classes. */
const classesIn = (text: string) => new Set(text.match(/\bm_[0-9a-f]{6,8}\b/g))

describe('the built dashboard', () => {
  const app = new OpenAPIHono<GatewayEnv>()

  before(() => {
    const build = join(import.meta.dirname, '..', '..', '..', 'scripts', 'dashboard.mjs')
    execFileSync(process.execPath, [build], { stdio: 'inherit' })
    const dashboard = createDashboard(DASHBOARD_FOLDER)
    app.use(dashboard.serveFiles)
    app.get('/api/health', (c) => c.json({}))
    dashboard.addPages(app)
  })

  it('loads little before it shows', async () => {
    const text = readFileSync(join(DASHBOARD_FOLDER, '.vite', 'manifest.json'), 'utf8')
    const manifest = JSON.parse(text) as Record<string, Chunk>
    const entries = Object.keys(manifest).filter((name) => manifest[name]?.isEntry)
    /** Bytes of code and of styles that come with these chunks, and with what they import. */
    async function bytesOf(names: string[]): Promise<{ code: number; styles: number }> {
      const chunks = new Set(names)
      for (const name of chunks) for (const other of manifest[name]?.imports ?? []) chunks.add(other)
      const files = [...chunks].map((name) => manifest[name]?.file ?? name)
      const styles = new Set([...chunks].flatMap((name) => manifest[name]?.css ?? []))
      return { code: await sizeOf(files), styles: await sizeOf([...styles]) }
    }
    async function sizeOf(files: string[]): Promise<number> {
      let bytes = 0
      for (const file of files) {
        const response = await app.request(`/${file}`, { headers: { 'accept-encoding': 'gzip' } })
        assert.equal(response.status, 200, file)
        bytes += (await response.arrayBuffer()).byteLength
      }
      return bytes
    }
    const heading = await bytesOf(entries)
    const list = await bytesOf([...entries, ...LIST])
    assert.ok(list.code > heading.code, 'the list of jobs is a chunk of its own')
    assert.ok(list.code < MAX_INITIAL_BYTES, `${list.code} bytes of code for the list of jobs`)
    const all = heading.code + heading.styles
    assert.ok(all > 50_000 && all < MAX_HEADING_BYTES, `${all} bytes, ${heading.styles} of them styles, for a heading`)
  })

  it('has the styles of every part of the library that it uses', () => {
    const require = createRequire(import.meta.url)
    const known = classesIn(readFileSync(require.resolve('@mantine/core/styles.css'), 'utf8'))
    const textOf = (kind: string) =>
      globSync(`assets/*.${kind}`, { cwd: DASHBOARD_FOLDER })
        .map((name) => readFileSync(join(DASHBOARD_FOLDER, name), 'utf8'))
        .join()
    const styled = classesIn(textOf('css'))
    const used = [...classesIn(textOf('js'))].filter((name) => known.has(name))
    assert.ok(used.length > 100)
    assert.deepEqual(
      used.filter((name) => !styled.has(name)),
      [],
      'src/styles/library.css imports what Mantine has for them',
    )
  })

  it('names the code of every page, to be fetched when there is time', async () => {
    const html = await (await app.request('/', { headers: HTML })).text()
    const names = globSync('assets/*.{js,css}', { cwd: DASHBOARD_FOLDER })
    assert.ok(names.length > 20)
    assert.deepEqual(
      names.filter((name) => html.split(`"/${name}"`).length !== 2),
      [],
    )
  })

  it('lets browsers keep hashed files for good, and ask for the page again', async () => {
    const page = await app.request('/jobs/some-job?tab=logs', { headers: HTML })
    assert.equal(page.status, 200)
    assert.equal(page.headers.get('cache-control'), 'no-cache')
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? ''
    const asset = await app.request(script)
    assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    const again = await app.request(script, { headers: { 'if-none-match': asset.headers.get('etag') ?? '' } })
    assert.equal(again.status, 304)
  })

  it('entry 51: is there for whoever asks for anything at its address, and a wrong path is still none', async () => {
    for (const headers of [
      { accept: '*/*' },
      {},
      { accept: 'text/*' },
      { accept: 'application/json;q=0.5, */*;q=0.1' },
    ]) {
      const page = await app.request('/', { headers })
      assert.equal(page.status, 200, JSON.stringify(headers))
      assert.match(page.headers.get('content-type') ?? '', /text\/html/)
      assert.equal((await app.request('/', { method: 'HEAD', headers })).status, 200)
      assert.equal((await app.request('/nothing', { headers })).status, 404)
    }
    assert.equal((await app.request('/', { headers: { accept: 'application/json' } })).status, 404)
  })

  it('allows no inline script and nothing of elsewhere', async () => {
    const page = await app.request('/', { headers: HTML })
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'; script-src 'self';/)
    assert.doesNotMatch(await page.text(), /<script(?![^>]*\ssrc=)/)
  })

  for (const path of ['/api/nothing', '/ws', '/metrics', '/sign-in', '/assets/none.js']) {
    it(`is no page at ${path}`, async () => {
      const { status, headers } = await app.request(path, { headers: HTML })
      const isPage = status === 200 && (headers.get('content-type') ?? '').startsWith('text/html')
      assert.equal(isPage, false)
    })
  }

  it('shadows no route, and is no answer to programs', async () => {
    assert.deepEqual(await (await app.request('/api/health', { headers: HTML })).json(), {})
    assert.equal((await app.request('/jobs', { headers: { accept: 'application/json' } })).status, 404)
    assert.equal((await app.request('/jobs', { method: 'POST', headers: HTML })).status, 404)
  })
})
