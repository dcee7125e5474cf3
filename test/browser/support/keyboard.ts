/// <reference lib="dom" />
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

/** More stops than any page has. */
const MAX_STOPS = 90

/** What has the focus. */
export interface Focus {
  /** What a screen reader calls it. */
  name: string
  role: string
  /** Whether one sees that it has the focus. */
  isVisible: boolean
  isInDialog: boolean
}

export async function focusOf(page: Page): Promise<Focus> {
  return await page.evaluate(() => {
    const element = document.activeElement ?? document.body
    const labels = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement ? element.labels : null
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const isOutlined = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0
    const name = element.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element.textContent ?? ''
    return {
      name: element === document.body ? '' : name.trim(),
      role: element.getAttribute('role') ?? element.tagName.toLowerCase(),
      // A field shows it by its border.
      isVisible: element.matches(':focus-visible') && (isOutlined || element.matches('input, textarea, select')),
      isInDialog: element.closest('[role=dialog]') !== null,
    }
  })
}

/** Presses Tab until something of this name has the focus; whatever has it on the way has to show it. */
export async function tabTo(page: Page, name: string | RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const seen: string[] = []
  for (let i = 0; i < MAX_STOPS; i += 1) {
    await page.keyboard.press(key)
    const focus = await focusOf(page)
    if (focus.role === 'body') continue // around the end of the page
    assert.ok(focus.isVisible, `one does not see that ${focus.role} “${focus.name}” has the focus`)
    if (typeof name === 'string' ? focus.name === name : name.test(focus.name)) return
    seen.push(`${focus.role} “${focus.name.slice(0, 40)}”`)
  }
  assert.fail(`Tab does not lead to ${name}, but to ${seen.join(', ')}`)
}
