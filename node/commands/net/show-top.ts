import { setTimeout as delay } from 'node:timers/promises'
import type { TopOptions } from '../net.ts'
import { printJson } from '../output.ts'
import { untilSignal } from '../until-signal.ts'
import { type NetSample, topText, topView } from './top-view.ts'

/** Clears the terminal and goes to its first column. */
const CLEAR = '\x1b[H\x1b[2J\x1b[3J'

/**
 * Looks again and again until a signal comes: on a terminal in place, elsewhere one block after the other; or once, after
 * one span, because a rate needs two looks.
 */
export async function showTop(look: () => Promise<NetSample>, options: TopOptions): Promise<void> {
  const { stdout } = process
  const isOnce = options.once === true || options.json === true
  const over = new AbortController()
  if (!isOnce) void untilSignal().then(() => over.abort())
  let before = await look()
  while (!over.signal.aborted) {
    await delay(options.every * 1000, undefined, { signal: over.signal }).catch(() => undefined)
    if (over.signal.aborted) return
    const now = await look()
    const view = topView(before, now)
    before = now
    if (options.json === true) printJson(view)
    else stdout.write(`${stdout.isTTY && !isOnce ? CLEAR : ''}${topText(view)}\n${stdout.isTTY || isOnce ? '' : '\n'}`)
    if (isOnce) return
  }
}
