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

  it('moves nothing for those who asked for that', async () => {
    const { page } = rig
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
