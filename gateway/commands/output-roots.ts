import { outputRoots, outputsField } from '../../protocol/job-outputs.ts'
import { rootOf } from '../../protocol/output-name.ts'

/** What the entries of an output begin with, by what is said of the job, whoever says it. */
export function rootsOf(outputs: unknown): string[] {
  const read = outputsField.safeParse(outputs)
  return Array.isArray(outputs) && read.success ? outputRoots(read.data) : [rootOf(String(outputs ?? ''))]
}
