import { setTimeout as delay } from 'node:timers/promises'
import type { TopOptions } from '../commands/net.ts'
import { print, printJson, repaint } from '../commands/print.ts'
import { onStop } from '../commands/stopping.ts'
import { type NetSample, topLines, topView } from './top-view.ts'

/** Whether it ends after one look. */
export function isOneLook({ once, json }: Pick<TopOptions, 'once' | 'json'>): boolean {
  return once === true || json === true
}

/**
 * Looks again and again until a signal comes: on a terminal in place, elsewhere one block after the other; or once, after
 * one span, because a rate needs two looks.
 */
export async function showTop(look: () => Promise<NetSample>, options: TopOptions): Promise<void> {
  const isOnce = isOneLook(options)
  const over = new AbortController()
  if (!isOnce) onStop(() => over.abort())
  let before = await look()
  while (!over.signal.aborted) {
    await delay(options.every * 1000, undefined, { signal: over.signal }).catch(() => undefined)
    if (over.signal.aborted) return
    const now = await look()
    const view = topView(before, now)
    before = now
    if (options.json === true) printJson(view)
    else if (isOnce) print(...topLines(view))
    else repaint(topLines(view))
    if (isOnce) return
  }
}
