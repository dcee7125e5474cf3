/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { RunOnly } from 'axe-core'
import Docker from 'dockerode'
import type { Page } from 'playwright-core'
import { CortexClient } from '../../../gateway/client/index.ts'
import { type EngineHandle, ensureEngine } from '../../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../../scripts/image.ts'
import { type LocalNetwork, type ManagedProcess, startLocalNetwork } from '../../../scripts/local-network.ts'
import { until } from '../../support/until.ts'
import { assetsFromOutside } from './assets-from-outside.ts'
import { openBrowser } from './chromium.ts'
import { openPage } from './open-page.ts'
import { nextFrame } from './scrolling.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
/** Where pictures of what is inspected go; Git ignores it. */
const SHOTS = join(ROOT, '.cache', 'screenshots')
/** Pictures are for who looks at them: they take a third of what inspecting costs. */
const TAKES_SHOTS = process.env.CORTEX_SCREENSHOTS === '1'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TAGS: RunOnly = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }
/** What another theme can change. */
const COLOURS: RunOnly = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }

/** A browser before a gateway with agents and a real engine. */
export interface Rig {
  url: string
  key: string
  image: string
  page: Page
  client: CortexClient
  /** The gateway, which keeps its port when it is started again. */
  gateway: ManagedProcess
  /** With the admin's key or another, on the page to sign in on, which is opened where another is. */
  signIn(key?: string): Promise<void>
  /** Errors of the console and requests to elsewhere, so far. */
  complaints: string[]
  /** Opens a page of the dashboard, e.g. `/jobs`. */
  open(path: string): Promise<void>
  /** Checks the page's accessibility in both themes, wide and narrow; takes pictures where `CORTEX_SCREENSHOTS=1`. */
  inspect(name: string): Promise<void>
  stop(): Promise<void>
}

/** Does nothing where it is built from the same sources. */
export function buildDashboard(): void {
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'dashboard.mjs')], { stdio: 'inherit' })
}

export interface RigInit {
  /** Further flags of `cortex gateway`. @default [] */
  gatewayFlags?: string[]
  /** Whether scripts are fetched outside the browser, which then has no cache; see {@link assetsFromOutside}. @default true */
  fetchesAssetsOutside?: boolean
}

export async function startRig({ gatewayFlags = [], fetchesAssetsOutside = true }: RigInit = {}): Promise<Rig> {
  buildDashboard()
  await using stack = new AsyncDisposableStack()
  const engine = await ensureEngine()
  stack.defer(engine.stop)
  const image = await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
  const network = await startNetwork(engine, gatewayFlags)
  stack.defer(network.stop)
  const [gateway] = network.processes
  if (gateway === undefined) throw new Error('the gateway comes first')
  const client = new CortexClient({ baseUrl: network.url, apiKey: network.key })
  await until(async () => (await client.providers.list({ status: 'online' })).items.length === 2).catch((cause) => {
    throw new Error(network.processes.map(({ name, output }) => `${name}:\n${output()}`).join('\n'), { cause })
  })
  const browser = await openBrowser()
  stack.defer(browser.close)
  if (fetchesAssetsOutside) await assetsFromOutside(browser.context)
  const page = browser.context.pages()[0] ?? (await browser.context.newPage())
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !isExpected(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(`${error.message}\n${error.stack ?? ''}`))
  page.on('request', (request) => {
    if (!/^(?:blob|data):/.test(request.url()) && new URL(request.url()).origin !== network.url) {
      complaints.push(`a request to ${request.url()}`)
    }
  })
  const started = stack.move()
  return {
    url: network.url,
    key: network.key,
    image,
    page,
    client,
    gateway,
    complaints,
    open: async (path) => await openPage(page, network.url + path),
    signIn: async (key = network.key) => await signIn(page, network.url, key),
    inspect: async (name) => await inspectPage(page, name),
    stop: async () => await started.disposeAsync(),
  }
}

async function signIn(page: Page, url: string, key: string): Promise<void> {
  if (!page.url().startsWith(`${url}/login`)) await openPage(page, `${url}/login`)
  await page.getByLabel('API key', { exact: true }).fill(key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Account of' }).waitFor()
}

/**
 * The browser itself writes of every answer that is no success; those that a test provokes are no fault. Neither is what
 * it breaks off since a job's network came or went; see {@link assetsFromOutside}.
 */
function isExpected(text: string): boolean {
  return /Failed to load resource: (?:the server responded with a status of (?:400|401|404|409|503)|net::ERR_NETWORK_CHANGED)/.test(
    text,
  )
}

async function startNetwork(engine: EngineHandle, gatewayFlags: string[]): Promise<LocalNetwork> {
  const common = ['--network', `browser-${process.pid}`]
  // Its jobs have no network, mostly: four made ahead for each file would be four too many.
  const machine = [...common, '--sandboxes', '0']
  return await startLocalNetwork({
    dockerHost: `unix://${engine.socketPath}`,
    gatewayFlags: ['--rate-limit', '0', ...common, ...gatewayFlags],
    agents: [
      {
        name: 'attic',
        flags: [...machine, '--cpu', '2000', '--memory', '2Gi', '--price-cpu', '0.008', '--region', 'eu-west'],
      },
      {
        name: 'cellar',
        flags: [...machine, '--cpu', '4000', '--memory', '1Gi', '--price-cpu', '0.012', '--region', 'eu-north'],
      },
    ],
  })
}

/** Nothing fades or slides, so that nothing has to be waited for. */
const STILL = '*, *::before, *::after { transition: none !important; animation: none !important }'

/** As {@link Rig.inspect}, of any page. */
export async function inspectPage(page: Page, name: string): Promise<void> {
  const still = await page.addStyleTag({ content: STILL })
  for (const [theme, rules] of [
    ['light', TAGS],
    ['dark', COLOURS],
  ] as const) {
    await page.evaluate((value) => document.documentElement.setAttribute('data-mantine-color-scheme', value), theme)
    assert.deepEqual(await violations(page, rules), [], `${name} in the ${theme} theme`)
    await takeShot(page, `${name}-${theme}-wide`)
    if (theme === 'light' || TAKES_SHOTS) await inspectNarrow(page, `${name}-${theme}-narrow`)
  }
  await page.evaluate(() => document.documentElement.setAttribute('data-mantine-color-scheme', 'light'))
  await still.evaluate((style) => style.parentNode?.removeChild(style))
}

async function inspectNarrow(page: Page, name: string): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 })
  await nextFrame(page)
  await takeShot(page, name)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(overflow <= 0, `${name} is ${overflow} px wider than a narrow screen`)
  await page.setViewportSize({ width: 1360, height: 860 })
}

/** Takes a picture of the page as it is, where `CORTEX_SCREENSHOTS=1`. */
export async function takeShot(page: Page, name: string): Promise<void> {
  if (TAKES_SHOTS) await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

async function violations(page: Page, rules: RunOnly): Promise<string[]> {
  // A page keeps it until another one is loaded.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE)
  return await page.evaluate(async (runOnly) => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    const { violations: found } = await axe.run({ runOnly, resultTypes: ['violations'] })
    return found.flatMap(({ id, nodes }) =>
      nodes.slice(0, 5).map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`),
    )
  }, rules)
}
