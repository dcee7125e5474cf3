import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Nice: a tenth of what any other has. With less nothing comes of it where the cores are full all the time. */
const NICE = 10

/**
 * Leaves a process little more than what others do not want of the cores. Linux shares these out among sessions first, by
 * a priority of their own, and then among a session's processes: it is to have been started `detached`, in a session of its
 * own.
 */
export function yieldCores(pid: number): void {
  try {
    setPriority(pid, NICE)
    writeFileSync(`/proc/${pid}/autogroup`, `${NICE}`)
  } catch {
    // Ended already, or a system without them.
  }
}
