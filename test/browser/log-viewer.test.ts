/// <reference lib="dom" />
/** A job's output in its page, as a terminal would show it. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { type PlayedRig, startPlayedRig } from './support/played-rig.ts'

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
    assert.equal(await line('see the docs').locator('a').count(), 1)
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

  it('entry 47: tells the local time with its date', async () => {
    await rig.page.getByLabel('Timestamps').check()
    const time = line('first to copy').locator('.log-time')
    assert.match((await time.textContent()) ?? '', /^14 Nov 2023, 22:13:\d\d\.000$/)
    await rig.page.getByLabel('Timestamps').uncheck()
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
    await rig.page.screenshot({ path: '.cache/screenshots/log-viewer.png' })

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
    await rig.page.screenshot({ path: '.cache/screenshots/log-viewer-end.png' })
    await rig.page.locator('.log-lines').evaluate((element) => {
      element.scrollTop = 0
    })
    await until(async () => Math.abs((await top()) - frame) < 4)
  })
})
