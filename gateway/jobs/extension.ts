import type { z } from 'zod'
import type { Directory } from '../../node/directory/index.ts'
import { type JobRecord, JobStateError } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { mostCost } from '../../node/views/cost.ts'
import { termsOfJob } from '../../node/views/job-view.ts'
import { isoTimeOrNull } from '../../node/views/time.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { MAX_DURATION_SECONDS } from '../../protocol/limits.ts'
import { usdNumber } from '../../protocol/money.ts'
import type { extensionSchema } from '../contract/extension.ts'
import { GatewayError } from '../http/errors.ts'

/**
 * What more time would mean for a job: on the terms that its provider has accepted, or while it has none on the cheapest that
 * are announced. Nobody is asked.
 * @throws {JobStateError} where it has ended @throws {GatewayError} VALIDATION_ERROR where no job may run for so long
 */
export function extensionView(
  job: JobRecord,
  additional: number,
  directory: Pick<Directory, 'get' | 'list'>,
): z.input<typeof extensionSchema> {
  const { state } = job
  if (isTerminal(state.status)) throw new JobStateError(state.status, ['pending', 'scheduled', 'running'])
  const duration = job.durationSeconds + additional
  if (duration > MAX_DURATION_SECONDS) throw tooLong(job.durationSeconds)
  const terms = termsOfJob(job, directory)
  const projected = mostCost({ ...job, durationSeconds: duration }, terms)
  const provider = leaseOf(job)?.provider
  const capabilities = provider === undefined ? undefined : directory.get(provider)?.capabilities
  return {
    additional,
    duration,
    endsAt: isoTimeOrNull(
      'startedAtMs' in state && state.startedAtMs !== null ? state.startedAtMs + 1_000 * duration : null,
    ),
    cost: usdNumber(projected - mostCost(job, terms)),
    projected: usdNumber(projected),
    currency: 'USD',
    extends: capabilities?.includes('extend') ?? null,
  }
}

function tooLong(durationSeconds: number): GatewayError {
  const message = `must be at most ${MAX_DURATION_SECONDS - durationSeconds}: a job runs for ${MAX_DURATION_SECONDS} s in all at most, and this one may for ${durationSeconds} s`
  const details = { fields: [{ path: 'additional', message }], in: 'body' }
  return new GatewayError('VALIDATION_ERROR', `additional ${message}`, { details })
}
