/**
 * Loaded with `--import` in front of the program, or with it in a bundle: puts a stand-in before its network and before its
 * container engine, so that a test can end the process at an exact point of its work, as `kill -9` would, or hold it up
 * there. The program itself knows nothing of it.
 */

import { registerHooks } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { STAND_INS } from './stand-ins.ts'

/** What a test tells a process. */
export interface Fault {
  /** e.g. `award:send`; see the stand-ins for their names. */
  point: string
  /** Times that the point is passed first. @default 0 */
  after?: number
  /** `kill`: ends the process there. `hold`: makes it wait there. @default "kill" */
  action?: 'kill' | 'hold'
  /** For `kill`, how much later; for `hold`, how long. In ms. @default 0 */
  ms?: number
  /** How often it happens. @default always */
  times?: number
}

const armed: Fault[] = []

/** The process comes by a point. */
export async function pass(point: string): Promise<void> {
  for (const fault of armed.filter((fault) => fault.point === point)) {
    if ((fault.after ?? 0) > 0) {
      fault.after = (fault.after ?? 0) - 1
      continue
    }
    if (fault.times !== undefined) {
      if (fault.times === 0) continue
      fault.times -= 1
    }
    if (fault.action === 'hold') {
      await delay(fault.ms ?? 0)
      continue
    }
    if ((fault.ms ?? 0) === 0) process.kill(process.pid, 'SIGKILL')
    else setTimeout(() => process.kill(process.pid, 'SIGKILL'), fault.ms)
  }
}

/** How the program's own file is called: its source, or a bundle with the stand-ins in it. */
const PROGRAMS = /\/(?:bin\/cortex\.ts|faulty-cortex\.js)$/

// Only where it is loaded into the program; tests import the types and nothing happens.
if (process.send !== undefined && PROGRAMS.test(process.argv[1] ?? '')) {
  process.on('message', (fault: Fault) => void armed.push({ ...fault }))
  // The channel alone keeps no process alive.
  process.channel?.unref()
  const standIns = new Map([...STAND_INS].map(([path, own]) => [pathToFileURL(path).href, pathToFileURL(own).href]))
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      const standIn = standIns.get(found.url)
      return standIn === undefined || context.parentURL === standIn ? found : { ...found, url: standIn }
    },
  })
}
