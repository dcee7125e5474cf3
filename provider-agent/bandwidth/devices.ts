/** The kernel's side of what holds jobs to a bandwidth: one agent's devices, by `ip` and `tc`. */

import { runProgram } from '../system-program.ts'
import { type Bridge, deviceName, readLinks, readQueues, type Seen, WAYS } from './shaping.ts'

/** One agent's devices and bridges. Everything rejects with `ProgramError`. */
export interface Devices {
  /** What is there, and which of the two devices there are, whether or not they share out. */
  look(): Promise<Omit<Seen, 'atPorts'> & { made: string[] }>
  /** Those bridges alone. */
  bridges(): Promise<Bridge[]>
  /** Does what the lines say, for `tc -batch`; with `force` also what comes after one that fails. */
  apply(lines: string[], how?: { force: boolean }): Promise<void>
  /** Makes both anew. */
  make(): Promise<void>
  remove(): Promise<void>
}

/** @param owner peer id of the agent */
export function createDevices(owner: string): Devices {
  const links = async () => readLinks(await runProgram('ip', ['-j', 'addr', 'show']), owner)

  async function remove(): Promise<void> {
    for (const name of (await links()).devices) await runProgram('ip', ['link', 'del', name])
  }

  return {
    async look() {
      const [{ bridges, devices: made }, queues] = await Promise.all([links(), runProgram('tc', ['qdisc', 'show'])])
      return { bridges, made, ...readQueues(queues, owner) }
    },
    bridges: async () => (await links()).bridges,
    async apply(lines, { force } = { force: false }) {
      if (lines.length === 0) return
      await runProgram('tc', [...(force ? ['-force'] : []), '-batch', '-'], `${lines.join('\n')}\n`)
    },
    async make() {
      await remove()
      for (const way of WAYS) {
        const name = deviceName(owner, way)
        await runProgram('ip', ['link', 'add', name, 'type', 'ifb'])
        await runProgram('ip', ['link', 'set', name, 'up'])
      }
    },
    remove,
  }
}
