import { setTimeout as delay } from 'node:timers/promises'
import type { Directory } from '../directory/index.ts'

/** How long a short-lived node listens for providers it has not heard of, in ms. */
const LISTEN_MS = 2_000
/** Once somebody was heard, how long nobody new must come before the list is taken for whole, in ms. */
const QUIET_MS = 400

/**
 * Waits until somebody was heard and nobody new comes any more, or long enough.
 * @param isEnough whether what is known by then will do; else the whole time is waited
 */
export async function providersHeard(directory: Directory, isEnough: () => boolean = () => true): Promise<void> {
  const end = performance.now() + LISTEN_MS
  let newest = performance.now()
  const stop = directory.onChange(() => {
    newest = performance.now()
  })
  while (performance.now() < end) {
    await delay(50)
    if (directory.list().length > 0 && performance.now() - newest > QUIET_MS && isEnough()) break
  }
  stop()
}
