import type { JobSpec } from '../../protocol/job-spec.ts'
import type { JobSubmission } from '../client/index.ts'
import { ToolError } from './tool-error.ts'

/**
 * Under a budget a job costs its price for its duration at most: what may make it cost more is refused, by the field that
 * asks for it.
 * @param job as it was sent @param spec the same with its defaults
 * @throws {ToolError} VALIDATION_ERROR
 */
export function assertBounded(job: JobSubmission, spec: JobSpec): void {
  const fields = problemsOf(job, spec)
  if (fields.length === 0) return
  const named = fields.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new ToolError('VALIDATION_ERROR', named, { fields, remedy: 'Leave these fields out, and call again.' })
}

function problemsOf(job: JobSubmission, spec: JobSpec): { path: string; message: string }[] {
  const under = 'must not be given under a budget:'
  return [
    ...(spec.autoExtend
      ? [{ path: 'autoExtend', message: `${under} the job would cost more than its duration. Give a longer duration` }]
      : []),
    ...(spec.retryOnFailure
      ? [{ path: 'retryOnFailure', message: `${under} each attempt is paid for. Look why it failed, and run it again` }]
      : []),
    ...(job.maxAttempts !== undefined && spec.maxAttempts > 1
      ? [{ path: 'maxAttempts', message: 'must be 1 under a budget: each attempt is paid for. Run it again' }]
      : []),
    ...spec.volumes.flatMap(({ keep, volume }, at) =>
      keep === undefined && volume === undefined
        ? []
        : [
            {
              path: `volumes[${at}].${keep === undefined ? 'volume' : 'keep'}`,
              message: `${under} what stays is paid for when the job has ended. Give outputs for what is to be kept`,
            },
          ],
    ),
  ]
}
