import { statfs } from 'node:fs/promises'
import { describeAmount } from '../../protocol/units.ts'

/** Where a peer's own data has less room, in bytes, it takes no more jobs. */
export const MIN_FREE_BYTES = 64 * 2 ** 20

/** Why nothing can be written to the disk under `folder`, for people; null while there is room. */
export async function diskProblem(folder: string, minFreeBytes: number): Promise<string | null> {
  try {
    const { bavail, bsize } = await statfs(folder)
    const free = bavail * bsize
    return free >= minFreeBytes ? null : `has only ${describeAmount('storageBytes', free)} left for its own data`
  } catch (error) {
    return `cannot look at its data folder: ${error instanceof Error ? error.message : String(error)}`
  }
}
