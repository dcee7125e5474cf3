/** Long lists keep the page small, and are right wherever one looks; how fast they are, `bench/dashboard.ts` measures. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
/// <reference lib="dom" />
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type { Page } from 'playwright-core'
import type { ServedGateway, ServeTask } from '../../bench/support/serve-gateway.ts'
import { BATCH_EXAMPLE } from '../../gateway/contract/batches.ts'
import { until } from '../support/until.ts'
import { assetsFromOutside } from './support/assets-from-outside.ts'
import { openBrowser } from './support/chromium.ts'
import { openPage } from './support/open-page.ts'
import { buildDashboard } from './support/rig.ts'
import { scrollAll } from './support/scrolling.ts'

/** More lines than a browser can lay out in one element. */
const LINES = 700_000
const JOBS = 1_000
/** As many as a batch has at most. */
const ROWS = 10_000
/** Squares in sight, and around them. */
const MAX_SQUARES = 1_000
/** Elements of the rows in sight, and of those around them. */
const MAX_ROWS = 150

describe('long lists in the dashboard', () => {
  const stack = new AsyncDisposableStack()
  let served: ServedGateway
  let page: Page

  before(async () => {
    buildDashboard()
    const folder = await mkdtemp(join(tmpdir(), 'cortex-scale-'))
    stack.defer(async () => await rm(folder, { recursive: true }))
    const workerData: ServeTask = { folder, jobs: JOBS, logLines: LINES }
    const worker = new Worker(new URL('../../bench/support/serve-gateway.ts', import.meta.url), { workerData })
    const ready = once(worker, 'message') as Promise<[ServedGateway]>
    stack.defer(async () => {
      worker.postMessage('stop')
      await once(worker, 'exit')
    })
    const browser = await openBrowser()
    stack.defer(browser.close)
    await assetsFromOutside(browser.context)
    ;[served] = await ready
    page = await browser.context.newPage()
    await openPage(page, `${served.origin}/login`)
    await page.getByLabel('API key', { exact: true }).fill(served.key)
    await page.keyboard.press('Enter')
  })
  after(async () => await stack.disposeAsync())

  const texts = async (selector: string): Promise<string[]> => await page.locator(selector).allTextContents()

  it('loads jobs as one comes near them, and holds those in sight', async () => {
    await page.getByText(`${(JOBS + 1).toLocaleString('en')} jobs`).waitFor()
    await until(async () => {
      await page.locator('.table-scroller').evaluate((element) => {
        element.scrollTop = element.scrollHeight
      })
      return (await page.locator(`[aria-rowindex="${JOBS + 2}"]`).count()) === 1
    })
    const oldest = await page.locator(`[aria-rowindex="${JOBS + 2}"] .cell-age time`).getAttribute('datetime')
    assert.equal(oldest, '2026-01-01T00:00:00.000Z')
    assert.ok((await page.locator('.grid-row').count()) < MAX_ROWS)
    await scrollAll(page, '.table-scroller', 10)
    const indexes = await page.locator('.grid-row').evaluateAll((rows) => rows.map((row) => row.ariaRowIndex))
    assert.equal(new Set(indexes).size, indexes.length)
  })

  it('shows a batch of ten thousand rows as those in sight, and comes to every one by its keys', async () => {
    const outcomes = ['completed', 'failed', 'completed', 'cancelled'] as const
    const rows = Array.from({ length: ROWS }, (_, i) => ({ row: i + 1, jobId: `job_${i}`, status: outcomes[i % 4] }))
    const counts = { pending: 0, scheduled: 0, running: 0, completed: ROWS / 2, failed: ROWS / 4, cancelled: ROWS / 4 }
    const answers = {
      '': { ...BATCH_EXAMPLE, total: ROWS, counts, endedAt: BATCH_EXAMPLE.createdAt },
      '/rows': { rows },
    }
    for (const [path, data] of Object.entries(answers)) {
      await page.route(`**/jobs/batches/${BATCH_EXAMPLE.id}${path}`, async (route) => {
        if (route.request().resourceType() === 'document') await route.continue()
        else await route.fulfill({ json: { success: true, data } })
      })
    }
    await openPage(page, `${served.origin}/jobs/batches/${BATCH_EXAMPLE.id}`)
    const squares = page.locator('.matrix-cell')
    await squares.first().waitFor()
    assert.ok((await squares.count()) < MAX_SQUARES, 'only those in sight are in the page')
    await scrollAll(page, '.matrix', 10)
    await squares.first().focus()
    await page.keyboard.press('End')
    await page
      .getByRole('link', { name: `Row ${ROWS}: cancelled` })
      .and(page.locator(':focus'))
      .waitFor()
    await page.getByRole('button', { name: '2,500 failed' }).click()
    await until(async () => (await page.locator('.matrix-cell:not([data-status=failed])').count()) === 0)
    assert.ok((await squares.count()) < MAX_SQUARES)
  })

  it('reads a log of any length, and shows the right lines at every place', async () => {
    await openPage(page, `${served.origin}/jobs/${served.logJob}?tab=logs`)
    await page.locator('.log-foot', { hasText: `${LINES.toLocaleString('en')} lines` }).waitFor()
    await page.locator('.log-number', { hasText: new RegExp(`^${LINES}$`) }).waitFor()
    await scrollAll(page, '.log-lines', 10)
    await until(async () => {
      const numbers = await texts('.log-number')
      const lines = await texts('.log-text')
      return numbers.length > 20 && lines.every((line, i) => line.split(' ')[1] === numbers[i])
    })
    assert.ok((await page.locator('.log-line').count()) < MAX_ROWS)
    assert.ok((await page.locator('.log-text .ansi-green').count()) > 0)
  })

  it('finds every match, narrows down to a stream, and saves it whole', async () => {
    await page.getByLabel('Search the log').fill('milestone')
    await page.getByText(`${LINES / 1_000} matches`).waitFor()
    await page.getByRole('button', { name: 'Previous match' }).click()
    await page.locator('.log-line[data-current]', { hasText: `milestone ${LINES} ` }).waitFor()
    await page.getByRole('button', { name: 'Next match' }).click()
    await page.locator('.log-line[data-current]', { hasText: 'milestone 1000 ' }).waitFor()
    await page.getByText(`1 of ${LINES / 1_000}`, { exact: true }).waitFor()
    await page.locator('.log-line[data-current] mark', { hasText: 'milestone' }).waitFor()
    await page.getByRole('combobox', { name: 'Times' }).click()
    await page.getByRole('option', { name: 'UTC' }).click()
    await page.locator('.log-line[data-current] .log-time', { hasText: '00:00:01.000' }).waitFor()

    await page.getByLabel('Search the log').fill('')
    await page.getByRole('combobox', { name: 'Stream' }).click()
    await page.getByRole('option', { name: 'stderr' }).click()
    await page.getByText(`${(LINES / 10).toLocaleString('en')} of ${LINES.toLocaleString('en')} lines`).waitFor()
    await until(async () => {
      const numbers = await texts('.log-number')
      return numbers.length > 20 && numbers.every((number) => Number(number) % 10 === 0)
    })
    await page.getByRole('button', { name: 'Follow' }).click()
    await page.locator('.log-number', { hasText: new RegExp(`^${LINES}$`) }).waitFor()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ])
    assert.equal(file.suggestedFilename(), `${served.logJob}.log`)
    let lines = 0
    for await (const chunk of await file.createReadStream()) lines += String(chunk).split('\n').length - 1
    assert.equal(lines, LINES)
  })
})
