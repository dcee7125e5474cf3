/// <reference lib="dom" />
/** What the pages say of what went wrong, and of what they draw themselves. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { CortexClient } from '../../gateway/client/index.ts'
import { failure } from '../../protocol/failures.ts'
import { until } from '../support/until.ts'
import { type PlayedRig, startPlayedRig } from './support/played-rig.ts'

describe('what pages say', () => {
  let rig: PlayedRig
  before(async () => {
    rig = await startPlayedRig()
  })
  after(() => rig?.stop())

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
    const row = rig.page.getByRole('row').filter({ hasText: 'dead' })
    await row.locator('.status[data-status=failing]').waitFor()
    await row.getByText(/1 attempt in a row did not arrive: .*503/).waitFor()
    await rig.page.getByRole('link', { name: 'dead' }).click()
    await rig.page.getByRole('alert').getByText(/503/).waitFor()
    await rig.page.screenshot({ path: '.cache/screenshots/webhook-failing.png' })
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
    await rig.play.start(id)
    await rig.store.change(id, (draft) => {
      const { state } = draft.job
      if (state.status !== 'running') throw new Error('it runs')
      const { lease, scheduledAtMs, startedAtMs } = state
      const why = failure('RESOURCE_LIMIT_EXCEEDED', undefined, { reason: 'storage-limit', limitBytes: '25165824' })
      draft.transition({
        expect: ['running'],
        to: {
          status: 'failed',
          failure: why,
          lease,
          scheduledAtMs,
          startedAtMs,
          endedAtMs: startedAtMs + 1,
          exitCode: null,
        },
        by: 'provider',
        event: 'failed',
        data: { code: why.code, message: why.message, meteredSeconds: 90 },
      })
    })
    await rig.open(`/jobs/${id}`)
    const alert = rig.page.getByRole('alert')
    await alert.getByText('limit: 24 MiB').waitFor()
    await alert.getByText('reason: storage limit').waitFor()
    await rig.page.screenshot({ path: '.cache/screenshots/job-failure.png' })
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
