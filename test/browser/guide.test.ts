/** The snippets of the guide in a browser that is signed in, as its pages would run them. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { createGateway } from '../../gateway/index.ts'
import { silentLogger } from '../../node/logger.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { openTestNode } from '../gateway/support/test-node.ts'
import { until } from '../support/until.ts'
import { assetsFromOutside } from './support/assets-from-outside.ts'
import { openBrowser } from './support/chromium.ts'
import { openPage } from './support/open-page.ts'

const GUIDE_ORIGIN = 'http://localhost:13000'

test('the guide’s snippets follow a job’s output and cancel it, from a page of the gateway', async () => {
  await using stack = new AsyncDisposableStack()
  const guide = await readFile(new URL('../gateway/fixtures/job-management.md', import.meta.url), 'utf8')
  const [follow = '', cancel = ''] = [...guide.matchAll(/^```javascript\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
  stack.defer(async () => await rm(folder, { recursive: true }))
  const node = await openTestNode()
  stack.defer(node.close)
  const gateway = createGateway({ node: node.node, logger: silentLogger }, { folder, port: 0 })
  await gateway.start()
  stack.defer(async () => await gateway.stop())
  const browser = await openBrowser()
  stack.defer(browser.close)
  await assetsFromOutside(browser.context)
  const page = await browser.context.newPage()
  const printed: string[] = []
  page.on('console', (message) => printed.push(message.text()))
  await openPage(page, gateway.signInLink())
  await page.waitForURL(({ pathname }) => pathname === '/jobs')
  assert.equal(new URL(page.url()).origin, gateway.url())

  const { job } = await node.node.requester.submit({
    owner: 'admin',
    spec: jobSubmissionSchema.parse({ image: 'busybox' }),
  })
  await node.play.start(job.id)
  await node.play.log(job.id, 'first')
  /** As it stands, but for the port that was free and the key. */
  const run = async (snippet: string, answer: string): Promise<unknown> => {
    const code = snippet.replaceAll(GUIDE_ORIGIN, gateway.url()).replaceAll('YOUR_API_TOKEN', gateway.adminKey().text)
    return await page.evaluate(`(async () => { const jobId = '${job.id}'\n${code}\nreturn ${answer} })()`)
  }
  assert.equal(await run(follow, 'jobStatus.data.status'), 'running')
  await until(() => printed.includes('first'))
  await node.play.log(job.id, 'second')
  await until(() => printed.includes('second'))
  await run(cancel, 'null')
  const stored = await node.store.get(job.id)
  assert.notEqual(stored?.cancelRequestedAtMs, null)
})
