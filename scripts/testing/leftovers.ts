import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export interface ProcessMark {
  /** Put these into the environment of a process; all that it starts inherit them. */
  env: Record<string, string>
  /** Kills every process that carries the mark and is still there a second later; answers their command lines. */
  endAll(): Promise<string[]>
}

/**
 * Finds what a process left running, whatever session or parent it moved to. Only where there is a `/proc`; elsewhere
 * nothing is found.
 */
export function createProcessMark(): ProcessMark {
  // A name of its own: marks add up where a test runs tests.
  const variable = `CORTEX_TEST_MARK_${crypto.randomUUID().replaceAll('-', '')}`
  const find = () => processesWith(`${variable}=1`)
  return {
    env: { [variable]: '1' },
    async endAll() {
      // A process that was told to end a moment ago may take one.
      await untilEmpty(find)
      const left = find()
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It ended by itself in between.
        }
      }
      await untilEmpty(find)
      return left.map((process) => process.command)
    },
  }
}

/** At most a second. */
async function untilEmpty(find: () => unknown[]): Promise<void> {
  for (let tries = 0; tries < 20 && find().length > 0; tries++) await delay(50)
}

function processesWith(assignment: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = []
  for (const name of readFolder('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(assignment)) continue
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      found.push({ pid: Number(name), command })
    } catch {
      // Ended in between, or somebody else's.
    }
  }
  return found
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return [] // no /proc here
  }
}
