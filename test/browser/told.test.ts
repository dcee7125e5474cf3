/// <reference lib="dom" />
/** What the pages say of what went wrong, and of what they draw themselves. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { CortexClient } from '../../gateway/client/index.ts'
import { type Failure, failure } from '../../protocol/failures.ts'
import { until } from '../support/until.ts'
import { type PlayedRig, startPlayedRig } from './support/played-rig.ts'
import { inspectPage, takeShot } from './support/rig.ts'

describe('what pages say', () => {
  let rig: PlayedRig
  before(async () => {
    rig = await startPlayedRig()
  })
  after(() => rig?.stop())

  it('leads from nothing to the first log, and says how a provider joins', async () => {
    const { page, providers } = rig
    const there = providers.splice(0)
    await rig.open('/jobs')
    const command = 'cortex agent --network test --bootstrap /ip4/192.0.2.1/tcp/13100/p2p/requester --price-cpu 0.01'
    await page.getByText(command).waitFor()
    assert.ok(await page.getByRole('button', { name: 'Run the example' }).isDisabled())
    await inspectPage(page, 'first-steps')
    await rig.open('/network')
    await page.getByText(command).waitFor()
    providers.push(...there)
    await rig.open('/jobs')
    await page.getByText('A provider is online (done)').waitFor()
    await page.getByRole('button', { name: 'Run the example' }).click()
    await page.waitForURL(/\/jobs\/job_\w+\?tab=logs/)
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await page.getByRole('link', { name: 'Open its log' }).waitFor()
    await inspectPage(page, 'first-steps-begun')
    await rig.play.start(id)
    await rig.play.complete(id)
    await page.locator('.status[data-status=completed]').waitFor()
    assert.equal(await page.getByText('Until your first job is done').count(), 0)
  })

  async function fail(id: string, why: Failure): Promise<void> {
    await rig.play.start(id)
    await rig.store.change(id, (draft) => {
      const { state } = draft.job
      if (state.status !== 'running') throw new Error('it runs')
      const { lease, scheduledAtMs, startedAtMs } = state
      const times = { scheduledAtMs, startedAtMs, endedAtMs: startedAtMs + 1 }
      draft.transition({
        expect: ['running'],
        to: { status: 'failed', failure: why, lease, ...times, exitCode: null },
        by: 'provider',
        event: 'failed',
        data: { code: why.code, message: why.message, meteredSeconds: 90 },
      })
    })
  }

  const row = (id: string) => rig.page.getByRole('row').filter({ has: rig.page.locator(`a[href*="${id}"]`) })

  it('says why a job waits: who was asked, who declined, when it gives up, and what would help', async () => {
    const before = { ...rig.market }
    const nearest = failure('NO_PROVIDER', 'No provider took the job; the nearest was attic: it is too dear', {
      reason: 'declined',
    })
    const helps = [{ text: 'Raise maxPrice to 0.02', changes: { maxPrice: '0.02' } }]
    const quotes = before.quoted.quotes.filter(({ pricePerHour }) => pricePerHour === null)
    Object.assign(rig.market, { waiting: { leftMs: 90_000, answered: 1, nearest }, quoted: { quotes, nearest, helps } })
    const id = await rig.submit({ maxPrice: 0.01 })
    await rig.open('/jobs')
    await row(id)
      .getByText(/^nobody took it, gives up in 1 min$/)
      .waitFor()
    await rig.open(`/jobs/${id}`)
    await rig.page.getByRole('heading', { name: 'Why it waits' }).waitFor()
    await rig.page.getByText('1 provider answered, and none took it.').waitFor()
    await rig.page.getByText(/the nearest was attic: it is too dear\./).waitFor()
    await rig.page.getByRole('list', { name: 'Who was asked' }).getByText('has 100m CPU free').waitFor()
    await inspectPage(rig.page, 'job-waiting')
    await rig.page.getByRole('button', { name: 'Raise maxPrice to 0.02' }).click()
    await until(async () => (await rig.store.get(id))?.spec.maxPrice === '0.02')
    Object.assign(rig.market, before)
  })

  /** A job that was measured every five seconds for ten minutes, but for one in the middle. */
  async function measured(): Promise<string> {
    const id = await rig.submit({ cpu: 1000, memory: '256Mi', gpu: 1 })
    await rig.play.start(id)
    const now = Date.now()
    await rig.store.change(id, (draft) => {
      for (let step = 0; step < 120; step += 1) {
        if (step >= 54 && step < 66) continue
        draft.metric({
          timestampMs: now - 600_000 + step * 5_000,
          ...{ cpuMillis: 400 + 5 * step, memoryBytes: 2 ** 26 + step * 2 ** 20, storageBytes: 4096 * step },
          ...{ rxBytes: step * 5 * 2 ** 20, txBytes: step * 1024, gpuMillis: 870, gpuMemoryBytes: 2 ** 30 },
        })
      }
    })
    return id
  }

  it('draws what a job uses against its limits, with one crosshair, and keeps in the address what is looked at', async () => {
    const { page } = rig
    const id = await measured()
    await rig.open(`/jobs/${id}?tab=metrics`)
    const image = (name: RegExp) => page.getByRole('img', { name })
    await image(/^CPU over time: from 0\.4 cores to 0\.995 cores, 0\.995 cores in the end, limit 1 core$/).waitFor()
    for (const name of [
      /^Memory .*limit 256 MiB/,
      /^Network .*Received from 1 MiB\/s/,
      /^GPUs .*87 %.*limit 100 %/,
      /^VRAM /,
    ]) {
      await image(name).waitFor()
    }
    await page.locator('.plot canvas').nth(5).waitFor()
    const readout = page.locator('.readout')
    await readout.getByText('0.995 cores (100 %)').waitFor()
    await inspectPage(page, 'job-metrics-drawn')

    // One points at all of them.
    const slider = page.getByRole('slider', { name: 'Moment' })
    await slider.focus()
    await page.keyboard.press('Home')
    await readout.getByText('0.4 cores (40 %)').waitFor()
    assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /: CPU 0\.4 cores .*VRAM 1 GiB/)
    const lines = page.locator('.u-cursor-x')
    const places = async () =>
      await lines.evaluateAll((all) =>
        all.map((one) => one.getBoundingClientRect().width >= 0 && getComputedStyle(one).transform),
      )
    assert.equal(new Set(await places()).size, 1, 'all point at the same place')

    const over = page.locator('.u-over').first()
    const box = await over.boundingBox()
    assert.ok(box)
    const drag = async (from: number, to: number): Promise<void> => {
      await page.mouse.move(box.x + from * box.width, box.y + 40)
      await page.mouse.down()
      await page.mouse.move(box.x + to * box.width, box.y + 50, { steps: 4 })
      await page.mouse.up()
    }
    await over.scrollIntoViewIfNeeded()
    await drag(0.9, 0.98)
    await page.waitForURL(/from=\d+&to=\d+/)
    const link = page.url()
    const { searchParams } = new URL(link)
    const length = Number(searchParams.get('to')) - Number(searchParams.get('from'))
    assert.ok(length > 200_000 && length < 400_000, `${length} ms, a twelfth of an hour or so`)
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.waitForURL((url) => url.href !== link)
    await page.goBack()
    await page.waitForURL(link)
    await rig.open(new URL(link).pathname + new URL(link).search)
    await page.getByRole('button', { name: 'All of it' }).waitFor()
    await page.getByText('As a table').click()
    const rows = await page.getByRole('region', { name: 'Metrics, in numbers' }).getByRole('row').count()
    assert.ok(rows > 20 && rows < 100, `${rows}`)
    await page.locator('.u-over').first().dblclick()
    await page.waitForURL((url) => !url.searchParams.has('from'))

    await page.goto(`${page.url()}&from=1000&to=60000`)
    await page.getByText('Nothing was measured in this time.').waitFor()
  })

  it('tells what more time costs, and when the job ends then, as one types', async () => {
    const { page } = rig
    const id = await rig.submit({ duration: 7200 })
    await rig.play.start(id)
    await rig.open(`/jobs/${id}`)
    await page.getByRole('button', { name: 'Extend Duration' }).click()
    const dialog = page.getByRole('dialog')
    await dialog
      .getByText(/^With 30 min more it ends .* at the latest and costs at most \$0\.005 more, \$[\d.]+ in all\.$/)
      .waitFor()
    await dialog.getByLabel('Additional time', { exact: true }).fill('60')
    await dialog.getByText(/^With 1 h more it ends .* and costs at most \$0\.01 more/).waitFor()
    await inspectPage(page, 'job-extend')
    await dialog.getByRole('button', { name: 'Leave as it is' }).click()
    assert.equal((await rig.store.get(id))?.durationSeconds, 7200)
  })

  it('shows what was spent for good apart from what runs and what is expected', async () => {
    const { page } = rig
    for (const team of ['research', 'sales']) {
      const id = await rig.submit({ labels: { team } })
      await rig.play.start(id)
      await rig.play.complete(id, { meteredMs: 3_600_000 })
    }
    await rig.open('/costs')
    await page.getByRole('img', { name: /^Spent over time: from \$0 to \$0\.0/ }).waitFor()
    const figures = page.locator('.figures')
    await figures.getByText('For good: ended jobs, and $0 of it volumes that stayed.').waitFor()
    await figures.getByText('Metered so far of jobs that have not ended; they come to $').waitFor()
    await figures.getByText(/^This month .* is not foreseen before one whole day is over\.$/).waitFor()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.waitForURL(/from=\d+&to=\d+/)
    await page.getByRole('button', { name: 'All of it' }).click()
    await inspectPage(page, 'costs-drawn')
    await page.getByText('By label').click()
    await page.waitForURL(/by=label/)
    await page.getByRole('cell', { name: 'research' }).waitFor()
    await inspectPage(page, 'costs-by-label')
    await page.goBack()
    await page.getByRole('img', { name: /^Spent over time/ }).waitFor()
  })

  it('says why a job failed beside that it did, and takes the remedy up at a click', async () => {
    const id = await rig.submit({ memory: '64Mi', secrets: { TOKEN: 'kept' } })
    await fail(id, failure('RESOURCE_LIMIT_EXCEEDED', undefined, { reason: 'out-of-memory' }))
    await rig.open('/jobs')
    await row(id).getByText('out of memory').waitFor()
    await row(id).getByRole('link').click()
    await rig.page.getByRole('button', { name: 'Raise memory to 128 MiB and run' }).click()
    await rig.page.waitForURL((url) => !url.pathname.endsWith(id))
    const next = new URL(rig.page.url()).pathname.split('/').at(-1) ?? ''
    assert.equal((await rig.store.get(next))?.spec.memory, '128Mi')
    assert.deepEqual((await rig.store.secrets(next)).secrets, { TOKEN: 'kept' })
  })

  it('entry 31: a webhook whose endpoint is dead is shown failing, with the reason, and no more once it answers', async () => {
    let status = 503
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(status).end())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const client = new CortexClient({ baseUrl: rig.url, apiKey: rig.gateway.adminKey().text })
    const { id } = await client.webhooks.create({
      name: 'dead',
      url: `http://127.0.0.1:${port}/hook`,
      events: ['job.created', 'job.completed'],
    })
    await rig.play.start(await rig.submit())
    await until(async () => (await client.webhooks.get(id)).failing !== null)
    await rig.open('/settings?tab=webhooks')
    const dead = rig.page.getByRole('row').filter({ hasText: 'dead' })
    await dead.locator('.status[data-status=failing]').waitFor()
    await dead.getByText(/1 attempt in a row did not arrive: .*503/).waitFor()
    await rig.page.getByRole('link', { name: 'dead' }).click()
    await rig.page.getByRole('alert').getByText(/503/).waitFor()
    await takeShot(rig.page, 'webhook-failing')
    status = 204
    const [delivery] = (await client.webhooks.history(id)).items
    await client.webhooks.retry(id, delivery?.id ?? '')
    await rig.page.locator('.status[data-status=enabled]').waitFor()
    assert.equal(await rig.page.getByText('Nothing arrives there').count(), 0)
    server.closeAllConnections()
    server.close()
  })

  it('entry 51: says amounts of a failure as people read them', async () => {
    const id = await rig.submit()
    await fail(id, failure('RESOURCE_LIMIT_EXCEEDED', undefined, { reason: 'storage-limit', limitBytes: '25165824' }))
    await rig.open(`/jobs/${id}`)
    const alert = rig.page.getByRole('alert')
    await alert.getByText('limit: 24 MiB').waitFor()
    await alert.getByText('reason: storage limit').waitFor()
    await takeShot(rig.page, 'job-failure')
    await rig.open(`/jobs/${id}?tab=events`)
    await rig.page.getByText(/metered: 1 min 30 s/).waitFor()
  })

  it('entry 51: the terminal has one scrollbar, its own', async () => {
    const id = await rig.submit()
    await rig.play.start(id)
    await rig.open(`/jobs/${id}?tab=terminal`)
    const viewport = rig.page.locator('.xterm-viewport')
    await viewport.waitFor({ state: 'attached' })
    assert.equal(await viewport.evaluate((element) => getComputedStyle(element).overflowY), 'hidden')
  })
})
