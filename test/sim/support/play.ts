import { checkAftermath } from './aftermath.ts'
import { createInvariants, type Invariants } from './invariants.ts'
import { seedRandom, useCheapSignatures } from './reproducible.ts'
import type { Step } from './steps.ts'
import { createWorld, type World } from './world.ts'

/** A run as plain data: everything that happens in it follows from this. */
export interface Play {
  seed: number
  machines: number
  steps: Step[]
}

/** A run on its way: steps that were possible, each with what must hold after it. */
export interface Stage {
  readonly world: World
  readonly invariants: Invariants
  readonly played: Step[]
  /** @throws {Error} with everything that does not hold after it */
  perform(step: Step): Promise<void>
}

/**
 * Sets the stage, lets `act` play on it, and checks the aftermath.
 * @param note is told of everything that happens, a line each
 * @throws {Error} with everything that does not hold
 */
export async function onStage(
  init: Omit<Play, 'steps'> & { note?: (text: string) => void },
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  await useCheapSignatures()
  const restore = seedRandom(init.seed)
  const { stackTraceLimit } = Error
  // Stacks are a good part of a run's cost, and nobody reads them where nobody listens.
  if (init.note === undefined) Error.stackTraceLimit = 0
  try {
    const world = await createWorld(init)
    const invariants = createInvariants(world)
    const played: Step[] = []
    await act({
      world,
      invariants,
      played,
      async perform(step) {
        if (!world.isPossible(step)) return
        played.push(step)
        await world.perform(step)
        await invariants.check()
      },
    })
    await checkAftermath(world)
    await invariants.check()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    restore()
  }
}

/** Plays a run that was written down. @throws {Error} with everything that does not hold */
export async function play({ steps, ...init }: Play, note?: (text: string) => void): Promise<void> {
  await onStage(note === undefined ? init : { ...init, note }, async (stage) => {
    for (const step of steps) await stage.perform(step)
  })
}
