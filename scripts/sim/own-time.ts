import { closeSync, openSync, readSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, systemClock } from '../../node/clock.ts'

/**
 * Time as it passes for this process: not while it could run and had no core, because others of the machine had them.
 * What is measured on it is what the market takes, not how busy the machine is. Where the kernel does not tell (only
 * Linux does) it is the system's clock.
 */
export function createOwnTime(): Clock {
  const waitedMs = openWaited()
  if (waitedMs === null) return systemClock
  let latestMs = 0
  const monotonicMs = (): number => {
    latestMs = Math.max(latestMs, performance.now() - waitedMs())
    return latestMs
  }
  return {
    nowMs: systemClock.nowMs,
    monotonicMs,
    async sleep(ms, signal) {
      const untilMs = monotonicMs() + ms
      for (let leftMs = ms; leftMs > 0; leftMs = untilMs - monotonicMs()) await systemClock.sleep(leftMs, signal)
      signal?.throwIfAborted()
      if (ms <= 0) await delay(0)
    },
  }
}

/** How long the main thread has waited for a core, in ms; null where the kernel does not say. */
function openWaited(): (() => number) | null {
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
    process.once('exit', () => closeSync(file))
    const buffer = Buffer.alloc(96)
    // Ns on a core, ns waiting for one, times it got one.
    return () => Number(buffer.toString('latin1', 0, readSync(file, buffer, 0, 96, 0)).split(' ')[1]) / 1e6
  } catch {
    return null
  }
}
