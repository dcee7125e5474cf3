/** The documentation as a gateway serves it: reachable for everybody, found by its search, by keyboard alone. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { Page } from 'playwright-core'
import { createGateway } from '../../gateway/index.ts'
import { DOCS_FOLDER } from '../../gateway/pages/dashboard-files.ts'
import { silentLogger } from '../../node/logger.ts'
import { openTestNode } from '../gateway/support/test-node.ts'
import { openBrowser } from './support/chromium.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

describe('the documentation', () => {
  const stack = new AsyncDisposableStack()
  const complaints: string[] = []
  let url: string
  let page: Page

  before(async () => {
    const script = join(import.meta.dirname, '../../scripts/docs-site.mjs')
    execFileSync(process.execPath, [script], { stdio: 'inherit' })
    const test = await openTestNode()
    stack.defer(test.close)
    const folder = await mkdtemp(join(tmpdir(), 'cortex-docs-'))
    stack.defer(async () => await rm(folder, { recursive: true }))
    const gateway = createGateway({ node: test.node, logger: silentLogger }, { folder, port: 0 })
    await gateway.start()
    stack.defer(gateway.stop)
    url = gateway.url()
    const browser = await openBrowser()
    stack.defer(browser.close)
    page = browser.context.pages()[0] ?? (await browser.context.newPage())
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => void (request.url().startsWith(url) || complaints.push(request.url())))
  })
  after(async () => await stack.disposeAsync())

  const pages = ['/docs/', '/docs/reference/job', '/docs/reference/cli/job', '/docs/reference/webhooks', '/docs/data']
  for (const path of pages) {
    it(`shows ${path} to everybody, on any screen`, async () => {
      await page.goto(url + path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        assert.deepEqual(await violations(page), [], colorScheme)
      }
      await page.setViewportSize({ width: 390, height: 844 })
      assert.equal(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0)
      await page.setViewportSize({ width: 1360, height: 860 })
    })
  }

  it('is searched by keyboard alone', async () => {
    await page.goto(`${url}/docs/`)
    await page.keyboard.press('/')
    await page.keyboard.type('retryOnFailure')
    await page.getByRole('status').getByText('found').waitFor()
    assert.deepEqual(await violations(page), [])
    await page.keyboard.press('Escape')
    await page.keyboard.type('webhooks python')
    await page.locator('#results a').first().waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/docs/reference/webhooks#python')
    await page.getByRole('heading', { name: 'Python' }).waitFor()
  })

  it('answers a question asked in whole sentences by the page that says how', async () => {
    const asked: [question: string, url: string][] = [
      ['How do I move my gateway to another machine?', '/docs/backup#moving-to-another-machine'],
      ['What does it cost me if the machine of the provider dies?', '/docs/guides/questions#i-want-something-run'],
      ['How do I sell only at night?', '/docs/guides/selling-at-night'],
    ]
    await page.goto(`${url}/docs/`)
    for (const [question, first] of asked) {
      await page.locator('#query').fill(question)
      await page.locator(`#results li:first-child a[href="${first}"]`).waitFor()
    }
  })

  it('complains of nothing, and asks nobody but its gateway', () => {
    assert.deepEqual(complaints, [])
  })

  it('tells models where everything is, as Markdown', async () => {
    const first = await fetch(`${url}/llms.txt`)
    const text = await first.text()
    assert.equal(first.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.match(text, /^# Cortex node\n\n> .+\n\n.*`POST \/mcp`/)
    const links = [...text.matchAll(/\]\((\/docs\/[^)]+\.md)\)/g)].map(([, to = '']) => to)
    assert.ok(links.length > 30)
    for (const to of links) {
      const page = await fetch(url + to)
      assert.equal(page.headers.get('content-type'), 'text/markdown; charset=utf-8', to)
      assert.match(await page.text(), /^# /, to)
    }
  })

  it('has the page of each of its links, and the place on it', async () => {
    const texts = new Map<string, string>()
    for (const name of globSync('**/*.html', { cwd: DOCS_FOLDER })) {
      texts.set(
        `/docs/${name.replace(/(^|\/)index\.html$/, '$1').replace(/\.html$/, '')}`,
        readFileSync(join(DOCS_FOLDER, name), 'utf8'),
      )
    }
    assert.ok(texts.size > 100)
    const dead = [...texts].flatMap(([from, text]) =>
      [...text.matchAll(/ href="((?:\/docs\/|#)[^"]*)"/g)].flatMap(([, to = '']) => {
        const [path, anchor] = to.split('#')
        const target = path === '' ? text : texts.get(path ?? '')
        if (target === undefined) return /\.\w+$/.test(to) ? [] : [`${from}: ${to}`]
        return anchor === undefined || target.includes(` id="${anchor}"`) ? [] : [`${from}: ${to}`]
      }),
    )
    assert.deepEqual(dead, [])
  })
})

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return await page.evaluate(async (tags) => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    const { violations: found } = await axe.run({ runOnly: tags })
    return found.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 160)}`))
  }, TAGS)
}
