/// <reference lib="dom" />
/** Many pages of one browser, each live: none takes the others' connections, and none keeps one that nobody looks at. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page, WebSocket } from 'playwright-core'
import { until } from '../support/until.ts'
import { type PlayedRig, startPlayedRig } from './support/played-rig.ts'

const badge = (page: Page) => page.locator('.connection')

/** Sockets of a page that are open. */
function openSockets(page: Page): WebSocket[] {
  const sockets: WebSocket[] = []
  page.on('websocket', (socket) => sockets.push(socket))
  return new Proxy(sockets, {
    get: (_, name) =>
      Reflect.get(
        sockets.filter((socket) => !socket.isClosed()),
        name,
      ),
  })
}

/** As a browser does when another tab comes to the front, or this one again. */
async function look(page: Page, isLooked: boolean): Promise<void> {
  await page.evaluate(
    (visibility) => {
      Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    },
    isLooked ? 'visible' : 'hidden',
  )
}

describe('pages that share a browser', () => {
  let rig: PlayedRig
  before(async () => {
    rig = await startPlayedRig()
  })
  after(() => rig?.stop())

  it('entry 46: seven of them are live at once, each with its events, its log and its requests', async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, async () => await rig.submit()))
    for (const id of ids) await rig.play.start(id)
    const pages = await Promise.all(
      ids.map(async (id) => {
        const page = await rig.context.newPage()
        await rig.open(`/jobs/${id}?tab=logs`, page)
        return page
      }),
    )
    for (const page of pages) await badge(page).getByText('Live', { exact: true }).waitFor()
    for (const [i, id] of ids.entries()) await rig.play.log(id, `to page ${i}`)
    for (const [i, page] of pages.entries()) await page.locator('.log-text').getByText(`to page ${i}`).waitFor()
    // Requests still pass: a page that was not loaded before, asked for by each at once.
    await Promise.all(
      pages.map(async (page) => {
        await page.getByRole('link', { name: 'Templates' }).click()
        await page.getByRole('heading', { name: 'No templates yet' }).waitFor()
        await page.goBack()
      }),
    )
    for (const id of ids) await rig.play.complete(id)
    for (const page of pages) await page.locator('main').getByText('Completed').first().waitFor()
    for (const page of pages) await page.close()
  })

  it('entry 46: nothing is open in a page that nobody looks at, and it catches up when somebody does', async () => {
    const id = await rig.submit()
    await rig.play.start(id)
    await rig.play.log(id, 'before')
    const page = await rig.context.newPage()
    const sockets = openSockets(page)
    await rig.open(`/jobs/${id}?tab=logs`, page)
    await page.locator('.log-text').getByText('before').waitFor()
    await badge(page).getByText('Live', { exact: true }).waitFor()
    await look(page, false)
    await badge(page).getByText('Paused').waitFor()
    await until(() => sockets.length === 0)
    await page.locator('.log-foot').getByText('Paused').waitFor()
    await rig.play.log(id, 'meanwhile')
    await rig.play.complete(id)
    await look(page, true)
    await badge(page).getByText('Live', { exact: true }).waitFor()
    await page.locator('.log-text').getByText('meanwhile').waitFor()
    await page.locator('main').getByText('Completed').first().waitFor()
    assert.equal(await page.locator('.log-line').count(), 2)
    await page.close()
  })

  it('entry 46: nothing stays open for a page that the browser keeps to go back to', async () => {
    const page = await rig.context.newPage()
    const sockets = openSockets(page)
    await rig.open('/jobs', page)
    await badge(page).getByText('Live', { exact: true }).waitFor()
    await page.evaluate(() => {
      dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
    })
    await until(() => sockets.length === 0)
    await page.evaluate(() => {
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
    })
    await badge(page).getByText('Live', { exact: true }).waitFor()
    await page.close()
  })

  it('entry 46: a page is not called live while requests have no answer', async () => {
    const page = await rig.context.newPage()
    await rig.open('/jobs', page)
    await badge(page).getByText('Live', { exact: true }).waitFor()
    const held = Promise.withResolvers<void>()
    await page.route(/\/jobs\/templates/, async (route) => {
      await held.promise
      await route.continue()
    })
    await page.getByRole('link', { name: 'Templates' }).click()
    await badge(page).getByText('No answer').waitFor()
    held.resolve()
    await badge(page).getByText('Live', { exact: true }).waitFor()
    await page.close()
  })

  it('entry 46: without WebSockets, as behind some proxies, seven pages still answer, and four are live', async () => {
    const context = rig.context
    const pages = await Promise.all(Array.from({ length: 7 }, async () => await context.newPage()))
    await context.addInitScript(() => {
      // A socket that no proxy lets through.
      Object.assign(globalThis, {
        WebSocket: class extends EventTarget {
          readyState = 3
          onclose: (() => void) | null = null
          constructor() {
            super()
            setTimeout(() => this.onclose?.(), 5)
          }
          send(): void {}
          close(): void {}
        },
      })
    })
    await Promise.all(pages.map(async (page) => await rig.open('/jobs', page)))
    const live = async (): Promise<number> => {
      const texts = await Promise.all(pages.map(async (page) => await badge(page).textContent()))
      return texts.filter((text) => text === 'Live').length
    }
    await until(async () => (await live()) === 4)
    await Promise.all(
      pages.map(async (page) => {
        await page.getByRole('link', { name: 'Templates' }).click()
        await page.getByRole('heading', { name: 'No templates yet' }).waitFor()
      }),
    )
    for (const page of pages) await page.close()
  })
})
