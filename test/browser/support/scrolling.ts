/// <reference lib="dom" />
import type { Page } from 'playwright-core'

/** What the page was busy with, in ms. */
export interface Smoothness {
  /** The longest task; 0 where none took 50 ms. */
  longestTaskMs: number
  /** Between two frames, in order of time. */
  framesMs: number[]
}

/** Watches the page while something is done with it. */
export async function watch(page: Page, act: () => Promise<void>): Promise<Smoothness> {
  await page.evaluate(() => {
    const seen = { longestTaskMs: 0, framesMs: [] as number[], isOver: false }
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.longestTaskMs = Math.max(seen.longestTaskMs, duration)
    })
    observer.observe({ type: 'longtask' })
    let lastMs = performance.now()
    const frame = (nowMs: number): void => {
      seen.framesMs.push(nowMs - lastMs)
      lastMs = nowMs
      if (!seen.isOver) requestAnimationFrame(frame)
      else observer.disconnect()
    }
    requestAnimationFrame(frame)
    Object.assign(globalThis, { watched: seen })
  })
  await act()
  return await page.evaluate(() => {
    const { watched } = globalThis as unknown as { watched: Smoothness & { isOver: boolean } }
    watched.isOver = true
    return { longestTaskMs: watched.longestTaskMs, framesMs: watched.framesMs.slice(1) }
  })
}

/** Turns the wheel over an element, and then drags its bar to places all over it. */
export async function scrollAll(page: Page, selector: string, turns: number): Promise<void> {
  await page.locator(selector).hover()
  for (let i = 0; i < turns; i += 1) {
    await page.mouse.wheel(0, i % 3 === 2 ? -400 : 700)
    await nextFrame(page)
  }
  for (let i = 0; i < turns; i += 1) {
    await page.locator(selector).evaluate(
      (element, part) => {
        element.scrollTop = element.scrollHeight * part
      },
      (i * 0.618) % 1,
    )
    await nextFrame(page)
  }
}

/** Resolves when what was changed is drawn. */
export async function nextFrame(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)))
}
