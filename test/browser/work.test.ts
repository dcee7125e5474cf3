/** Templates, batches, schedules and the actions of jobs, each from its first click to the containers' end. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { until } from '../support/until.ts'
import { type Rig, startRig } from './support/rig.ts'

/** Without a network of its own: when one comes or goes, Chromium breaks off its requests. */
const SMALL = { cpu: 100, memory: '16Mi', storage: '16Mi', stopGraceSeconds: 0, network: 'none' as const }

describe('templates, batches and schedules in the dashboard', () => {
  let rig: Rig

  before(async () => {
    rig = await startRig()
    await rig.signIn()
  })
  after(async () => await rig?.stop())

  /** The id in the address of a job's page, once it is there. */
  async function shownJob(): Promise<string> {
    await rig.page.waitForURL(/\/jobs\/job_\w+/)
    return new URL(rig.page.url()).pathname.split('/').at(-1) ?? ''
  }

  async function openActions(path: string, action: string): Promise<void> {
    await rig.open(path)
    await rig.page.getByTitle('Actions').first().click()
    await rig.page.getByRole('menuitem', { name: action }).click()
  }

  it('makes a job of a template, without what was emptied there', async () => {
    const { page, image, client } = rig
    await rig.open('/jobs/templates')
    await page.getByRole('link', { name: 'Create Template' }).first().click()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Greeting')
    await page.getByLabel('Description').fill('Says hello')
    const config = {
      image,
      ...SMALL,
      command: ['sh', '-c'],
      args: ['exit 9'],
      env: { KEPT: '1', DROPPED: '2' },
      secrets: { SAME: 'one', OTHER: 'two', GONE: 'three' },
      labels: { team: 'research' },
    }
    await page.getByLabel('The job as JSON').fill(JSON.stringify(config))
    await page.getByRole('button', { name: 'Save Template' }).click()

    await page.getByRole('link', { name: 'Create Job from Template' }).waitFor()
    await rig.inspect('templates-listed')
    await page.getByRole('link', { name: 'Create Job from Template' }).click()
    await page.getByRole('heading', { name: 'Create Job from Template' }).waitFor()
    await page.getByLabel('Command').fill('env')
    await page.getByLabel('Arguments').fill('')
    assert.equal(await page.getByLabel('Name of variable 2').inputValue(), 'DROPPED')
    await page.getByRole('button', { name: 'Remove variable 2' }).click()
    // Another command than the one that they were stored for.
    await page.getByLabel('New value of SAME').fill('one')
    await page.getByLabel('New value of OTHER').fill('four')
    await page.getByRole('checkbox', { name: 'GONE' }).uncheck()
    await rig.inspect('create-job-from-template')
    await page.getByRole('button', { name: 'Submit' }).click()
    const id = await shownJob()
    await page.locator('.status[data-status=completed]').first().waitFor()
    const job = await client.jobs.get(id)
    assert.deepEqual([job.command, job.args, job.config.env], [['env'], [], { KEPT: '1' }])
    assert.match(job.origin.template ?? '', /^template_/)
    await page.getByRole('tab', { name: 'Logs' }).click()
    await page.locator('.log-line', { hasText: 'KEPT=1' }).waitFor()
    await page.locator('.log-line', { hasText: 'OTHER=four' }).waitFor()
    await page.locator('.log-line', { hasText: 'SAME=one' }).waitFor()
    assert.equal(await page.locator('.log-line', { hasText: /DROPPED|GONE/ }).count(), 0)
  })

  it('keeps a job as a template, submits it again, and copies it as a command that works', async () => {
    const { page, image, client, key } = rig
    const said = `it's "$HOME" \`id\` \\ é\nand %s more`
    const first = await client.jobs.submit({
      image,
      ...SMALL,
      command: ['printf', '%s'],
      args: [said],
      env: { A: '$B' },
    })
    const path = `/jobs?q=${first.id}`
    await openActions(path, 'Save as Template')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('Kept from a job')
    await dialog.getByRole('button', { name: 'Save Template' }).click()
    await page.getByText('Saved as the template').waitFor()
    const templates = await client.templates.list()
    const { config } = templates.items.find(({ name }) => name === 'Kept from a job') ?? {}
    assert.deepEqual([config?.args, config?.env, config?.cpu], [[said], { A: '$B' }, 100])

    await openActions(path, 'Resubmit')
    const again = await client.jobs.get(await shownJob())
    assert.deepEqual([again.origin.resubmittedFrom, again.args], [first.id, [said]])

    await openActions(path, 'Copy as curl')
    await page.getByText('Copied; secrets').waitFor()
    const command = await page.evaluate(async () => await navigator.clipboard.readText())
    const env = { PATH: process.env.PATH, CORTEX_KEY: key }
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { env })
    const { data } = JSON.parse(stdout)
    assert.notEqual(data.id, first.id)
    assert.deepEqual([data.command, data.args, data.config.env], [['printf', '%s'], [said], { A: '$B' }])
    await rig.open(`/jobs/${data.id}?tab=logs`)
    await page.locator('.log-line', { hasText: 'and %s more' }).waitFor()
  })

  it('runs a job that waits once its price cap is raised at a click, and one that failed once it has more', async () => {
    const { page, image, client } = rig
    const { id } = await client.jobs.submit({ image, ...SMALL, command: ['true'], maxPrice: 0.000001 })
    await rig.open(`/jobs/${id}`)
    await page
      .getByRole('list', { name: 'Who was asked' })
      .getByText(/the cap is/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: /^Raise maxPrice to \$0\.\d+ an hour$/ }).click()
    await page.locator('.status[data-status=completed]').first().waitFor()
    const command = ['sh', '-c', 'sleep 60']
    const short = await client.jobs.submit({ image, ...SMALL, command, duration: 1 })
    await rig.open(`/jobs/${short.id}`)
    await page.getByRole('button', { name: 'Raise duration to 2 s and run' }).click()
    await page.waitForURL((url) => /job_/.test(url.pathname) && !url.pathname.endsWith(short.id))
    const again = await client.jobs.get(await shownJob())
    assert.deepEqual([again.duration, again.origin.resubmittedFrom], [2, short.id])
  })

  it('marks what is wrong with a file in its cells, and takes a right one to its end', async () => {
    const { page, image } = rig
    await rig.open('/jobs/batches')
    await page.getByRole('link', { name: 'Create Batch' }).first().click()
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the API
    const base = { image, ...SMALL, command: ['echo'], args: ['${word}'] }
    await page.getByLabel('The job as JSON').fill(JSON.stringify(base))
    const drop = async (text: string) =>
      await page
        .getByLabel('CSV file')
        .setInputFiles({ name: 'words.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
    await drop('word,cpu\nhello,100\nworld,many\n"a, b",\n')
    await page.getByText('1 row is wrong').waitFor()
    const bad = page.locator('td[data-bad]')
    assert.equal(await bad.count(), 1)
    assert.match((await bad.textContent()) ?? '', /^many.*whole number of millicores/)
    assert.ok(await page.getByRole('button', { name: 'Submit' }).isDisabled())
    await page.getByText('Only rows with a problem').scrollIntoViewIfNeeded()
    await rig.inspect('batch-bad-file')

    await drop('word,cpu\nhello,100\nworld,150\n"a, b",\n')
    await page.getByText('All 3 rows are right').waitFor()
    assert.equal(await bad.count(), 0)
    await page.getByLabel('Concurrency').fill('2')
    await page.getByRole('button', { name: 'Submit 3 jobs' }).click()
    const row = page.getByRole('row').filter({ hasText: 'of 3' })
    await row.getByText('Submitted').waitFor()
    await row.getByText('3 completed of 3').waitFor()
    await row.getByText('Completed', { exact: true }).waitFor()
    await row.getByRole('link').click()
    const squares = page.getByRole('grid', { name: 'Rows by outcome' }).getByRole('link')
    await squares.nth(2).waitFor()
    assert.deepEqual(await squares.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label'))), [
      'Row 1: completed',
      'Row 2: completed',
      'Row 3: completed',
    ])
    await rig.inspect('batch')
    await page.getByRole('link', { name: 'List its jobs' }).click()
    await page.locator('.job-command', { hasText: 'echo a, b' }).waitFor()
    assert.equal(await page.locator('.job-link').count(), 3)
  })

  it('shows the rows of a batch by outcome, goes through them by keys, and runs the failed again', async () => {
    const { page, image, client } = rig
    const jobs = ['0', '3', '0', '4'].map((code) => ({ image, ...SMALL, command: ['sh', '-c', `exit ${code}`] }))
    const { batchId, jobIds } = await client.batches.submit({ jobs, concurrency: 4 })
    await rig.open(`/jobs/batches/${batchId}`)
    const again = page.getByRole('button', { name: 'Run the failed again' })
    await again.waitFor()
    const squares = page.getByRole('grid', { name: 'Rows by outcome' })
    await squares.getByRole('link', { name: 'Row 2: failed' }).waitFor()
    await page.getByRole('button', { name: '2 failed' }).click()
    await until(async () => (await squares.getByRole('link').count()) === 2)
    await page.reload()
    await squares.getByRole('link', { name: 'Row 2: failed' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname.endsWith(jobIds[3] ?? ''))
    await page.goBack()
    await page.getByText('Table', { exact: true }).click()
    const table = page.getByRole('region', { name: 'Rows' }).getByRole('row')
    await until(async () => (await table.filter({ hasText: 'Failed' }).count()) === 2)
    await rig.inspect('batch-table')

    await again.click()
    await page.waitForURL((url) => url.pathname.includes('/jobs/batches/') && !url.pathname.endsWith(batchId))
    await page.getByRole('grid').getByRole('link', { name: 'Row 4: failed' }).waitFor()
    await page.getByRole('link', { name: `…${batchId.slice(-8)}` }).click()
    await page.getByText('What failed runs again').waitFor()
    assert.equal(await again.count(), 0)
  })

  it('runs a schedule at its time, and shows that it did', async () => {
    const { page, image } = rig
    await rig.open('/jobs/schedules')
    await page.getByRole('link', { name: 'Create Schedule' }).first().click()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Every second second')
    await page.getByRole('textbox', { name: 'Schedule', exact: true }).fill('*/2 * *')
    const save = page.getByRole('button', { name: 'Save Schedule' })
    assert.ok(await save.isDisabled())
    await page.getByRole('textbox', { name: 'Schedule', exact: true }).fill('0 0 31 2 *')
    await page.getByText('It never comes: no month').waitFor()
    assert.ok(await save.isDisabled())
    const zone = page.getByRole('combobox', { name: 'Time zone' }).or(page.getByRole('textbox', { name: 'Time zone' }))
    await zone.fill('CST')
    await page.getByText('write America/Chicago, Asia/Shanghai or America/Havana').waitFor()
    await zone.fill('UTC+2')
    await page.getByText('Etc/GMT-2, now UTC+02:00').waitFor()
    await zone.press('Escape')
    await page.getByRole('textbox', { name: 'Schedule', exact: true }).fill('*/2 * * * * *')
    await page.getByTestId('cron-words').filter({ hasText: 'Every 2 seconds' }).waitFor()
    await page.getByLabel('The job as JSON').fill(JSON.stringify({ image, ...SMALL, command: ['date'] }))
    await page
      .getByText(/ · here /)
      .first()
      .waitFor()
    await save.click()
    const runs = page.getByRole('region', { name: 'Past runs' })
    await runs.getByText('Completed').first().waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('None while it is paused').waitFor()
    await rig.inspect('schedule')
    await runs.getByRole('link').last().click()
    await page.locator('.status[data-status=completed]').first().waitFor()
    await page.getByRole('term').filter({ hasText: 'Schedule' }).waitFor()
  })

  it('cancels many jobs at once', async () => {
    const { page, image, client } = rig
    const jobs = await Promise.all(
      ['a', 'b', 'c'].map(
        async (name) =>
          await client.jobs.submit({ image, ...SMALL, command: ['sleep', '300'], labels: { many: 'yes', name } }),
      ),
    )
    await rig.open('/jobs?label=many%3Dyes')
    for (const { id } of jobs.slice(0, 2)) {
      await page
        .getByRole('row')
        .filter({ has: page.locator(`a[href*="${id}"]`) })
        .getByRole('checkbox')
        .check()
    }
    await page.getByText('2 selected').waitFor()
    await page.getByLabel('Select all loaded jobs').check()
    await page.getByRole('button', { name: 'Cancel 3 jobs' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 3 jobs' }).click()
    await page.locator('.status[data-status=cancelled]').nth(2).waitFor()
    const { pagination } = await client.jobs.list({ labels: { many: 'yes' }, status: 'cancelled' })
    assert.equal(pagination.total, 3)
    assert.equal(await page.getByText('selected').count(), 0)
  })

  it('narrows the list down by what is in it, keeps that as a view, folds batches, exports and resubmits', async () => {
    const { page, client } = rig
    await rig.open('/jobs?q=sleep')
    await page.getByRole('button', { name: 'Jobs with name=b' }).click()
    await page.getByText('1 job that match').waitFor()
    await page.getByRole('button', { name: 'Jobs with many=yes' }).click()
    assert.deepEqual(JSON.parse(new URL(page.url()).searchParams.get('label') ?? ''), ['name=b', 'many=yes'])
    await page.getByRole('button', { name: 'Jobs of admin' }).waitFor()
    await page.getByRole('button', { name: 'No longer only: name=b' }).click()
    await page.getByText('3 jobs that match').waitFor()
    await page.getByRole('button', { name: 'View: not saved' }).click()
    await page.getByRole('menuitem', { name: 'Save this view' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('Failed')
    await page.getByText('There is a view of this name.').waitFor()
    assert.ok(await page.getByRole('dialog').getByRole('button', { name: 'Save' }).isDisabled())
    await page.getByRole('dialog').getByLabel('Name').fill('Sleepers')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'View: Sleepers' }).waitFor()

    await page.getByLabel('Select all loaded jobs').check()
    const [some] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export 3 jobs' }).click(),
    ])
    assert.match(
      await readFile(await some.path(), 'utf8'),
      /^id,name,owner,status,.*\n(?:job_\w+,,admin,cancelled,.*\n){3}$/,
    )
    await page.getByRole('button', { name: 'Resubmit 3 jobs' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Resubmit 3 jobs' }).click()
    await page.getByText('6 jobs that match').waitFor()
    await page.getByRole('button', { name: 'More' }).click()
    const [all] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Export as CSV' }).click(),
    ])
    assert.equal((await readFile(await all.path(), 'utf8')).split('\n').length, 1 + 6 + 1)
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Cancel all that match' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 3 jobs' }).click()
    await until(async () => {
      const { items } = await client.jobs.list({ labels: { many: 'yes' }, fields: ['status'] })
      return items.length === 6 && items.every(({ status }) => status === 'cancelled')
    })

    await page.getByRole('button', { name: 'View: Sleepers' }).click()
    await page.getByRole('menuitem', { name: 'All jobs' }).click()
    const batch = page.getByRole('link', { name: /^Batch of/ })
    await batch.first().waitFor()
    await rig.inspect('jobs-folded')
    const batches = (await client.batches.list()).items
    assert.equal(await batch.count(), batches.length)
    for (const width of [1024, 1360]) {
      await page.setViewportSize({ width, height: 860 })
      const over = await page
        .locator('.table-scroller')
        .evaluate((element) => element.scrollWidth - element.clientWidth)
      assert.ok(over <= 0, `${over} px of the list are off the screen at ${width}`)
    }
    await batch.first().click()
    await page.waitForURL(/\/jobs\/batches\/batch_\w+/)
    await rig.open(`/jobs?batch=${batches[0]?.id}`)
    await page.getByRole('button', { name: 'No longer only: Batch' }).waitFor()
    await page.getByRole('button', { name: /^Status/ }).click()
    await page.waitForURL(/sort=status(?:%3A|:)asc/)
  })

  it('complains of nothing, and asks nobody but its gateway', () => {
    assert.deepEqual(rig.complaints, [])
  })
})
