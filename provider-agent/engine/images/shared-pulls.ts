import { orAborted } from '../../../node/abort.ts'
import type { PullRequest } from '../index.ts'

/** How far a pull is: layers, and bytes of them. */
export type PullProgress = Parameters<NonNullable<PullRequest['onProgress']>>[0]

/** A pull under way, and who waits for it. */
interface SharedPull {
  done: Promise<void>
  listeners: Set<(progress: PullProgress) => void>
  controller: AbortController
  waiting: number
}

/** One pull of what several want at a time. */
export interface SharedPulls {
  /**
   * Waits for the pull of this key, which begins where none is under way. It ends when nobody waits any more.
   * @param unwanted called where it came about nevertheless
   */
  join(
    key: string,
    begin: (signal: AbortSignal, onProgress: (progress: PullProgress) => void) => Promise<void>,
    unwanted: () => Promise<void>,
    waiter: { onProgress?: PullRequest['onProgress']; signal: AbortSignal | undefined },
  ): Promise<void>
}

/** None is under way at first. One that fails fails for all that wait for it, and the next `join` begins anew. */
export function createSharedPulls(): SharedPulls {
  const pulls = new Map<string, SharedPull>()

  function start(...[key, begin, unwanted]: Parameters<SharedPulls['join']>): SharedPull {
    const controller = new AbortController()
    const listeners: SharedPull['listeners'] = new Set()
    const tell = (progress: PullProgress): void => {
      for (const listener of listeners) listener(progress)
    }
    const pull: SharedPull = {
      done: begin(controller.signal, tell).then(async () => {
        if (pull.waiting === 0) await unwanted()
      }),
      ...{ listeners, controller, waiting: 0 },
    }
    pulls.set(key, pull)
    // Whoever waits hears of a failure through `done`; here it only ends the sharing.
    const forget = () => {
      if (pulls.get(key) === pull) pulls.delete(key)
    }
    pull.done.then(forget, forget)
    return pull
  }

  return {
    async join(key, begin, unwanted, waiter) {
      const pull = pulls.get(key) ?? start(key, begin, unwanted, waiter)
      const { onProgress, signal } = waiter
      pull.waiting += 1
      if (onProgress) pull.listeners.add(onProgress)
      try {
        await orAborted(pull.done, signal)
      } finally {
        if (onProgress) pull.listeners.delete(onProgress)
        pull.waiting -= 1
        if (pull.waiting === 0) {
          pull.controller.abort(new Error('Nobody waits for the image'))
          if (pulls.get(key) === pull) pulls.delete(key)
        }
      }
    },
  }
}
