/// <reference lib="dom" />
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { BrowserContext, Page } from 'playwright-core'
import { createGateway, type Gateway } from '../../../gateway/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { openTestNode, type TestNode } from '../../gateway/support/test-node.ts'
import { assetsFromOutside } from './assets-from-outside.ts'
import { openBrowser } from './chromium.ts'
import { openPage } from './open-page.ts'
import { buildDashboard } from './rig.ts'

/** A browser before a gateway whose jobs are played: what they do is said by the test. */
export interface PlayedRig extends Pick<TestNode, 'store' | 'play' | 'market' | 'providers'> {
  gateway: Gateway
  context: BrowserContext
  /** Signed in. */
  page: Page
  url: string
  /** A job of the one who is signed in; answers its id. */
  submit(fields?: Record<string, unknown>): Promise<string>
  /** Opens a page of the dashboard. */
  open(path: string, page?: Page): Promise<void>
  stop(): Promise<void>
}

export async function startPlayedRig(): Promise<PlayedRig> {
  buildDashboard()
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
  stack.defer(async () => await rm(folder, { recursive: true }))
  const node = await openTestNode()
  stack.defer(node.close)
  const gateway = createGateway(
    { node: node.node, logger: silentLogger },
    { folder, port: 0, rateLimits: { enforced: false }, allowPrivateWebhooks: true },
  )
  await gateway.start()
  stack.defer(async () => await gateway.stop())
  const browser = await openBrowser()
  stack.defer(browser.close)
  await assetsFromOutside(browser.context)
  const page = browser.context.pages()[0] ?? (await browser.context.newPage())
  await openPage(page, gateway.signInLink())
  await page.getByRole('button', { name: 'Account of' }).waitFor()
  const started = stack.move()
  return {
    ...{
      gateway,
      context: browser.context,
      page,
      store: node.store,
      play: node.play,
      market: node.market,
      providers: node.providers,
      url: gateway.url(),
    },
    async submit(fields = {}) {
      const spec = jobSubmissionSchema.parse({ image: 'busybox', ...fields })
      return (await node.node.requester.submit({ owner: 'admin', spec })).job.id
    },
    open: async (path, at = page) => await openPage(at, gateway.url() + path),
    stop: async () => await started.disposeAsync(),
  }
}
