import { writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

/**
 * Leaves a process only what others do not want of the cores. Linux shares these out among sessions first, by a priority
 * of their own, and then among a session's processes: it is to have been started `detached`, in a session of its own.
 */
export function yieldCores(pid: number): void {
  const lowest = constants.priority.PRIORITY_LOW
  try {
    setPriority(pid, lowest)
    writeFileSync(`/proc/${pid}/autogroup`, `${lowest}`)
  } catch {
    // Ended already, or a system without them.
  }
}
