import type { FailureCode, FailureDetails } from '../../protocol/failures.ts'
import { resourcesOf } from '../../protocol/job-spec.ts'
import { describeAmount, RESOURCE_KINDS, type ResourceKind, type Resources, shortages } from '../../protocol/units.ts'
import type { ProviderView } from '../directory/index.ts'
import type { JobRecord } from '../store/index.ts'
import type { RoundResult } from './round.ts'

export interface NearestMiss {
  code: FailureCode
  message: string
  details: FailureDetails
}

/** Why nobody took a job: the provider that came closest, and what it lacked. */
export function nearestMiss(
  job: JobRecord,
  answers: RoundResult | null,
  providers: readonly ProviderView[],
): NearestMiss {
  const up = providers.filter((view) => view.status !== 'offline')
  if (up.length === 0 && (answers === null || answers.declines.length + answers.offers.length === 0)) {
    return {
      code: 'NO_PROVIDER',
      message: 'No provider is known on this network',
      details: { reason: 'no-provider-known', providers: 0 },
    }
  }
  const wanted = resourcesOf(job.spec)
  const possible = up.filter((view) => shortages(wanted, view.total).length === 0)
  if (up.length > 0 && possible.length === 0) return tooLarge(wanted, up)
  const [decline] = answers?.declines ?? []
  if (decline !== undefined) {
    const who = decline.name === '' ? decline.provider : decline.name
    return {
      code: 'NO_PROVIDER',
      message: `No provider took the job; the nearest was ${who}: ${decline.decline.message.slice(0, 256)}`,
      details: { reason: 'declined', provider: decline.provider, declineCode: decline.decline.code.slice(0, 64) },
    }
  }
  return {
    code: 'NO_PROVIDER',
    message: `No provider took the job: ${up.length} known, none bid`,
    details: { reason: 'no-bid', providers: up.length },
  }
}

/** No provider could ever hold it: names the one that lacks least. */
function tooLarge(wanted: Resources, providers: readonly ProviderView[]): NearestMiss {
  const nearest = providers.reduce((best, view) => (miss(wanted, view) < miss(wanted, best) ? view : best))
  const kinds = shortages(wanted, nearest.total)
  const lacks = kinds
    .map((kind) => `${describeAmount(kind, wanted[kind])} asked, ${describeAmount(kind, nearest.total[kind])} there`)
    .join('; ')
  const who = nearest.name === '' ? nearest.provider : nearest.name
  return {
    code: 'RESOURCE_LIMIT_EXCEEDED',
    message: `The job asks for more than any provider has; the nearest is ${who}: ${lacks}`,
    details: { reason: 'more-than-any-provider', provider: nearest.provider, resources: kinds.join(',') },
  }
}

/** The largest shortage as a share of what is asked; 0 where it fits. */
function miss(wanted: Resources, view: ProviderView): number {
  const share = (kind: ResourceKind): number =>
    wanted[kind] === 0 ? 0 : Math.max(0, (wanted[kind] - view.total[kind]) / wanted[kind])
  return Math.max(...RESOURCE_KINDS.map(share))
}
