/// <reference lib="dom" />
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { focusOf, tabTo } from './support/keyboard.ts'
import { type Rig, startRig } from './support/rig.ts'

const SMALL = { cpu: 100, memory: '16Mi', storage: '16Mi', stopGraceSeconds: 0 }

describe('the dashboard by the keyboard alone', () => {
  let rig: Rig

  before(async () => {
    rig = await startRig()
  })
  after(async () => await rig?.stop())

  it('lets one sign in, and skip what every page has', async () => {
    const { page, key } = rig
    await rig.open('/jobs')
    await page.getByRole('heading', { name: 'Sign in to Cortex' }).waitFor()
    await tabTo(page, 'API key')
    await page.keyboard.insertText(key)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor()
    await tabTo(page, 'Skip to content')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main')
  })

  it('creates a job, and leads out of its text', async () => {
    const { page, image } = rig
    await tabTo(page, 'Create Job')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Create Job' }).waitFor()
    await tabTo(page, /^Docker image/)
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(image)
    await tabTo(page, 'The job as JSON')
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(JSON.stringify({ image, ...SMALL, command: ['sleep', '300'] }))
    await tabTo(page, 'Submit', 'Shift+Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: 'Overview' }).waitFor()
    await page.locator('.status[data-status=running]').first().waitFor()
  })

  it('goes through the tabs of the job, and is caught in none', async () => {
    const { page } = rig
    await tabTo(page, 'Overview')
    for (const name of ['Logs', 'Metrics', 'Events', 'Bids', 'Outputs', 'Files', 'Terminal']) {
      await page.keyboard.press('ArrowRight')
      await page.getByRole('tab', { name, selected: true }).waitFor()
      assert.deepEqual((await focusOf(page)).name, name)
    }
    await tabTo(page, 'Open Terminal')
    await page.keyboard.press('Enter')
    await page.locator('.terminal-state[data-state=open]').waitFor()
    await page.keyboard.press('Shift+Tab')
    assert.equal((await focusOf(page)).name, 'Disconnect')
    await page.keyboard.press('Enter')
    await page.locator('.terminal-state[data-state=closed]').waitFor()
  })

  it('cancels it in a dialog that holds the focus and gives it back', async () => {
    const { page } = rig
    const dialog = page.getByRole('dialog')
    await rig.open(new URL(page.url()).pathname)
    await page.getByRole('tab', { name: 'Overview' }).waitFor()
    const ask = async (): Promise<void> => {
      await page.keyboard.press('Enter')
      await page.getByRole('menuitem', { name: 'Cancel Job' }).waitFor()
      await until(async () => {
        const { name } = await focusOf(page)
        if (name !== 'Cancel Job') await page.keyboard.press('ArrowUp')
        return name === 'Cancel Job'
      })
      await page.keyboard.press('Enter')
      await dialog.getByRole('button', { name: 'Keep running' }).waitFor()
    }
    await tabTo(page, 'Actions')
    await ask()
    for (let i = 0; i < 7; i += 1) {
      await page.keyboard.press('Tab')
      assert.ok((await focusOf(page)).isInDialog, `after ${i + 1} times Tab`)
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await until(async () => (await focusOf(page)).name === 'Actions')
    await ask()
    await tabTo(page, 'Cancel Job')
    await page.keyboard.press('Enter')
    await page.locator('.status[data-status=cancelled]').first().waitFor()
  })

  it('opens the actions of a row, and comes back to it', async () => {
    const { page, image } = rig
    await rig.open('/jobs')
    await page.locator('.job-link').first().waitFor()
    await tabTo(page, `Actions of ${image}`)
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Resubmit' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Escape')
    await page.getByRole('menuitem', { name: 'Resubmit' }).waitFor({ state: 'hidden' })
    await until(async () => (await focusOf(page)).name === `Actions of ${image}`)
  })

  it('goes from row to row, selects, searches and creates by single keys, until somebody turns them off', async () => {
    const { page, image, client } = rig
    const second = await client.jobs.submit({ image, ...SMALL, name: 'the-second', command: ['sleep', '300'] })
    await rig.open('/jobs')
    await page.getByRole('link', { name: /^the-second/ }).waitFor()
    await page.keyboard.press('j')
    assert.match((await focusOf(page)).name, /^the-second/)
    await page.keyboard.press('x')
    await page.getByText('1 selected').waitFor()
    await page.keyboard.press('j')
    assert.match((await focusOf(page)).name, new RegExp(`^${image}`))
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await page.waitForURL(new RegExp(second.id))
    await page.goBack()
    await page.getByLabel('Search jobs').waitFor()
    await page.keyboard.press('/')
    assert.equal((await focusOf(page)).name, 'Search jobs')
    await page.keyboard.type('cjx?')
    assert.equal(await page.getByLabel('Search jobs').inputValue(), 'cjx?')
    await page.getByLabel('Search jobs').fill('')
    await page.locator('h1').click()
    await page.keyboard.press('c')
    await page.getByRole('heading', { name: 'Create Job' }).waitFor()
    await page.keyboard.press('?')
    const sheet = page.getByRole('dialog', { name: 'Keys' })
    await sheet.getByText('To the next row').waitFor()
    await rig.inspect('keys')
    await sheet.getByLabel('Single keys do something').uncheck()
    await page.keyboard.press('Escape')
    await sheet.waitFor({ state: 'hidden' })
    await page.keyboard.press('?')
    await page.keyboard.press('Control+k')
    const anything = page.getByRole('dialog', { name: 'Go to anything' })
    await anything.waitFor()
    assert.equal(await sheet.count(), 0)
    await page.keyboard.type('keys')
    await page.keyboard.press('Escape')
    await anything.waitFor({ state: 'hidden' })
  })

  it('goes to anything: pages, what can be done, jobs', async () => {
    const { page } = rig
    const anything = page.getByRole('dialog', { name: 'Go to anything' })
    await page.getByRole('button', { name: 'Go to anything' }).click()
    await anything.getByRole('option', { name: /^Costs/ }).waitFor()
    await anything.getByRole('option', { name: /^the-second/ }).waitFor()
    await rig.inspect('anything')
    await page.keyboard.type('cost')
    await anything.getByRole('option', { name: /^Create Job/ }).waitFor({ state: 'hidden' })
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Costs' }).first().waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('the-second')
    await anything.getByRole('option').first().getByText('the-second').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'the-second' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('ssh keys')
    await anything.getByRole('option').first().getByText('SSH keys').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: 'SSH keys', selected: true }).waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('no such thing')
    await anything.getByText('Nothing is called so.').waitFor()
    await page.keyboard.press('Escape')
  })

  it('moves nothing for those who asked for that', async () => {
    const { page } = rig
    await rig.open('/jobs')
    await page.locator('.grid-row .status').first().waitFor()
    const moving = async (): Promise<string[]> =>
      await page.evaluate(() => {
        const dot = document.querySelector('.status[data-status=running] .status-dot')
        return dot === null ? ['none'] : dot.getAnimations().map(() => 'moves')
      })
    await page.evaluate(() => {
      const dot = document.querySelector('.grid-row .status')
      dot?.setAttribute('data-status', 'running')
    })
    assert.deepEqual(await moving(), [])
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    assert.deepEqual(await moving(), ['moves'])
    await page.emulateMedia({ reducedMotion: 'reduce' })
  })

  it('complains of nothing', () => {
    assert.deepEqual(rig.complaints, [])
  })
})
