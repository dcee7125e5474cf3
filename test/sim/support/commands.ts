import fc from 'fast-check'
import { onStage, type Play, type Stage } from './play.ts'
import { anyMachines, anyOpening, anyScene, type Step } from './steps.ts'
import type { World } from './world.ts'

/** A scene as a command of fast-check; what of it is possible is seen when its turn comes. */
class SceneCommand implements fc.AsyncCommand<World, Stage> {
  readonly steps: Step[]

  constructor(steps: Step[]) {
    this.steps = steps
  }

  check(world: Readonly<World>): boolean {
    return this.steps.some((step) => world.isPossible(step))
  }

  async run(_world: World, stage: Stage): Promise<void> {
    for (const step of this.steps) await stage.perform(step)
  }

  toString(): string {
    return this.steps.map((step) => JSON.stringify(step)).join(' ')
  }
}

/** Scenes of a run, beside its opening. */
const MAX_SCENES = 9

interface AnyRun {
  seed: number
  machines: number
  opening: Step[]
  scenes: Iterable<SceneCommand>
}

const anyRun: fc.Arbitrary<AnyRun> = fc.record({
  // Other numbers are no simpler.
  seed: fc.noShrink(fc.nat()),
  machines: anyMachines,
  opening: anyOpening,
  scenes: fc.commands([anyScene.map((steps) => new SceneCommand(steps))], { maxCommands: MAX_SCENES, size: 'max' }),
}) as unknown as fc.Arbitrary<AnyRun>

/**
 * Runs of the model that must all end well.
 * @param onPlay is given each run before it is judged; its steps grow as it goes on
 * @param onFailure is told what did not hold in the run that was given last
 */
export function everyRunEndsWell(
  onPlay: (play: Play) => void,
  onFailure: (why: string) => void = () => undefined,
): fc.IAsyncProperty<[AnyRun]> {
  return fc.asyncProperty(anyRun, async ({ seed, machines, opening, scenes }) => {
    try {
      await onStage({ seed, machines }, async (stage) => {
        onPlay({ seed, machines, steps: stage.played })
        for (const step of opening) await stage.perform(step)
        await fc.asyncModelRun(
          () => ({ model: stage.world, real: stage }),
          scenes as Iterable<fc.AsyncCommand<World, Stage>>,
        )
      })
    } catch (error) {
      onFailure(error instanceof Error ? error.message : String(error))
      throw error
    }
  })
}
