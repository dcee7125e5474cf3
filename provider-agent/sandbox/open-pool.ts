import type Docker from 'dockerode'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Abort } from '../engine/ask-engine.ts'
import type { Sandbox } from '../networks/network-mode.ts'
import { holderLabels, makeHolder } from './holder.ts'
import { ensureSandboxImage } from './image.ts'
import { createPool, type Pool } from './pool.ts'
import { sandboxProblem } from './probe.ts'
import { programsFor } from './program.ts'

/** What sandboxes on an engine depend on. */
export interface SandboxSetting {
  /** As the engine names it. */
  architecture: string
  /** Asked for the programs of jobs; empty is the engine's choice. */
  nameServers: string[]
  /** What jobs run under; null is the engine's own default. */
  runtimes: readonly (string | null)[]
}

/** What {@link openPool} works with. */
export interface OpenPoolComponents {
  docker: Docker
  clock: Clock
  logger: Logger
  remove(sandbox: Sandbox): Promise<void>
}

/** What sandboxes are made for. */
export interface OpenPoolInit {
  /** Peer id of the agent. */
  owner: string
  /** The name of this try, by which the next one tells what it left. */
  run: string
  least: number
  setting: SandboxSetting
  /** What ends one step. */
  abort(): Abort
}

/** A pool, and the runtimes under which jobs can be put into its sandboxes. */
export interface OpenPool extends Pool {
  suits(runtime: string | null): boolean
}

/** A pool with the first sandbox in it; null where no jobs can be put into one here. Rejects where the engine fails. */
export async function openPool(components: OpenPoolComponents, init: OpenPoolInit): Promise<OpenPool | null> {
  const { docker, clock, logger, remove } = components
  const { owner, run, least, abort } = init
  const { architecture, nameServers, runtimes } = init.setting
  const programs = programsFor(architecture)
  if (programs === null) {
    logger.info({ architecture }, 'no sandboxes are kept ready: there is no program for them')
    return null
  }
  const image = await ensureSandboxImage(docker, programs, abort())
  const make = async (): Promise<Sandbox> => await makeHolder(docker, { owner, run, image, nameServers }, abort())
  const first = await make()
  const suitable = new Set<string | null>()
  try {
    // One after the other: all listen at the same place.
    for (const runtime of new Set(runtimes)) {
      const asked = { image, runtime, labels: holderLabels(owner, run) }
      const problem = await sandboxProblem(docker, first, asked, abort()).catch((error) => {
        if (suitable.size === 0) throw error
        return String(error) // one that hangs keeps no other from it
      })
      if (problem === null) suitable.add(runtime)
      else logger.info({ problem, runtime }, 'no sandboxes are kept ready for jobs under this runtime')
    }
  } catch (error) {
    await remove(first)
    throw error
  }
  if (suitable.size === 0) {
    await remove(first)
    logger.info('no sandboxes are kept ready')
    return null
  }
  const untilOver = async ({ id }: Sandbox, signal: AbortSignal): Promise<void> => {
    // Where the engine is away, its containers may be, too.
    await docker
      .getContainer(id)
      .wait({ abortSignal: signal })
      .catch(() => undefined)
  }
  const pool = createPool({ clock, logger, make, remove, untilOver }, { least, ready: [first] })
  return { ...pool, suits: (runtime) => suitable.has(runtime) }
}
