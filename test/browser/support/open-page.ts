import type { Page } from 'playwright-core'

/** How long a page may take to show anything, in ms: a busy machine tens of seconds, and loading it again is more work. */
const LOADED_MS = 90_000

/**
 * Opens a page of the dashboard, and again where it, or its script, was broken off because a network came or went; see
 * `assets-from-outside.ts`.
 */
export async function openPage(page: Page, url: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await page.goto(url)
      await page.locator('#root > *').first().waitFor({ state: 'attached', timeout: LOADED_MS })
      return
    } catch (error) {
      if (tries === 5 || !/ERR_NETWORK_CHANGED|Timeout/.test(String(error))) throw error
    }
  }
}
