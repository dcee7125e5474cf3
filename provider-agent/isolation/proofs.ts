/**
 * What is sold was tried: one container under each runtime, whenever the engine comes and after a start that failed. A class
 * whose runtime runs none is not sold until it does, and without the default nothing is. See
 * docs/decisions/0075-walls-that-are-proved.md.
 */

import { backoffMs } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import type { ContainerEngine } from '../engine/index.ts'
import type { Wall } from './walls.ts'

/** A class, and why it is not sold, for its owner; null where it is. */
export interface ProvedWall extends Wall {
  problem: string | null
}

/** Which classes are sold at the moment. */
export interface Proofs {
  /** The engine is there, for the first time or again: tries all. Resolves when each was tried; what failed is tried again. */
  renew(): Promise<void>
  /** A job's container was not started, and not for anything that the job asked: its class is tried again. @param isolation undefined is the default */
  doubt(isolation: string | undefined): void
  /** Those that were proved, the default first; none without that. */
  sold(): Wall[]
  /** All, in their order. */
  list(): ProvedWall[]
  /** Why nothing is sold, for everybody; null where the default was proved. */
  problem(): string | null
  /** Calls back when one of them came or went. */
  onChange(callback: () => void): void
  stop(): Promise<void>
}

/** What {@link createProofs} works with. */
export interface ProofsComponents {
  engine: Pick<ContainerEngine, 'prove'>
  clock: Clock
  logger: Logger
}

/** How long one proof may take, in ms: engines that have just started, on machines that are busy, take long. */
const PROOF_MS = 30_000
/** Pauses between proofs that fail, in ms. */
const AGAIN = { minMs: 5_000, maxMs: 600_000 }
/** How long a proof is not doubted, in ms: what a job asks for may bring failures about, which must not keep others away. */
const TRUSTED_MS = 10_000

interface State {
  wall: Wall
  problem: string | null
  provedAtMs: number
  failures: number
  /** Rises with each try: what a newer one overtook says nothing any more. */
  turn: number
}

/** Nothing is sold before {@link Proofs.renew}. @param walls the default first */
export function createProofs(components: ProofsComponents, { walls }: { walls: readonly Wall[] }): Proofs {
  const { engine, clock, logger } = components
  const scope = new AbortController()
  const callbacks = new Set<() => void>()
  const tries = new Set<Promise<void>>()
  const states = walls.map(
    (wall): State => ({ wall, problem: 'was not tried yet', provedAtMs: 0, failures: 0, turn: 0 }),
  )

  function set(state: State, problem: string | null): void {
    if (state.problem === problem) return
    state.problem = problem
    for (const callback of callbacks) callback()
  }

  async function attempt(state: State): Promise<void> {
    const turn = ++state.turn
    const { isolation, runtime } = state.wall
    const limit = deadline(clock, PROOF_MS, scope.signal)
    const found = await engine.prove(isolation, { signal: limit.signal }).then(
      () => null,
      (error: Error) => error.message,
    )
    limit.clear()
    if (scope.signal.aborted || turn !== state.turn) return
    if (found === null) {
      if (state.failures > 0) logger.info({ isolation, runtime }, 'its runtime runs containers again')
      Object.assign(state, { failures: 0, provedAtMs: clock.monotonicMs() })
    } else {
      logger.warn(
        { isolation, runtime, problem: found },
        'is not sold: its runtime did not run a container as it should',
      )
      keep(again(state, turn))
      state.failures += 1
    }
    set(state, found)
  }

  async function again(state: State, turn: number): Promise<void> {
    await clock.sleep(backoffMs(state.failures, AGAIN), scope.signal).catch(() => undefined) // aborted: nothing is tried
    if (!scope.signal.aborted && turn === state.turn) await attempt(state)
  }

  /** Whoever stops waits for it. */
  function keep(work: Promise<void>): void {
    tries.add(work)
    void work.finally(() => tries.delete(work))
  }

  function begin(state: State, why: string): Promise<void> {
    set(state, why)
    const work = attempt(state)
    keep(work)
    return work
  }

  return {
    async renew() {
      await Promise.all(states.map(async (state) => await begin(state, 'is being tried')))
    },
    doubt(isolation) {
      const state = isolation === undefined ? states[0] : states.find(({ wall }) => wall.isolation === isolation)
      if (state === undefined || state.problem !== null || scope.signal.aborted) return
      if (clock.monotonicMs() - state.provedAtMs < TRUSTED_MS) return
      void begin(state, 'is being tried again, since a container of a job was not started')
    },
    sold: () =>
      states[0]?.problem === null ? states.filter(({ problem }) => problem === null).map(({ wall }) => wall) : [],
    list: () => states.map(({ wall, problem }) => ({ ...wall, problem })),
    problem: () => (states[0]?.problem === null ? null : 'has not seen its engine run a container as it should'),
    onChange: (callback) => void callbacks.add(callback),
    async stop() {
      scope.abort(new Error('The agent stops'))
      await Promise.all(tries)
    },
  }
}
