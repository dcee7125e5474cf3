/**
 * The dashboard in Chromium before a log of 1,000,000 lines and a list of 100,000 jobs, against the same with 1,000 of
 * each: how long they take to load and to be searched, and whether the page stays smooth while it is scrolled, sorted,
 * narrowed down and searched, while a log is followed as it comes, and while jobs come in. `npm run -s bench -- dashboard
 * 200000 20000` takes other sizes: lines, jobs.
 */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Page } from 'playwright-core'
import { CortexClient } from '../gateway/client/index.ts'
import { openBrowser } from '../test/browser/support/chromium.ts'
import { type Smoothness, scrollAll, watch } from '../test/browser/support/scrolling.ts'
import type { BenchResult } from './run.ts'
import type { ServedGateway, ServeTask } from './support/serve-gateway.ts'
import { median, quantile, round } from './support/statistics.ts'

const [LINES, JOBS, FEW] = [1_000_000, 100_000, 1_000]
/** Turns of the wheel, and jumps, in each. */
const TURNS = 60
/** Jobs that come in while the list is scrolled. */
const COMING = 100
const LOADING = { timeout: 300_000 }

export async function bench([lines = LINES, jobs = JOBS]: (string | number)[]): Promise<BenchResult> {
  const few = await measure(FEW, FEW)
  const many = await measure(Number(lines), Number(jobs))
  const ratio = Math.max(
    many.log.scrolling.frameP99Ms / few.log.scrolling.frameP99Ms,
    many.list.frameP99Ms / few.list.frameP99Ms,
  )
  return { name: 'dashboard', ratio: round(ratio, 2), few, many }
}

async function measure(lines: number, jobs: number) {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-bench-'))
  const workerData: ServeTask = { folder, jobs, logLines: lines }
  const worker = new Worker(new URL('support/serve-gateway.ts', import.meta.url), { workerData })
  const browser = await openBrowser()
  try {
    const [served] = (await once(worker, 'message')) as [ServedGateway]
    const page = await browser.context.newPage()
    await page.goto(`${served.origin}/login`)
    await page.getByLabel('API key', { exact: true }).fill(served.key)
    await page.keyboard.press('Enter')
    await page.locator('.grid-row').nth(1).waitFor()
    const list = figures(await watch(page, async () => await scrollAll(page, '.table-scroller', TURNS)))
    const row = {
      ...{ lines, jobs, list, busyList: figures(await measureBusyList(page, served)) },
      ...{ narrowing: figures(await measureNarrowing(page)), log: await measureLog(page, served, lines) },
    }
    process.stdout.write(`${JSON.stringify(row)}\n`)
    return row
  } finally {
    await browser.close()
    worker.postMessage('stop')
    await once(worker, 'exit')
    await rm(folder, { recursive: true })
  }
}

/** Scrolls while jobs come in, each with its events. */
async function measureBusyList(page: Page, { origin, key }: ServedGateway): Promise<Smoothness> {
  const client = new CortexClient({ baseUrl: origin, apiKey: key })
  return await watch(page, async () => {
    const coming = Array.from({ length: COMING }, async (_, i) => {
      await client.jobs.submit({ image: 'busybox:1.36', name: `coming-${i}`, queueTimeout: 60 })
    })
    await Promise.all([...coming, scrollAll(page, '.table-scroller', TURNS)])
    await page.locator('.table-scroller').evaluate((element) => element.scrollTo(0, 0))
    await page.getByText(`coming-`).first().waitFor()
  })
}

/** Sorts the list and narrows it down, by what indexes know and by what is looked for in every job. */
async function measureNarrowing(page: Page): Promise<Smoothness> {
  const search = page.getByPlaceholder('Search name, image, id, command or label')
  return await watch(page, async () => {
    await page.getByRole('button', { name: 'Cost', exact: true }).click()
    await page.waitForURL(/sort=cost/)
    await page.locator('[aria-sort=descending]', { hasText: 'Cost' }).waitFor()
    await page.getByRole('button', { name: 'Jobs with team=web' }).first().click()
    await page.getByRole('button', { name: 'No longer only: team=web' }).waitFor()
    await search.fill('busybox')
    await page.getByText(/that match/).waitFor()
    await search.fill('nothing is called so')
    await page.getByText(/No job matches|Looked at/).waitFor()
  })
}

async function measureLog(page: Page, { origin, logJob }: ServedGateway, lines: number) {
  const begunMs = performance.now()
  await page.goto(`${origin}/jobs/${logJob}?tab=logs`)
  await page.locator('.log-lines').waitFor()
  const total = page.locator('.log-foot', { hasText: `${lines.toLocaleString('en')} lines` })
  const loading = figures(await watch(page, async () => await total.waitFor(LOADING)))
  const loadSeconds = round((performance.now() - begunMs) / 1000)
  const scrolling = figures(await watch(page, async () => await scrollAll(page, '.log-lines', TURNS)))
  const searchedMs = performance.now()
  const searching = await watch(page, async () => {
    await page.getByLabel('Search the log').fill('milestone')
    await page.getByText(`${Math.floor(lines / 1000).toLocaleString('en')} match`).waitFor(LOADING)
  })
  const searchMs = round(performance.now() - searchedMs, 0)
  const jumping = await watch(page, async () => {
    await page.getByRole('button', { name: 'Next match' }).click()
    await page.locator('.log-line[data-current]').waitFor()
    await page.getByRole('button', { name: 'Follow' }).click()
    await page.locator('.log-number', { hasText: new RegExp(`^${lines}$`) }).waitFor()
  })
  return { loadSeconds, loading, scrolling, searchMs, searching: figures(searching), jumping: figures(jumping) }
}

function figures({ longestTaskMs, framesMs: seenMs }: Smoothness) {
  // What is over within one frame has none.
  const framesMs = seenMs.length === 0 ? [0] : seenMs
  const [frameMs, frameP99Ms] = [round(median(framesMs)), round(quantile(framesMs, 0.99))]
  return { longestTaskMs: round(longestTaskMs, 0), frameMs, frameP99Ms, frameMaxMs: round(Math.max(...framesMs)) }
}
