/// <reference lib="dom" />
/** The form of a job: nothing that was typed is lost, and what is wrong is found. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { failure } from '../../protocol/failures.ts'
import { until } from '../support/until.ts'
import { type PlayedRig, startPlayedRig } from './support/played-rig.ts'
import { inspectPage } from './support/rig.ts'

describe('the form of a job', () => {
  let rig: PlayedRig
  const image = () => rig.page.getByLabel('Docker image')
  const json = () => rig.page.getByLabel('The job as JSON')

  before(async () => {
    rig = await startPlayedRig()
  })
  after(() => rig?.stop())

  it('entry 47: keeps what was typed over going back, loading anew, and the end of the session', async () => {
    await rig.open('/jobs')
    await rig.page.getByRole('link', { name: 'Create Job' }).first().click()
    await image().fill('busybox:kept')
    await json().fill(
      '{\n  // why\n  "image": "busybox:kept",\n  "cpu": 300,\n  "secrets": { "TOKEN": "hidden-value" },\n}',
    )
    await rig.page.getByLabel('Value of secret 1').waitFor()
    await rig.page.goBack()
    await rig.page.getByRole('heading', { name: 'Jobs' }).waitFor()
    await rig.page.goForward()
    assert.equal(await image().inputValue(), 'busybox:kept')
    assert.match(await json().inputValue(), /\/\/ why/)
    assert.equal(await rig.page.getByLabel('Value of secret 1').inputValue(), 'hidden-value')

    await rig.page.reload()
    await rig.page.getByText('This was begun before').waitFor()
    assert.equal(await image().inputValue(), 'busybox:kept')
    assert.equal(await rig.page.getByLabel('Name of secret 1').inputValue(), 'TOKEN')
    const stored = await rig.page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))
    assert.doesNotMatch(stored, /hidden-value/)

    await json().fill('{"image": "busybox:kept", "cpu": 301}')
    await rig.context.clearCookies()
    // What the page asks by itself may hear of it first: then there is nothing to press any more.
    await rig.page.evaluate(() =>
      [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Submit')?.click(),
    )
    await rig.page.getByText('Your session has ended').waitFor()
    await rig.page.getByLabel('API key', { exact: true }).fill(rig.gateway.adminKey().text)
    await rig.page.getByRole('button', { name: 'Sign in' }).click()
    await rig.page.getByRole('heading', { name: 'Create Job' }).waitFor()
    assert.equal(await image().inputValue(), 'busybox:kept')

    await rig.page.getByRole('button', { name: 'Submit' }).click()
    await rig.page.waitForURL(/\/jobs\/job_/)
    await rig.open('/jobs/create')
    assert.equal(await image().inputValue(), '')
    assert.equal(await rig.page.getByText('This was begun before').count(), 0)
  })

  it('entry 47: begins anew where that is asked, and for whoever else signs in', async () => {
    await rig.open('/jobs/create')
    await image().fill('mine')
    await rig.page.reload()
    await rig.page.getByRole('button', { name: 'Start over' }).click()
    assert.equal(await image().inputValue(), '')
    await image().fill('mine again')
    await rig.page.getByRole('button', { name: 'Account of' }).click()
    await rig.page.getByRole('menuitem', { name: 'Sign out' }).click()
    await rig.page.getByLabel('API key', { exact: true }).fill(rig.gateway.adminKey().text)
    await rig.page.getByRole('button', { name: 'Sign in' }).click()
    await rig.page.getByRole('button', { name: 'Account of' }).waitFor()
    await rig.open('/jobs/create')
    assert.equal(await image().inputValue(), '')
  })

  it('makes an earlier job again, changed: the draft is kept, its secrets go along, and the two compare', async () => {
    const { page } = rig
    const id = await rig.submit({ name: 'train', memory: '64Mi', env: { A: '1' }, secrets: { TOKEN: 'kept' } })
    await rig.open(`/jobs/${id}`)
    await page.getByRole('button', { name: 'Actions' }).click()
    await page.getByRole('menuitem', { name: 'Edit and Run' }).click()
    await page.getByRole('heading', { name: 'Edit and Run' }).waitFor()
    assert.equal(await image().inputValue(), 'busybox')
    await page.getByRole('checkbox', { name: 'TOKEN' }).waitFor()
    await json().fill('{"name": "train", "image": "busybox", "memory": "128Mi", "env": {"A": "1"}}')
    await page.reload()
    await page.getByText('This was begun before').waitFor()
    assert.equal(JSON.parse(await json().inputValue()).memory, '128Mi')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('link', { name: 'compare' }).waitFor()
    const next = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    const made = await rig.store.get(next)
    assert.deepEqual([made?.spec.memory, made?.origin.resubmittedFrom], ['128Mi', id])
    assert.deepEqual((await rig.store.secrets(next)).secrets, { TOKEN: 'kept' })

    await page.getByRole('link', { name: 'compare' }).click()
    const settings = page.getByRole('region', { name: 'Settings' })
    const memory = settings.getByRole('row').filter({ hasText: 'memory' })
    assert.deepEqual(await memory.getByRole('cell').allTextContents(), ['64Mi', '128Mi'])
    assert.equal(await settings.getByRole('row').filter({ hasText: 'env.A' }).count(), 0)
    await page.getByLabel('Only what differs').uncheck()
    await settings.getByRole('row').filter({ hasText: 'env.A' }).waitFor()
    await inspectPage(page, 'compare-jobs')
    await page.getByRole('button', { name: `Save as Template: train …${id.slice(-8)}` }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('The smaller one')
    await page.getByRole('dialog').getByRole('button', { name: 'Save Template' }).click()
    await page.getByText('Saved as the template').waitFor()
  })

  it('takes up what would help, and asks again', async () => {
    const before = rig.market.quoted
    const quotes = before.quotes.filter(({ pricePerHour }) => pricePerHour === null)
    const helps = [{ text: 'Lower memory to 256Mi', changes: { memory: '256Mi' } }]
    rig.market.quoted = { quotes, nearest: failure('NO_PROVIDER'), helps }
    await rig.open('/jobs/create')
    await image().fill('busybox')
    const help = rig.page.getByRole('button', { name: 'Lower memory to 256 MiB' })
    await help.waitFor()
    rig.market.quoted = before
    await help.click()
    await rig.page.getByText(/at most, for 1 h/).waitFor()
    assert.equal(JSON.parse(await json().inputValue()).memory, '256Mi')
    await json().fill('{}')
  })

  it('brings what an earlier job left, whole or a part of it', async () => {
    await rig.open('/jobs/create')
    await json().fill('{"image": "busybox", "inputs": [{ "path": "/in", "from": { "inline": "" } }]}')
    await rig.page.getByRole('button', { name: 'Output of a job for input 1' }).click()
    const written = async () => JSON.parse(await json().inputValue()).inputs[0].from
    await rig.page.getByLabel('Job of input 1').fill('job_01k8m3q7w9x2v5n4c6b8d0f1g3')
    await until(async () => (await written()).job === 'job_01k8m3q7w9x2v5n4c6b8d0f1g3')
    await rig.page.getByLabel('Part of the output for input 1').fill('out/model.bin')
    await until(async () => (await written()).path === 'out/model.bin')
    await rig.page.getByLabel('Part of the output for input 1').fill('')
    await until(async () => !('path' in (await written())))
    await json().fill('')
  })

  it('takes what a job brings from a URL, with its digest or without', async () => {
    await rig.open('/jobs/create')
    await json().fill('{"image": "busybox", "inputs": [{ "path": "/in/model", "from": { "inline": "" } }]}')
    await rig.page.getByRole('button', { name: 'URL instead' }).first().click()
    await rig.page.getByLabel('URL of input 1').fill('http://example.com/model')
    await rig.page.getByRole('button', { name: 'Submit' }).click()
    await rig.page.getByText('must begin with https://').first().waitFor()
    const digest = 'ab'.repeat(32)
    await rig.page.getByLabel('SHA-256 of input 1').fill(digest)
    const inputs = async () => (JSON.parse(await json().inputValue()) as { inputs: object[] }).inputs
    assert.deepEqual(await inputs(), [{ path: '/in/model', from: { url: 'http://example.com/model', sha256: digest } }])
    await rig.page.getByLabel('SHA-256 of input 1').fill('')
    await rig.page.getByLabel('URL of input 1').fill('https://example.com/model')
    assert.deepEqual(await inputs(), [{ path: '/in/model', from: { url: 'https://example.com/model' } }])
  })

  it('takes what a job brings from a bucket, whose keys are names of its secrets', async () => {
    await rig.open('/jobs/create')
    await json().fill('{"image": "busybox", "inputs": [{ "path": "/in", "from": { "inline": "" } }]}')
    await rig.page.getByRole('button', { name: 'S3 instead' }).first().click()
    const fill = async (label: string, text: string) => await rig.page.getByLabel(`${label} of input 1`).fill(text)
    await fill('Bucket', 'data')
    await fill('Object', 'rows/')
    await fill('Region', 'eu-central-1')
    await fill('Access key', 'ID')
    await fill('Secret key', 'KEY')
    const keys = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } }
    const s3 = { bucket: 'data', prefix: 'rows/', region: 'eu-central-1', ...keys }
    const from = async () => (JSON.parse(await json().inputValue()) as { inputs: { from: object }[] }).inputs[0]?.from
    assert.deepEqual(await from(), { s3 })
    await rig.page.getByRole('button', { name: 'Submit' }).click()
    await rig.page.getByText('must name one of secrets').first().waitFor()
    await fill('Object', 'rows/a')
    await fill('Region', '')
    assert.deepEqual(await from(), { s3: { bucket: 'data', key: 'rows/a', ...keys } })
  })

  it('takes the files of a repository', async () => {
    await rig.open('/jobs/create')
    await json().fill('{"image": "busybox", "inputs": [{ "path": "/src", "from": { "inline": "" } }]}')
    await rig.page.getByRole('button', { name: 'Git instead' }).first().click()
    await rig.page.getByLabel('Repository of input 1').fill('https://example.com/a.git')
    await rig.page.getByLabel('Branch, tag or commit of input 1').fill('main')
    await rig.page.getByLabel('Token of input 1').fill('GIT')
    const from = async () => (JSON.parse(await json().inputValue()) as { inputs: { from: object }[] }).inputs[0]?.from
    const git = { url: 'https://example.com/a.git', ref: 'main', token: { secret: 'GIT' } }
    assert.deepEqual(await from(), { git })
    await rig.page.getByLabel('Submodules of input 1').check()
    assert.deepEqual(await from(), { git: { ...git, submodules: true } })
    await rig.page.getByLabel('Submodules of input 1').uncheck()
    assert.deepEqual(await from(), { git })
  })

  it('keeps one path, or several with names', async () => {
    await rig.open('/jobs/create')
    await json().fill('{"image": "busybox", "outputs": "/out"}')
    const outputs = rig.page.getByLabel('Outputs')
    const written = async () => JSON.stringify(JSON.parse(await json().inputValue()).outputs)
    await until(async () => (await outputs.inputValue()) === '/out')
    await outputs.fill('/out\nlogs=/var/log\n')
    await until(async () => (await written()) === '[{"path":"/out"},{"name":"logs","path":"/var/log"}]')
    assert.equal(await outputs.inputValue(), '/out\nlogs=/var/log\n', 'what is typed stays')
    await outputs.fill('/data')
    await until(async () => (await written()) === '"/data"')
    await json().fill('')
  })

  it('entry 47: goes to the first field that is wrong', async () => {
    await rig.open('/jobs/create')
    await json().fill('{"image": "busybox", "duration": 0, "memory": "1 potato", "queueTimeout": -1}')
    await rig.page.getByRole('button', { name: 'Submit' }).click()
    const focused = async () =>
      await rig.page.evaluate(() => {
        const field = document.activeElement
        const label = field?.id ? document.querySelector(`label[for="${field.id}"]`)?.textContent : undefined
        return label ?? field?.getAttribute('aria-label') ?? field?.tagName
      })
    await until(async () => ((await focused()) ?? '').startsWith('Memory'))
    await json().fill('{"image": "", "memory": "1 potato"}')
    await rig.page.getByRole('button', { name: 'Submit' }).click()
    await until(async () => ((await focused()) ?? '').startsWith('Docker image'))
  })
})
