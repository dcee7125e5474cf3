import { type Clock, systemClock } from './clock.ts'
import type { Logger } from './logger.ts'

/** Pause before a task that broke begins anew, in ms. */
const PAUSE_MS = 2_000

/**
 * Runs a task until it is stopped. What it throws is logged, and it begins anew after a while: a disk that was full for
 * a moment must not end it for good, and nothing else may end because of it.
 * @returns the way to stop; resolves when the task has returned
 */
function inBackground(
  { logger, clock = systemClock }: { logger: Logger; clock?: Clock },
  name: string,
  task: (signal: AbortSignal) => Promise<void>,
): () => Promise<void> {
  const abort = new AbortController()
  const { signal } = abort

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await task(signal)
        return
      } catch (error) {
        if (signal.aborted) return
        logger.error({ err: error, task: name }, 'background task broke, and begins anew')
        // Aborted: it is not wanted any more.
        await clock.sleep(PAUSE_MS, signal).catch(() => undefined)
      }
    }
  }

  const running = run()
  return async () => {
    abort.abort()
    await running
  }
}

/** Tasks that begin and end together. */
export interface Background {
  /** Begins one; see {@link inBackground}. */
  run(name: string, task: (signal: AbortSignal) => Promise<void>): void
  /** Ends them all; resolves when they have returned. */
  stop(): Promise<void>
}

/** For a part that has several loops: it stops them all where it stops itself. The clock is the system's by default. */
export function createBackground(components: { logger: Logger; clock?: Clock }): Background {
  const stops: (() => Promise<void>)[] = []
  return {
    run: (name, task) => void stops.push(inBackground(components, name, task)),
    async stop() {
      await Promise.all(stops.splice(0).map(async (stop) => await stop()))
    },
  }
}
