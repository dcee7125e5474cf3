/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../support/until.ts'
import { type Rig, startRig } from './support/rig.ts'

const SMALL = { cpu: 100, memory: '32Mi', storage: '16Mi', stopGraceSeconds: 0 }
/** Serves a page on a port, and leaves two files behind when it is told to end. */
const SCRIPT = `mkdir -p /www /out/deep; echo '<h1>Hello from the job</h1>' > /www/index.html
echo first > /out/a.txt; head -c 3000 /dev/zero > '/out/deep/<b>.bin'
httpd -p 8080 -h /www; echo up; while [ ! -e /stop ]; do sleep 0.1; done`

describe('the page of a job that runs', () => {
  let rig: Rig
  let id: string

  before(async () => {
    rig = await startRig()
    const { client, image, page, key } = rig
    const job = { image, ...SMALL, command: ['sh', '-c'], args: [SCRIPT], ports: [{ port: 8080, expose: true }] }
    ;({ id } = await client.jobs.submit({ ...job, outputs: '/out' }))
    await rig.open(`/jobs/${id}`)
    await page.getByLabel('API key', { exact: true }).fill(key)
    await page.keyboard.press('Enter')
    await page.locator('.status[data-status=running]').first().waitFor()
  })
  after(async () => await rig?.stop())

  it('opens a port of the container at an origin of its own', async () => {
    const { page } = rig
    const open = async (): Promise<Page> => {
      const [opened] = await Promise.all([
        page.context().waitForEvent('page'),
        page.getByRole('button', { name: 'Open port 8080 in a new tab' }).click(),
      ])
      try {
        await opened.getByRole('heading', { name: 'Hello from the job' }).waitFor()
        return opened
      } catch (error) {
        // Broken off because another test's network came or went; see assets-from-outside.ts.
        if (!opened.url().startsWith('chrome-error:')) throw error
        await opened.close()
        return await open()
      }
    }
    const opened = await open()
    assert.equal(new URL(opened.url()).hostname, `8080--${id}.localhost`)
    assert.equal(await opened.evaluate('window.opener'), null)
    await opened.close()
    await page.getByRole('button', { name: 'Copy link to port 8080' }).click()
    await page.getByText('The link opens once').waitFor()
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^http:\/\/8080--job_\w+\.localhost:\d+\//)
    await rig.inspect('job-endpoints')
  })

  it('counts up what it costs, as the list does', async () => {
    const cost = rig.page.locator('.numbers').getByTitle(/ metered, at most .* for its whole duration and grace$/)
    const first = await cost.textContent()
    await until(async () => (await cost.textContent()) !== first)
  })

  it('is a terminal in the container', async () => {
    const { page } = rig
    const screen = page.locator('.xterm-rows')
    const state = page.locator('.terminal-state')
    await page.getByRole('tab', { name: 'Terminal' }).click()
    await page.getByRole('button', { name: 'Open Terminal' }).click()
    await state.getByText('Connected').waitFor()
    await page.keyboard.type('echo h""i; stty size; printf "\\033[31mred\\033[0m\\n"')
    await page.keyboard.press('Enter')
    await screen.getByText(/^hi\s*$/).waitFor()
    await screen.locator('span[style*=color]', { hasText: 'red' }).waitFor()
    const sizes = async () =>
      (await screen.locator('> div').allTextContents()).flatMap((row) => /^(\d+) (\d+)$/.exec(row.trim()) ?? [])
    const [, rows, columns] = (await sizes()).map(Number)
    assert.ok(rows && columns)
    await rig.inspect('job-terminal-open')

    await page.setViewportSize({ width: 900, height: 700 })
    await page.keyboard.type('while sleep 0.1; do stty size; done')
    await page.keyboard.press('Enter')
    await until(async () => {
      const [, fewer = 0, narrower = 0] = (await sizes()).slice(-3).map(Number)
      return fewer > 0 && fewer < rows && narrower < columns
    })
    await page.setViewportSize({ width: 1360, height: 860 })
    await page.keyboard.press('Control+c')

    // It stays while other tabs and pages are looked at.
    await page.getByRole('tab', { name: 'Overview' }).click()
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await page.locator('.job-link').first().click()
    await page.getByRole('tab', { name: 'Terminal' }).click()
    await state.getByText('Connected').waitFor()
    await screen.getByText(/^hi\s*$/).waitFor()
    // And when the page is loaded anew; a tab that is duplicated copies what is stored, and so gets no way to it.
    await page.reload()
    assert.doesNotMatch(await page.evaluate(() => Object.keys(sessionStorage).join()), /terminal/)
    await state.getByText('Connected').waitFor()
    await screen.getByText(/^hi\s*$/).waitFor()
    await page.keyboard.press('Shift+Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Disconnect')
    await page.keyboard.press('Tab')
    // A shell that takes long to come back from the interrupt drops what was typed before.
    const ended = state.getByText('The command ended with exit code 7')
    await until(async () => {
      if (await ended.isVisible()) return true
      await page.keyboard.type('exit 7')
      await page.keyboard.press('Enter')
      return await ended.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      )
    })
  })

  it('says what became of a terminal', async () => {
    const { page } = rig
    const state = page.locator('.terminal-state')
    await page.getByLabel('Command to run').fill('no-such-program')
    await page.keyboard.press('Enter')
    await state.getByText(/no-such-program|exit code 12\d/).waitFor()
    await page.getByLabel('Command to run').fill('sh')
    await page.keyboard.press('Enter')
    await state.getByText('Connected').waitFor()
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await state.getByText('Disconnected').waitFor()
    await page.getByRole('button', { name: 'Open again' }).click()
    await state.getByText('Connected').waitFor()
    await page.keyboard.type('touch /stop')
    await page.keyboard.press('Enter')
    await state.getByText(/The job has ended|exit code/).waitFor()
    await page.locator('.status[data-status=completed]').first().waitFor()
  })

  it('has the files that the job left', async () => {
    const { page } = rig
    await page.getByRole('tab', { name: 'Outputs' }).click()
    await page.getByText('2 files, 2.9 KiB in all, from /out').waitFor()
    await page.getByText('out/deep/<b>.bin').waitFor()
    await rig.inspect('job-outputs-kept')
    const download = async (name: RegExp) => {
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()])
      return { name: file.suggestedFilename(), content: await readFile(await file.path()) }
    }
    const one = await download(/^Download out\/a\.txt$/)
    assert.deepEqual([one.name, one.content.toString()], ['a.txt', 'first\n'])
    const all = await download(/^Download all/)
    assert.equal(all.name, `${id}.tar`)
    assert.ok(all.content.includes('first\n'))
  })

  it('complains of nothing', () => {
    assert.deepEqual(rig.complaints, [])
  })
})
