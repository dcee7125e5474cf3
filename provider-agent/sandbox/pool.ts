/** Keeps sandboxes ready, made while nobody waits for the engine, and gives each away once. */

import { backoffMs } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Sandbox } from '../networks/network-mode.ts'
import { createDemand } from './demand.ts'

/** As many sandboxes ready as are wanted at present. */
export interface Pool {
  /** One that is ready, for one container alone; null where there is none. */
  take(): Sandbox | null
  /** How many are ready. */
  size(): number
  /** Whether the one of this name is ready. */
  has(name: string): boolean
  /** Removes those that nobody took. */
  stop(): Promise<void>
}

/** What {@link createPool} works with. */
export interface PoolComponents {
  clock: Clock
  logger: Logger
  /** Not to be interrupted: what is half made would be left. */
  make: () => Promise<Sandbox>
  remove: (holder: Sandbox) => Promise<void>
  /** Resolves when the holder has ended, or nobody can tell any more whether it has. */
  untilOver: (holder: Sandbox, signal: AbortSignal) => Promise<void>
}

/** What a pool begins with. */
export interface PoolInit {
  /** How many are kept at least. Range 1..64. */
  least: number
  /** Those that are there already. */
  ready: Sandbox[]
}

/** How many times the least are kept at most. */
const MOST = 4
/** How long nobody must have asked before one is made, in ms: about what a job's start takes, which goes first. */
const QUIET_MS = 300
/** How long after its last change the number is looked at again, in ms. */
const LOOK_MS = 60_000
const RETRY = { minMs: 2_000, maxMs: 120_000 }

/** Begins to make more at once, and goes on until {@link Pool.stop}. */
export function createPool(components: PoolComponents, init: PoolInit): Pool {
  const { clock, logger, make, remove, untilOver } = components
  const { least } = init
  const demand = createDemand({ clock }, { least, most: least * MOST })
  const scope = new AbortController()
  const ready: { holder: Sandbox; watch: AbortController }[] = []
  let waiting = new AbortController()
  let askedMs = Number.NEGATIVE_INFINITY

  /** Until it is over, or something has changed. */
  async function pause(ms: number): Promise<void> {
    waiting = new AbortController()
    // Aborted: the loop looks why.
    await clock.sleep(ms, AbortSignal.any([scope.signal, waiting.signal])).catch(() => undefined)
  }

  function add(holder: Sandbox): void {
    const entry = { holder, watch: new AbortController() }
    ready.push(entry)
    void untilOver(holder, entry.watch.signal).then(async () => {
      const at = ready.indexOf(entry)
      if (at < 0) return
      ready.splice(at, 1)
      logger.warn({ holder: holder.name }, 'a sandbox that was ready is gone')
      await removed(holder)
      waiting.abort()
    })
  }

  function take(): Sandbox | null {
    const entry = ready.shift()
    entry?.watch.abort()
    return entry?.holder ?? null
  }

  /** What cannot be removed now is found later by who looks for what nobody has. */
  async function removed(holder: Sandbox): Promise<void> {
    await remove(holder).catch((error) =>
      logger.warn({ holder: holder.name, error: String(error) }, 'a sandbox could not be removed'),
    )
  }

  async function keep(): Promise<void> {
    for (let failures = 0; !scope.signal.aborted; ) {
      const missing = demand.wanted() - ready.length
      const quietMs = askedMs + QUIET_MS - clock.monotonicMs()
      if (missing > 0 && quietMs > 0) await pause(quietMs)
      else if (missing > 0) {
        try {
          add(await make())
          failures = 0
        } catch (error) {
          logger.warn({ error: String(error) }, 'no sandbox could be made')
          await clock.sleep(backoffMs(failures, RETRY), scope.signal).catch(() => undefined) // aborted: the loop ends
          failures += 1
        }
      } else if (missing < 0) {
        const holder = take()
        if (holder !== null) await removed(holder)
      } else await pause(LOOK_MS)
    }
  }

  for (const holder of init.ready) add(holder)
  const keeping = keep()

  return {
    take() {
      askedMs = clock.monotonicMs()
      demand.note()
      waiting.abort()
      return take()
    },
    size: () => ready.length,
    has: (name) => ready.some(({ holder }) => holder.name === name),
    async stop() {
      scope.abort(new Error('The agent stops'))
      await keeping
      const left = ready.splice(0)
      for (const { watch } of left) watch.abort()
      await Promise.all(left.map(async ({ holder }) => await removed(holder)))
    },
  }
}
