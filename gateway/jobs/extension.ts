import type { z } from 'zod'
import type { Directory } from '../../node/directory/index.ts'
import { type JobRecord, JobStateError } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { mostCost } from '../../node/views/cost.ts'
import { termsOfJob } from '../../node/views/job-view.ts'
import { isoTimeOrNull } from '../../node/views/time.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { usdNumber } from '../../protocol/money.ts'
import type { extensionSchema } from '../contract/extension.ts'

/**
 * What more time would mean for a job: on the terms that its provider has accepted, or while it has none on the cheapest that
 * are announced. Nobody is asked.
 * @throws {JobStateError} where it has ended
 */
export function extensionView(
  job: JobRecord,
  additional: number,
  directory: Pick<Directory, 'get' | 'list'>,
): z.input<typeof extensionSchema> {
  const { state } = job
  if (isTerminal(state.status)) throw new JobStateError(state.status, ['pending', 'scheduled', 'running'])
  const terms = termsOfJob(job, directory)
  const duration = job.durationSeconds + additional
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
