import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { yieldCores } from '../../scripts/testing/yield-cores.ts'
import type { Harm, HostileKind, HostileTask } from './hostile-program.ts'

const PROGRAM = join(import.meta.dirname, 'hostile-program.ts')

export interface HostilePeers {
  /** Ends them, and answers what they got done together. */
  stop(): Promise<Harm>
}

/**
 * Starts one process for each list of kinds, which attacks when this resolves. They get only what the others leave of the
 * cores: on a market of several machines their own work would be nobody else's.
 */
export async function startHostilePeers(
  market: Omit<HostileTask, 'kinds'>,
  peers: HostileKind[][],
): Promise<HostilePeers> {
  const children = peers.map((kinds) => start({ ...market, kinds }))
  try {
    await Promise.all(children.map(async (child) => await heardFrom(child)))
  } catch (error) {
    for (const child of children) child.kill('SIGKILL')
    throw error
  }
  return {
    async stop() {
      const harms = await Promise.all(
        children.map(async (child) => {
          const [exit, answer] = [once(child, 'exit'), heardFrom(child)]
          child.send('stop')
          const harm = (await answer) as Harm
          await exit
          return harm
        }),
      )
      return harms.reduce(addHarm)
    },
  }
}

export function addHarm(a: Harm, b: Harm): Harm {
  return Object.fromEntries(Object.entries(a).map(([kind, count]) => [kind, count + b[kind as keyof Harm]])) as Harm
}

function start(task: HostileTask): ChildProcess {
  // A session of its own, or the priority would be that of all that started it.
  const child = fork(PROGRAM, [JSON.stringify(task)], { detached: true, execArgv: [] })
  if (child.pid !== undefined) yieldCores(child.pid)
  return child
}

/** Its next message. */
async function heardFrom(child: ChildProcess): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`A hostile peer ended by itself: ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message)
    })
  })
}
