/// <reference lib="dom" />
/** A job's output in its page, as a terminal would show it. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { type PlayedRig, startPlayedRig } from './support/played-rig.ts'
import { takeShot } from './support/rig.ts'

describe('the output of a job in its page', () => {
  let rig: PlayedRig
  let id: string
  const line = (text: string) => rig.page.locator('.log-line', { hasText: text })

  before(async () => {
    rig = await startPlayedRig()
    id = await rig.submit()
    await rig.play.start(id)
    await rig.play.log(
      id,
      'layer  1 %\rlayer 57 %\rlayer 100 %',
      '\x1b[38;5;208morange\x1b[0m \x1b[38;2;18;52;86;48;2;250;240;230mtrue colour\x1b[0m',
      '\x1b[1;32mbegins green',
      'goes on green\x1b[0m and ends',
      'see \x1b]8;;https://example.com/docs\x1b\\the docs\x1b]8;;\x1b\\, not \x1b]8;;javascript:alert(1)\x07this\x1b]8;;\x07',
      'first to copy',
      'second to copy',
      `long ${'word '.repeat(120)}finish`,
      'last',
    )
    await rig.open(`/jobs/${id}?tab=logs`)
    await line('last').waitFor()
  })
  after(() => rig?.stop())

  it('entry 47: shows the last state of a progress bar, colours of every kind, and safe links', async () => {
    assert.equal(await line('layer').locator('.log-text').textContent(), 'layer 100 %')
    const color = async (text: string, name: 'color' | 'backgroundColor') =>
      await rig.page.getByText(text, { exact: true }).evaluate((element, key) => getComputedStyle(element)[key], name)
    assert.equal(await color('orange', 'color'), 'rgb(255, 135, 0)')
    assert.equal(await color('true colour', 'color'), 'rgb(18, 52, 86)')
    assert.equal(await color('true colour', 'backgroundColor'), 'rgb(250, 240, 230)')
    assert.equal(await color('goes on green', 'color'), await color('begins green', 'color'))
    const link = rig.page.getByRole('link', { name: 'the docs' })
    assert.equal(await link.getAttribute('href'), 'https://example.com/docs')
    assert.match((await link.getAttribute('rel')) ?? '', /noopener/)
    assert.equal(await line('see the docs').locator('.log-text a').count(), 1)
  })

  it('entry 47: copies lines with their breaks, without numbers', async () => {
    await rig.page.evaluate(() => {
      const texts = [...document.querySelectorAll('.log-text')]
      const at = (text: string) => texts.find((element) => element.textContent === text)?.firstChild as Text
      const range = document.createRange()
      range.setStart(at('first to copy'), 6)
      range.setEnd(at('second to copy'), 6)
      getSelection()?.removeAllRanges()
      getSelection()?.addRange(range)
    })
    await rig.page.keyboard.press('Control+c')
    assert.equal(await rig.page.evaluate(() => navigator.clipboard.readText()), 'to copy\nsecond')
  })

  it('entry 47: tells the local time with its date, that of the world, and since the first line', async () => {
    const choose = async (name: string): Promise<void> => {
      await rig.page.getByRole('combobox', { name: 'Times' }).click()
      await rig.page.getByRole('option', { name }).click()
    }
    const time = line('first to copy').locator('.log-time')
    for (const [name, shown] of [
      ['Local time', /^14 Nov 2023, 22:13:\d\d\.000$/],
      ['UTC', /^2023-11-14T22:13:\d\d\.000Z$/],
      ['Since the first line', /^\+00:00:05\.000$/],
    ] as const) {
      await choose(name)
      await time.getByText(shown).waitFor()
    }
    // This browser keeps it.
    await rig.page.reload()
    await time.getByText('+00:00:05.000').waitFor()
    await choose('No times')
  })

  it('counts and marks what is looked for, and keeps it in the address', async () => {
    const { page } = rig
    await page.getByLabel('Search the log').fill('GREEN')
    await page.getByText('2 matches', { exact: true }).waitFor()
    await page.getByLabel('Search the log').press('Enter')
    await page.getByText('1 of 2', { exact: true }).waitFor()
    assert.equal(await line('begins green').locator('mark').textContent(), 'green')
    await page.getByLabel('Search the log').press('Enter')
    await page.locator('.log-line[data-current]', { hasText: 'goes on green' }).waitFor()
    await page.getByText('2 of 2', { exact: true }).waitFor()
    assert.equal(await page.locator('.log-marks path').count(), 1)
    await page.getByRole('tab', { name: 'Overview' }).click()
    await page.getByRole('tab', { name: 'Logs' }).click()
    await page.getByText('2 matches', { exact: true }).waitFor()
    assert.equal(new URL(page.url()).searchParams.get('find'), 'GREEN')
    await page.getByLabel('Search the log').fill('')
    await page.locator('.log-count').waitFor({ state: 'detached' })
  })

  it('links to lines', async () => {
    const { page } = rig
    const linked = async () => await page.locator('.log-line[data-linked] .log-number').allTextContents()
    await page.getByRole('link', { name: 'Link to line 3' }).click()
    await until(async () => (await linked()).join() === '3')
    await page.getByRole('link', { name: 'Link to line 5' }).click({ modifiers: ['Shift'] })
    await until(async () => (await linked()).join() === '3,4,5')
    await page.getByRole('button', { name: 'Copy link' }).click()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    await page.getByRole('button', { name: 'Clear' }).click()
    await until(async () => (await linked()).length === 0)
    const another = await rig.context.newPage()
    await another.goto(copied)
    await another.locator('.log-line[data-linked]', { hasText: 'see the docs' }).waitFor()
    assert.equal(await another.locator('.log-line[data-linked]').count(), 3)
    await another.close()
  })

  it('fills the screen, and is left by Escape', async () => {
    const { page } = rig
    const width = async () => (await page.locator('.logs').boundingBox())?.width
    await page.getByRole('button', { name: 'Full screen' }).click()
    await until(async () => (await width()) === 1360)
    await page.getByRole('combobox', { name: 'Stream' }).click()
    await page.getByRole('option', { name: 'stderr' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('option', { name: 'stderr' }).waitFor({ state: 'hidden' })
    assert.equal(await width(), 1360)
    await page.keyboard.press('Escape')
    await until(async () => ((await width()) ?? 0) < 1200)
  })

  it('stops following where one scrolls up, and goes on at the end', async () => {
    const { page } = rig
    const other = await rig.submit()
    await rig.play.start(other)
    await rig.play.log(other, ...Array.from({ length: 300 }, (_, i) => `line ${i}`))
    await rig.open(`/jobs/${other}?tab=logs`)
    await line('line 299').waitFor()
    await page.locator('.log-lines').hover()
    await page.mouse.wheel(0, -900)
    await page.getByRole('button', { name: 'Follow' }).waitFor()
    await page.mouse.wheel(0, 5_000)
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    await rig.play.log(other, 'the newest')
    await line('the newest').waitFor()
  })

  it('tells attempts apart, and opens where a failed one says why', async () => {
    const { page } = rig
    const other = await rig.submit()
    await rig.play.start(other)
    await rig.play.log(other, 'of the first')
    await rig.play.lose(other)
    await rig.play.start(other)
    const many = (from: number) => Array.from({ length: 200 }, (_, i) => `step ${from + i}`)
    await rig.play.log(other, ...many(0), 'Error: no room left', ...many(200))
    await rig.play.fail(other, 1)
    await rig.open(`/jobs/${other}`)
    await page.getByRole('link', { name: 'See the logs' }).click()
    await page.locator('.log-line[data-current]', { hasText: 'Error: no room left' }).waitFor()
    await page.locator('.log-lines').evaluate((element) => {
      element.scrollTop = 0
    })
    const marks = async () => (await page.locator('.log-attempt').allTextContents()).join()
    await until(async () => (await marks()) === 'Attempt 1,Attempt 2')
    await page.getByRole('button', { name: 'To the failure' }).click()
    await page.locator('.log-line[data-current]').waitFor()
    await page.getByRole('combobox', { name: 'Attempt' }).click()
    await page.getByRole('option', { name: 'Attempt 1' }).click()
    await page.getByText('1 of 402 lines').waitFor()
    await until(async () => (await page.locator('.log-line').count()) === 1)
    await rig.open(`/jobs/${id}?tab=logs`)
    await line('last').waitFor()
  })

  it('entry 47: wraps what is wider than the page, and still follows to the end', async () => {
    const isWide = async () =>
      await rig.page.locator('.log-lines').evaluate((element) => element.scrollWidth > element.clientWidth)
    assert.equal(await isWide(), true)
    await rig.page.getByLabel('Wrap').check()
    await until(async () => !(await isWide()))
    const { height = 0 } = (await line('finish').boundingBox()) ?? {}
    assert.ok(height > 30, `${height} px high`)
    const top = async () => (await line('layer').boundingBox())?.y ?? 0
    const frame = (await rig.page.locator('.log-lines').boundingBox())?.y ?? 0
    assert.ok(Math.abs((await top()) - frame) < 4, `${await top()} in ${frame}`)
    await takeShot(rig.page, 'log-viewer')

    // Few lines that are higher than the page are there to their end, too.
    await rig.play.log(id, ...Array.from({ length: 12 }, (_, i) => `few ${'high '.repeat(600)}end of few ${i}`))
    const bottom = rig.page.locator('.log-lines')
    await until(async () => await bottom.evaluate((element) => element.scrollHeight > element.clientHeight + 400))
    await until(async () => {
      const [few, sight] = [await line('end of few 11').boundingBox(), await bottom.boundingBox()]
      return few !== null && sight !== null && Math.abs(few.y + few.height - (sight.y + sight.height)) < 24
    })
    await rig.play.log(id, ...Array.from({ length: 200 }, (_, i) => `${i} ${'wide '.repeat(i % 90)}end of ${i}`))
    const lines = await rig.page.locator('.log-lines').boundingBox()
    await until(async () => {
      const last = await line('end of 199').boundingBox()
      return last !== null && lines !== null && Math.abs(last.y + last.height - (lines.y + lines.height)) < 24
    })
    await takeShot(rig.page, 'log-viewer-end')
    await rig.page.locator('.log-lines').evaluate((element) => {
      element.scrollTop = 0
    })
    await until(async () => Math.abs((await top()) - frame) < 4)
  })
})
