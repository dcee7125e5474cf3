import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Rig, startRig } from './support/rig.ts'

const SMALL = { cpu: 100, memory: '16Mi', storage: '16Mi', stopGraceSeconds: 0 }

describe('the dashboard', () => {
  let rig: Rig

  before(async () => {
    rig = await startRig()
  })
  after(async () => await rig?.stop())

  it('asks who it is, and leads back to where one was', async () => {
    const { page, key } = rig
    await rig.open('/jobs?status=running')
    await page.getByRole('heading', { name: 'Sign in to Cortex' }).waitFor()
    await page.getByText('This is the dashboard of a gateway').waitFor()
    await rig.inspect('sign-in')
    await page.getByLabel('API key', { exact: true }).fill('ck_wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('does not know this key').waitFor()
    await page.getByLabel('API key', { exact: true }).fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Jobs' }).waitFor()
    assert.equal(new URL(page.url()).search, '?status=%5B%22running%22%5D')
    assert.deepEqual(await page.evaluate(() => Object.values(localStorage).join('').includes('ck_')), false)
    await rig.open('/jobs')
    await page.getByRole('heading', { name: 'Your first job' }).waitFor()
    await page.getByText('2 providers').waitFor()
    await rig.inspect('jobs-empty')
  })

  it('creates a job by the form and by its JSON, and shows what it writes', async () => {
    const { page, image } = rig
    await page.getByRole('link', { name: 'Create Job' }).first().click()
    await page.getByLabel('Docker image').fill(image)
    const json = page.getByLabel('The job as JSON')
    assert.equal(JSON.parse(await json.inputValue()).image, image)
    await json.fill(JSON.stringify({ image, ...SMALL, cpu: 1 }))
    await page.getByText('Must be a whole number of millicores from 10').waitFor()
    await json.fill(JSON.stringify({ image, ...SMALL, network: 'none', ports: [{ port: 80, public: true }] }))
    const isPublic = page.getByRole('checkbox', { name: 'Public' })
    assert.equal(await isPublic.isChecked(), true)
    await page.getByText('Must have expose true and network bridge beside it').waitFor()
    await page.getByRole('checkbox', { name: 'Without a network' }).uncheck()
    assert.deepEqual(JSON.parse(await json.inputValue()).network, undefined)
    const ports = async () => JSON.parse(await json.inputValue()).ports
    await isPublic.uncheck()
    assert.deepEqual(await ports(), [{ port: 80 }])
    await isPublic.check()
    await page.getByRole('checkbox', { name: 'Reached from outside' }).uncheck()
    assert.deepEqual([await ports(), await isPublic.isDisabled()], [[{ port: 80, expose: false }], true])
    const script = `printf '\\033[31mred\\033[0m and <b>bold</b>\\n'; seq 1 200; sleep 300`
    await json.fill(
      JSON.stringify({ image, ...SMALL, command: ['sh', '-c'], args: [script], labels: { team: 'research' } }),
    )
    assert.equal(await page.getByLabel('Command').inputValue(), 'sh -c')
    await page.getByText('per hour)').waitFor()
    await rig.inspect('create-job')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('tab', { name: 'Overview' }).waitFor()
    await page.locator('.status[data-status=running]').first().waitFor()
    await rig.inspect('job-overview')
    await page.getByRole('tab', { name: 'Logs' }).click()
    await page.locator('.log-line', { hasText: '200' }).first().waitFor()
    await page.getByLabel('Search the log').fill('<b>bold')
    await page.getByText('1 match').waitFor()
    await page.getByRole('button', { name: 'Next match' }).click()
    await page.locator('.log-line .ansi-red', { hasText: 'red' }).waitFor()
    assert.equal(await page.locator('.log-line b').count(), 0)
    await rig.inspect('job-logs')
    for (const tab of ['Metrics', 'Events', 'Bids', 'Outputs', 'Terminal']) {
      await page.getByRole('tab', { name: tab }).click()
      await page.waitForTimeout(300)
      await rig.inspect(`job-${tab.toLowerCase()}`)
    }
  })

  it('extends and cancels it from its actions', async () => {
    const { page } = rig
    await page.getByRole('button', { name: 'Extend Duration' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('With 30 min more it ends').waitFor()
    await dialog.getByRole('button', { name: 'Extend Duration' }).click()
    await page.getByText('Extended by 30 min').waitFor()
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await page.locator('.job-link').first().waitFor()
    await rig.inspect('jobs')
    await page.getByTitle('Actions').first().click()
    await page.getByRole('menuitem', { name: 'Cancel Job' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel Job' }).click()
    await page.locator('.status[data-status=cancelled]').first().waitFor()
  })

  it('says what to do about an image that cannot be pulled', async () => {
    const { page, client } = rig
    const { id } = await client.jobs.submit({ image: 'localhost:1/no/such:image', ...SMALL, maxAttempts: 1 })
    await rig.open(`/jobs/${id}`)
    await page.locator('.status[data-status=failed]').first().waitFor()
    const failure = page.getByRole('alert').filter({ hasText: 'IMAGE_PULL_ERROR' })
    await failure.getByText('Use a registry with a public address').waitFor()
    await rig.inspect('job-failed')
  })

  it('complains of nothing, and asks nobody but its gateway', () => {
    assert.deepEqual(rig.complaints, [])
  })
})
