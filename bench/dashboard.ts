/**
 * The dashboard in Chromium before a log of 1,000,000 lines and a list of 100,000 jobs, against the same with 1,000 of
 * each: how long they take to load and to be searched, and whether scrolling stays smooth. `npm run -s bench -- dashboard
 * 200000 20000` takes other sizes: lines, jobs.
 */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Page } from 'playwright-core'
import { openBrowser } from '../test/browser/support/chromium.ts'
import { type Smoothness, scrollAll, watch } from '../test/browser/support/scrolling.ts'
import type { BenchResult } from './run.ts'
import type { ServedGateway, ServeTask } from './support/serve-gateway.ts'
import { median, quantile, round } from './support/statistics.ts'

const [LINES, JOBS, FEW] = [1_000_000, 100_000, 1_000]
/** Turns of the wheel, and jumps, in each. */
const TURNS = 60
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
    const row = { lines, jobs, list, log: await measureLog(page, served, lines) }
    process.stdout.write(`${JSON.stringify(row)}\n`)
    return row
  } finally {
    await browser.close()
    worker.postMessage('stop')
    await once(worker, 'exit')
    await rm(folder, { recursive: true })
  }
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
  return { loadSeconds, loading, scrolling, searchMs, searching: figures(searching) }
}

function figures({ longestTaskMs, framesMs }: Smoothness) {
  const [frameMs, frameP99Ms] = [round(median(framesMs)), round(quantile(framesMs, 0.99))]
  return { longestTaskMs: round(longestTaskMs, 0), frameMs, frameP99Ms, frameMaxMs: round(Math.max(...framesMs)) }
}
