import { MARKET_FAILED } from './cli-error.ts'
import { isOutputLost } from './stopping.ts'

/**
 * What a command exits with that prints a job's output or tells its end: where something of that is missing it says so,
 * and 0 becomes 125, for nobody is to go on with less than all of it.
 *
 * @param code of the job
 * @param problems what is missing, for people; null and undefined where nothing is
 */
export function exitCodeOf(
  code: number,
  problems: readonly (string | null | undefined)[],
  tell: (problem: string) => void,
): number {
  const missing = problems.filter((problem) => typeof problem === 'string')
  for (const problem of missing) tell(problem)
  // What could not be written has been said already.
  return code === 0 && (missing.length > 0 || isOutputLost()) ? MARKET_FAILED : code
}
