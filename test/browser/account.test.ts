/** Keys, sessions, webhooks and costs, and what a page does whose gateway is away for a while. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { CortexClient, UnauthorizedError } from '../../gateway/client/index.ts'
import { openReceiver, type Receiver } from '../gateway/support/receiver.ts'
import { until } from '../support/until.ts'
import { type Rig, startRig } from './support/rig.ts'

/** Without a network of its own: when one comes or goes, Chromium breaks off its requests. */
const SMALL = { cpu: 100, memory: '16Mi', storage: '16Mi', stopGraceSeconds: 0, network: 'none' as const }

describe('keys, webhooks, costs and connections in the dashboard', () => {
  let rig: Rig
  let receiver: Receiver

  before(async () => {
    receiver = await openReceiver()
    // The browser's own cache has to have the pages while the gateway is away.
    rig = await startRig({ gatewayFlags: ['--allow-private-webhooks'], fetchesAssetsOutside: false })
    await rig.signIn()
  })
  after(async () => {
    await rig?.stop()
    await receiver?.close()
  })

  it('shows a new key once, and refuses it once it is revoked', async () => {
    const { page, url } = rig
    await rig.open('/settings')
    await page.getByRole('button', { name: 'Create Key' }).click()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('CI')
    await page.getByRole('dialog').getByRole('button', { name: 'Create Key' }).click()
    const apiKey = (await page.getByTestId('new-key').textContent()) ?? ''
    await page.getByRole('button', { name: 'I have copied it' }).click()
    await page.reload()
    await page.getByRole('button', { name: 'Revoke CI' }).waitFor()
    assert.ok(apiKey.length > 20 && !(await page.content()).includes(apiKey))
    const theirs = new CortexClient({ baseUrl: url, apiKey })
    assert.equal((await theirs.jobs.list()).pagination.total, 0)

    await page.getByRole('button', { name: 'Revoke CI' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('Key revoked').waitFor()
    await page.getByRole('button', { name: 'Revoke CI' }).waitFor({ state: 'detached' })
    await assert.rejects(theirs.jobs.list(), UnauthorizedError)
  })

  it('makes a webhook, tests it, and shows what it was sent', async () => {
    const { page, client, image } = rig
    await page.getByRole('tab', { name: 'Webhooks' }).click()
    await page.getByRole('button', { name: 'Create Webhook' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Receiver')
    await dialog.getByRole('textbox', { name: 'URL' }).fill(receiver.url)
    await dialog.getByLabel('Secret').fill('a secret of ours')
    await dialog.getByRole('button', { name: 'Create Webhook' }).click()
    await page.getByRole('link', { name: 'Receiver' }).click()
    const test = page.getByRole('button', { name: 'Send a test' })
    await test.click()
    await page.getByText('The test was delivered').waitFor()
    assert.equal(receiver.received[0]?.headers['x-cortex-event'], 'job.completed')
    assert.match(String(receiver.received[0]?.headers['x-cortex-signature']), /^t=\d+,v1=[0-9a-f]{64}$/)
    receiver.answer(500)
    await test.click()
    await page.getByText('The test was not delivered').waitFor()
    receiver.answer(200)

    const { id } = await client.jobs.submit({ image, ...SMALL, command: ['true'], labels: { team: '=1+1,"x"' } })
    await receiver.count(3)
    assert.equal(JSON.parse(receiver.received[2]?.text ?? '').data.job.id, id)
    await page.getByRole('button', { name: 'Refresh' }).click()
    const sent = page.getByRole('region', { name: 'Deliveries' }).getByRole('row').filter({ hasText: 'job.completed' })
    await sent.getByText('Delivered').waitFor()
    await sent.getByRole('button', { name: 'Show what was sent' }).click()
    const body = page.getByRole('region', { name: 'Body' })
    await body.getByText(`"id": "${id}"`).waitFor()
    assert.deepEqual(JSON.parse((await body.textContent()) ?? ''), JSON.parse(receiver.received[2]?.text ?? ''))
    await page.getByText('t=…,v1=…').waitFor()
    await rig.inspect('webhook')
    await sent.getByRole('button', { name: 'Send again' }).click()
    await receiver.count(4)
    assert.equal(receiver.received[3]?.text, receiver.received[2]?.text)
    await page.getByText('100% of 2').waitFor()

    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    const url = page.getByRole('textbox', { name: 'URL' })
    await url.fill('nonsense')
    await page.getByRole('textbox', { name: 'Name' }).fill('Another receiver')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Must be a URL that begins with').waitFor()
    await rig.inspect('webhook-edit')
    await url.fill(receiver.url)
    await page.getByRole('checkbox', { name: 'Sign nothing any more' }).check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Another receiver' }).waitFor()
    await page.getByText('nothing: deliveries are not signed').waitFor()
  })

  it('exports what jobs cost as it shows it, and mends itself where a part of it was lost', async () => {
    const { page, client, complaints } = rig
    const before = complaints.length
    await page.route(/cost-chart/, async (route) => await route.abort())
    await page.getByRole('link', { name: 'Costs' }).click()
    await page.getByText('A part of this page could not be loaded').waitFor()
    await page.unroute(/cost-chart/)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('img', { name: 'Spent over time' }).waitFor()
    const meanwhile = complaints.splice(before)
    assert.ok(meanwhile.length > 0 && meanwhile.every((text) => /ERR_FAILED|cost-chart/.test(text)))
    await page.getByText('By label').click()
    await page.getByRole('cell', { name: '=1+1,"x"' }).waitFor()
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export CSV' }).click()
    const download = await downloading
    assert.equal(download.suggestedFilename(), 'costs-30d-label.csv')
    const { rows } = await client.analytics.costs({ period: '30d', groupBy: 'label.team' })
    const [row] = rows
    assert.ok(row !== undefined && rows.length === 1 && row.spent > 0)
    const names = ['spent', 'final', 'volumes', 'running', 'projected', 'actual', 'estimated'] as const
    const amounts = names.map((name) => row[name]).map((usd) => usd.toFixed(9).replace(/\.?0+$/, ''))
    // Quoted, and for a spreadsheet no formula.
    assert.equal(
      await readFile(await download.path(), 'utf8'),
      `label.team,jobs,${names.map((name) => `${name} USD`).join(',')}\n"'=1+1,""x""",1,${amounts.join(',')}\n`,
    )
    await page.getByText('By provider').click()
    await page.getByRole('cell', { name: /^(?:attic|cellar)$/ }).waitFor()
    const another = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export CSV' }).click()
    const byProvider = await readFile(await (await another).path(), 'utf8')
    assert.match(byProvider, /^provider,.*,name\n12D3Koo\w+,1,.*,(?:attic|cellar)\n$/)
  })

  it('leads back to where one was when the session has ended', async () => {
    const { page } = rig
    await rig.open('/jobs?q=nothing')
    await page.getByRole('heading', { name: 'No job matches' }).waitFor()
    // What is asked of the gateway waits until the session has ended, so that nothing else finds out before.
    const ended = Promise.withResolvers<void>()
    await page.route(/\/jobs\?/, async (route) => {
      await ended.promise
      await route.continue()
    })
    await page.getByLabel('Search jobs').fill('something else')
    await page.waitForURL(/q=something(?:\+|%20)else/)
    await page.context().clearCookies()
    ended.resolve()
    await page.getByText('Your session has ended').waitFor()
    await page.unroute(/\/jobs\?/)
    await rig.signIn()
    await page.getByRole('heading', { name: 'No job matches' }).waitFor()
    assert.equal(await page.getByLabel('Search jobs').inputValue(), 'something else')
  })

  it('says that the gateway is away, and catches up with all of it once it is back', async () => {
    const { page, url, client, image, gateway, complaints } = rig
    await rig.open('/jobs')
    const badge = page.locator('.connection')
    await badge.filter({ hasText: 'Live' }).waitFor()
    const running = await client.jobs.submit({ image, ...SMALL, command: ['sleep', '3'] })
    const row = (id: string) => page.getByRole('row').filter({ has: page.locator(`a[href*="${id}"]`) })
    await row(running.id).getByText('Running').waitFor()
    await page.evaluate(() => Object.assign(globalThis, { wasHere: true }))

    const before = complaints.length
    await gateway.end()
    await badge.filter({ hasText: 'Reconnecting for' }).waitFor()
    // Pages that were never opened are there all the same, and say what is wrong.
    await page.getByRole('link', { name: 'Templates' }).click()
    await page.getByText('The gateway does not answer').waitFor()
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await row(running.id).waitFor()
    gateway.restart()
    await until(async () => (await fetch(`${url}/api/health`).catch(() => null))?.ok === true)
    // What happens before the page is back: two more jobs, and the first one's end.
    const more = await Promise.all(
      ['one', 'two'].map(async (word) => await client.jobs.submit({ image, ...SMALL, command: ['echo', word] })),
    )
    await badge.filter({ hasText: 'Live' }).waitFor()
    for (const { id } of more) await row(id).waitFor()
    await row(running.id).getByText('Completed').waitFor()
    const { pagination } = await client.jobs.list()
    assert.equal(await page.locator('.job-link').count(), pagination.total)
    await page.getByText(`${pagination.total} jobs`, { exact: true }).waitFor()
    assert.equal(await page.evaluate(() => 'wasHere' in globalThis), true, 'the page was not loaded again')
    // A browser writes down that it could not connect.
    const meanwhile = complaints.splice(before)
    assert.deepEqual(
      meanwhile.filter((text) => !/net::ERR_(?:CONNECTION_REFUSED|INCOMPLETE_CHUNKED|EMPTY_RESPONSE)/.test(text)),
      [],
    )
  })

  it('signs out, and in again only with a key', async () => {
    const { page } = rig
    await page.getByRole('button', { name: 'Account of' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in to Cortex' }).waitFor()
    await page.waitForLoadState('networkidle')
    assert.equal(new URL(page.url()).search, '', 'nothing has expired')
    assert.deepEqual(await page.context().cookies(), [])
    await rig.open('/settings')
    await page.getByRole('heading', { name: 'Sign in to Cortex' }).waitFor()
    await rig.signIn()
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
  })

  it('shows a guest what the key allows, and the way out when it is revoked', async () => {
    const { page, client } = rig
    const guest = await client.keys.create({
      name: 'Guest',
      owner: 'guest',
      permissions: ['jobs:read', 'providers:read'],
    })
    await page.context().clearCookies()
    await rig.open('/login')
    await rig.signIn(guest.key)
    await page.getByRole('heading', { name: 'No jobs yet' }).waitFor()
    assert.equal(await page.getByText('Create Job').count(), 0)
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('tab', { name: 'Notifications' }).waitFor()
    assert.deepEqual(await page.getByRole('tab').allTextContents(), ['Notifications', 'This gateway'])
    await page.locator('.connection').filter({ hasText: 'Live' }).waitFor()
    await client.keys.revoke(guest.id)
    // By itself: nobody clicks.
    await page.getByText('Your session has ended').waitFor()
  })

  it('complains of nothing, and asks nobody but its gateway', () => {
    assert.deepEqual(rig.complaints, [])
  })
})
