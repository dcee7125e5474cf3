/**
 * Loaded into a process under attack by `--import`: measures how long the process's thread worked without coming back to
 * the loop, and how much memory it took, the most since it was told to begin anew; answers when it is asked. Time that other
 * processes took from it does not count, so this holds on a busy machine, too.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** The most of each since {@link BEGIN_ANEW}. */
export interface Vitals {
  /** Longest stretch of its own work between two rounds of the loop, in ms. */
  heldMs: number
  /** The stretches of {@link LONG_MS} and more, the first thousand of them. */
  holds: Hold[]
  /** Longest delay of the loop, whatever caused it, in ms. */
  delayMs: number
  /**
   * How much longer than usual a fixed piece of work took meanwhile, as half of many did, by that of {@link YARDSTICKS} which
   * took longest: cores that are shared, throttled or lent by another system take longer for the same work, and where others
   * fill caches and memory's bus, what makes many objects most of all. 1 and more.
   */
  slowness: number
  heapBytes: number
  /** Memory of buffers, which no heap has. */
  bufferBytes: number
}

/** A stretch of its own work: from when until when, as `Date.now` has it. */
export interface Hold {
  heldMs: number
  fromMs: number
  toMs: number
}

/** What it is told; each is answered with the {@link Vitals} until then, after one more measurement. */
export const BEGIN_ANEW = 'begin-anew'
export const TELL = 'tell'

/** The most heap that anybody's inputs may bring a process to take. */
export const MOST_HEAP_BYTES = 600 * 2 ** 20

/** A stretch of work is told of from so long on, in ms. */
export const LONG_MS = 50
const MOST_HOLDS = 1_000

const ROUND_MS = 10
/** How often the yardsticks are tried, in rounds: they take a fiftieth of the process's time at most. */
const YARDSTICK_ROUNDS = 20
/** What each takes on a machine with nothing else to do, in ms: the one on which {@link Vitals.heldMs} was bounded. */
const YARDSTICKS: [work: () => void, usualMs: number][] = [
  [walkMemory, 1],
  [makeObjects, 1.5],
]

const places = new Uint32Array(2 ** 18)
const LIST = `[${'{"a":0,"b":"x"},'.repeat(4_000)}0]`

if (new URL(import.meta.url).searchParams.has('watch')) watch()

/** Measures this process; see {@link measureVitals}. */
export interface Measured {
  /** The most so far, after one more measurement. */
  most(): Promise<Vitals>
  /** From here on. */
  beginAnew(): void
  stop(): void
}

/** Measures from now on; nothing waits for it to be stopped. */
export function measureVitals(): Measured {
  const delay = monitorEventLoopDelay({ resolution: ROUND_MS })
  delay.enable()
  let most = nothing()
  let asked: ((vitals: Vitals) => void)[] = []
  let tried = YARDSTICKS.map((): number[] => [])
  let rounds = 0
  let before = { atMs: performance.now(), workedMs: workedMs() }
  const timer = setInterval(() => {
    const now = { atMs: performance.now(), workedMs: workedMs() }
    const held = Math.min(now.atMs - before.atMs, now.workedMs - before.workedMs)
    rounds += 1
    if (held >= LONG_MS && most.holds.length < MOST_HOLDS) {
      const toMs = Date.now()
      most.holds.push({ heldMs: held, fromMs: toMs - (now.atMs - before.atMs), toMs })
    }
    if (rounds % YARDSTICK_ROUNDS === 0) for (const [i, [work]] of YARDSTICKS.entries()) tried[i]?.push(tookMs(work))
    before = { atMs: performance.now(), workedMs: workedMs() }
    // Not `memoryUsage`, which reads a file of the system's each time.
    const { used_heap_size: heap, external_memory: buffers } = getHeapStatistics()
    most = {
      holds: most.holds,
      heldMs: Math.max(most.heldMs, held),
      delayMs: Math.max(most.delayMs, delay.max / 1e6),
      heapBytes: Math.max(most.heapBytes, heap),
      bufferBytes: Math.max(most.bufferBytes, buffers),
      slowness: slownessOf(tried),
    }
    for (const tell of asked) tell(most)
    asked = []
    timer.unref()
  }, ROUND_MS)
  timer.unref()
  return {
    async most() {
      timer.ref()
      return await new Promise((resolve) => asked.push(resolve))
    },
    beginAnew() {
      most = nothing()
      tried = YARDSTICKS.map(() => [])
      delay.reset()
    },
    stop() {
      clearInterval(timer)
      delay.disable()
    },
  }
}

function watch(): void {
  const { most, beginAnew } = measureVitals()
  process.on('message', (message) => {
    if (message !== BEGIN_ANEW && message !== TELL) return
    void most().then((vitals) => {
      process.send?.(vitals)
      if (message === BEGIN_ANEW) beginAnew()
    })
  })
  process.channel?.unref()
}

function nothing(): Vitals {
  return { heldMs: 0, holds: [], delayMs: 0, heapBytes: 0, bufferBytes: 0, slowness: 1 }
}

/** Reads and writes here and there in a MiB, as programs do. */
function walkMemory(): void {
  let at = 1
  for (let i = 0; i < 240_000; i += 1) {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 14
    places[at] = (places[at] ?? 0) + i
  }
}

/** Reads a list of objects, as of a request. */
function makeObjects(): void {
  JSON.parse(LIST)
}

function tookMs(work: () => void): number {
  const startedMs = performance.now()
  work()
  return performance.now() - startedMs
}

function slownessOf(tried: number[][]): number {
  const ratios = YARDSTICKS.map(([, usualMs], i) => {
    const some = (tried[i] ?? []).toSorted((a, b) => a - b)
    return (some[Math.floor(some.length / 2)] ?? usualMs) / usualMs
  })
  return Math.max(1, ...ratios)
}

/** Of this thread, in ms. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
