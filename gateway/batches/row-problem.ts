import { VolumeError } from '../../node/volumes/index.ts'
import { inputsAsked } from '../../protocol/job-inputs.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import { GatewayError } from '../http/errors.ts'
import { missingOf, resolveProvider } from '../jobs/index.ts'
import type { Row, RowProblem } from './rows.ts'

/** Answers that are remembered: most rows bring the same. */
const MOST_KNOWN = 1_000

/** What {@link createRowProblems} works with. */
export type RowProblemComponents = Parameters<typeof missingOf>[0] & Parameters<typeof resolveProvider>[2]

/** What is wrong with well-formed jobs of an owner: nobody is called so, or what they bring is not there. Null where nothing is. */
export function createRowProblems(
  components: RowProblemComponents,
  owner: string,
): (row: Row) => Promise<RowProblem | null> {
  const known = new Map<string, RowProblem | null>()

  function providerProblem(spec: JobSpec): RowProblem | null {
    try {
      resolveProvider(spec, owner, components)
      return null
    } catch (error) {
      if (error instanceof GatewayError) {
        return { column: error.cause instanceof VolumeError ? 'volumes' : 'provider', reason: error.message }
      }
      throw error
    }
  }

  async function dataProblem(spec: JobSpec): Promise<RowProblem | null> {
    const kept = inputsAsked(spec).filter(({ from }) => from.upload !== undefined || from.job !== undefined)
    if (kept.length === 0 && spec.imageFrom === undefined) return null
    const key = JSON.stringify([kept, spec.imageFrom === undefined ? null : [spec.image, spec.imageFrom]])
    const before = known.get(key)
    if (before !== undefined) return before
    const [first] = await missingOf(components, owner, spec)
    const problem = first === undefined ? null : { column: first.path, reason: first.message }
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(key, problem)
    return problem
  }

  return async ({ spec }) => (spec === null ? null : (providerProblem(spec) ?? (await dataProblem(spec))))
}
