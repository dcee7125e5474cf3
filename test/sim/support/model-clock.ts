/**
 * Time of a model: one monotonic time for all, a wall clock for each machine, and timers that end with the process that
 * set them. Nothing moves but when told to.
 */

import type { Clock } from '../../../node/clock.ts'

export interface ModelClock {
  /** ms since the model began. */
  readonly elapsedMs: number
  /** The clock of one process. */
  process(machine: MachineTime): ProcessClock
  /** Moves on, ringing each timer at its own moment; what it wakes runs before the next one rings. */
  advance(ms: number): Promise<void>
}

export interface MachineTime {
  /** How far its wall clock is off, in ms. */
  wallOffsetMs: number
  /** Another with each time its power came back. */
  bootId: string
}

export interface ProcessClock {
  clock: Clock
  /** The process is gone: its timers never ring. */
  drop(): void
}

interface Timer {
  atMs: number
  /** Timers of one moment ring in the order in which they were set. */
  order: number
  ring: (() => void) | null
}

const START_MS = Date.UTC(2026, 0, 1)

export function createModelClock(): ModelClock {
  const heap: Timer[] = []
  let elapsedMs = 0
  let order = 0

  function processClock(machine: MachineTime): ProcessClock {
    const own = new Set<Timer>()
    let alive = true

    function sleep(ms: number, signal?: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        if (!alive) return
        const timer: Timer = { atMs: elapsedMs + Math.max(0, ms), order: order++, ring: null }
        const onAbort = (): void => {
          timer.ring = null
          own.delete(timer)
          reject(signal?.reason)
        }
        timer.ring = () => {
          own.delete(timer)
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        own.add(timer)
        push(heap, timer)
      })
    }

    return {
      clock: {
        nowMs: () => Math.floor(START_MS + elapsedMs + machine.wallOffsetMs),
        monotonicMs: () => elapsedMs,
        sinceBoot: () => ({ bootId: machine.bootId, ms: elapsedMs }),
        sleep,
      },
      drop() {
        alive = false
        for (const timer of own) timer.ring = null
        own.clear()
      },
    }
  }

  return {
    get elapsedMs() {
      return elapsedMs
    },
    process: processClock,
    async advance(ms) {
      const untilMs = elapsedMs + ms
      await quiet()
      for (let next = heap[0]; next !== undefined && next.atMs <= untilMs; next = heap[0]) {
        pop(heap)
        if (next.ring === null) continue
        elapsedMs = next.atMs
        next.ring()
        await quiet()
      }
      elapsedMs = untilMs
    },
  }
}

/**
 * Lets everything run that waits for nothing outside. One turn of the event loop is enough: promises and ticks are all
 * done before it comes, and nothing in the model uses timers, sockets or threads.
 */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length
  heap.push(timer)
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up] as Timer
    if (!before(timer, parent)) break
    heap[at] = parent
    at = up
  }
  heap[at] = timer
}

function pop(heap: Timer[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) child += 1
    if (!before(heap[child] as Timer, last)) break
    heap[at] = heap[child] as Timer
    at = child
  }
  heap[at] = last
}
