import { type Failure, type FailureCode, type FailureDetails, failure } from '../../../protocol/failures.ts'
import { describeGpu, gpuLacks, suitableKinds } from '../../../protocol/gpus.ts'
import { isolationFor } from '../../../protocol/isolation.ts'
import { gpuRequirementsOf } from '../../../protocol/job-gpus.ts'
import { minimumsOf, mostOf, resourcesOf } from '../../../protocol/job-spec.ts'
import { requirementsOf } from '../../../protocol/job-wire.ts'
import { asksForSpeed, describeFigure, lacking, MINIMUM_FIELDS } from '../../../protocol/measured.ts'
import { platformsAsked, runsAs } from '../../../protocol/platforms.ts'
import { quotedPerHour } from '../../../protocol/quote.ts'
import { shownName } from '../../../protocol/text.ts'
import {
  describeAmount,
  RESOURCE_KINDS,
  type ResourceKind,
  type Resources,
  shortages,
} from '../../../protocol/units.ts'
import { isResolved } from '../../directory/find-provider.ts'
import type { Directory, ProviderView } from '../../directory/index.ts'
import type { JobRecord } from '../../store/index.ts'
import type { RoundResult } from '../placement/round.ts'
import type { NamedDecline } from './answer.ts'
import { type ClocksOff, findsClockOff } from './clocks-off.ts'

/** What of a job it depends on. */
type Wanted = Pick<JobRecord, 'spec' | 'image'>

/** What the job's failure is made of; `details.reason` chooses its row of the table in `failures.ts`. */
export interface NearestMiss {
  code: FailureCode
  message: string
  details: FailureDetails
}

/**
 * Why nobody took a job: the provider that came closest, and what it lacked.
 * @param answers of the last time that everybody was asked
 * @param clocksOff what those said last that find a clock off
 */
export function nearestMiss(
  job: Wanted,
  answers: Pick<RoundResult, 'offers' | 'declines'>,
  providers: readonly ProviderView[],
  clocksOff: NamedDecline[] = [],
): NearestMiss {
  const { provider } = job.spec
  if (!isResolved(provider)) {
    return {
      code: 'NO_PROVIDER',
      message: `There is no provider ${provider}`,
      details: { reason: 'provider-unknown' },
    }
  }
  const away = volumeAway(job, answers, providers)
  if (away !== null) return away
  const up = providers.filter((view) => view.status !== 'offline')
  const off = declineByClock(answers, clocksOff)
  if (up.length === 0 && answers.declines.length + answers.offers.length === 0 && off === undefined) {
    return {
      code: 'NO_PROVIDER',
      message: 'No provider is known on this network',
      details: { reason: 'no-provider-known', providers: 0 },
    }
  }
  const wanted = resourcesOf(job.spec)
  const possible = up.filter((view) => shortages(wanted, view.total).length === 0)
  if (up.length > 0 && possible.length === 0) return tooLarge(wanted, up)
  const otherGpus = lacksGpus(job, possible)
  if (otherGpus !== null) return otherGpus
  const otherPlatforms = lacksPlatform(job, possible)
  if (otherPlatforms !== null) return otherPlatforms
  const otherWalls = lacksIsolation(job, possible)
  if (otherWalls !== null) return otherWalls
  const tooSlow = lacksSpeed(job, possible)
  if (tooSlow !== null) return tooSlow
  const decline = off ?? nearestDecline(job, answers.declines, possible)
  if (decline !== undefined) {
    const who = shownName(decline.name, decline.provider)
    return {
      code: 'NO_PROVIDER',
      message: `No provider took the job; the nearest was ${who}: ${decline.decline.message.slice(0, 256)}`,
      details: {
        reason: findsClockOff(decline) ? 'clock-off' : 'declined',
        provider: decline.provider,
        declineCode: decline.decline.code.slice(0, 64),
      },
    }
  }
  return {
    code: 'NO_PROVIDER',
    message: `No provider took the job: ${up.length} known, none bid`,
    details: { reason: 'no-bid', providers: up.length },
  }
}

/** The same as a job fails by it, by what is known here now. */
export function nearestFailure(
  { directory, clocksOff }: { directory: Pick<Directory, 'list'>; clocksOff: Pick<ClocksOff, 'told'> },
  job: Wanted,
  answers: Pick<RoundResult, 'offers' | 'declines'>,
): Failure {
  const { code, message, details } = nearestMiss(job, answers, directory.list(), clocksOff.told())
  return failure(code, message, details)
}

/**
 * Who is large enough comes closer than who is not: there it helps to wait, or to leave something out. Of several the one that
 * asks least by what it announces: where all are too dear, less has to be agreed to.
 */
function nearestDecline(
  job: Wanted,
  declines: readonly NamedDecline[],
  possible: readonly ProviderView[],
): NamedDecline | undefined {
  const told = declines.filter((one) => !findsClockOff(one))
  const large = told.flatMap((one) => {
    const view = possible.find(({ provider }) => provider === one.provider)
    return view === undefined ? [] : [{ one, view }]
  })
  if (large.length < 2) return large[0]?.one ?? told[0] ?? declines[0]
  const wanted = requirementsOf(job.spec, job.image)
  const most = mostOf(job.spec)
  const priced = large.map(({ one, view }) => {
    const perHour = quotedPerHour(view, wanted, most)
    return { one, perHour: perHour === null ? Number.POSITIVE_INFINITY : Number(perHour) }
  })
  return priced.toSorted((a, b) => (a.perHour === b.perHour ? 0 : a.perHour - b.perHour))[0]?.one
}

/** Where the job takes up a volume, and who has that is not there: nobody else can have the job. */
function volumeAway(
  { spec }: Wanted,
  { offers, declines }: Pick<RoundResult, 'offers' | 'declines'>,
  providers: readonly ProviderView[],
): NearestMiss | null {
  const id = spec.volumes.find(({ volume }) => volume !== undefined)?.volume
  const holder = providers.find(({ provider }) => provider === spec.provider)
  const isThere = (holder !== undefined && holder.status !== 'offline') || offers.length + declines.length > 0
  if (id === undefined || isThere) return null
  return {
    code: 'NO_PROVIDER',
    message: `The volume ${id} lies at ${shownName(holder?.name ?? '', spec.provider)}, which is away`,
    details: { reason: 'no-bid', provider: spec.provider },
  }
}

/**
 * That a clock is off tells more than other declines, for whoever finds it so will not bid for anything; but where most
 * find nothing wrong, the clock is the provider's, and what the others lack is the reason.
 */
function declineByClock(
  { offers, declines }: Pick<RoundResult, 'offers' | 'declines'>,
  clocksOff: NamedDecline[],
): NamedDecline | undefined {
  const answered = declines.filter((decline) => !findsClockOff(decline)).length + offers.length
  const off = [...new Map([...clocksOff, ...declines.filter(findsClockOff)].map((one) => [one.provider, one])).values()]
  return off.length > answered ? off[0] : undefined
}

/** No provider could ever hold it: names the one that lacks least. */
function tooLarge(wanted: Resources, providers: readonly ProviderView[]): NearestMiss {
  const nearest = providers.reduce((best, view) => (miss(wanted, view) < miss(wanted, best) ? view : best))
  const kinds = shortages(wanted, nearest.total)
  const lacks = kinds
    .map((kind) => `${describeAmount(kind, wanted[kind])} asked, ${describeAmount(kind, nearest.total[kind])} there`)
    .join('; ')
  const who = shownName(nearest.name, nearest.provider)
  return {
    code: 'RESOURCE_LIMIT_EXCEEDED',
    message: `The job asks for more than any provider has; the nearest is ${who}: ${lacks}`,
    details: { reason: 'more-than-any-provider', provider: nearest.provider, resources: kinds.join(',') },
  }
}

/** Where providers have as many GPUs, and none has those that are asked for, or so many of one kind: what the one lacks that comes closest. */
function lacksGpus({ spec }: Wanted, possible: readonly ProviderView[]): NearestMiss | null {
  const asked = gpuRequirementsOf(spec.gpuRequirements)
  if (spec.gpu === 0 || possible.length === 0) return null
  // Of older versions nobody knows how many are of one kind, which is no matter where nothing else is asked.
  if (asked === null && possible.some(({ gpus }) => !gpus.some(({ free }) => free !== null))) return null
  const wanted = { resources: { gpu: spec.gpu }, ...(asked === null ? {} : { gpuRequirements: asked }) }
  if (possible.some(({ gpus }) => suitableKinds(gpus, wanted, 0n).length > 0)) return null
  const misses = possible.flatMap((view) =>
    view.gpus.map((gpu) => {
      return { view, gpu, wrong: asked === null ? [] : gpuLacks(gpu, asked), few: tooFew(spec.gpu, gpu.count) }
    }),
  )
  // Too few of the right ones are nearer than enough of others.
  const [nearest] = misses.toSorted((a, b) => a.wrong.length - b.wrong.length || b.gpu.count - a.gpu.count)
  if (nearest === undefined) return null
  const { view, gpu, wrong, few } = nearest
  const who = shownName(view.name, view.provider)
  return {
    code: 'RESOURCE_LIMIT_EXCEEDED',
    message: `No provider has the GPUs that the job asks for; the nearest is ${who} with ${describeGpu(gpu, gpu.count)}: ${[...wrong, ...few].join('; ')}`,
    details: { reason: 'more-than-any-provider', provider: view.provider, resources: 'gpu' },
  }
}

/** Where providers are large enough, and none runs the image: what one of them does run. */
function lacksPlatform(job: Wanted, possible: readonly ProviderView[]): NearestMiss | null {
  const wanted = platformsAsked(job.spec, job.image ?? null)
  const [nearest] = possible
  if (nearest === undefined || wanted.length === 0) return null
  if (possible.some((view) => runsAs(view, wanted) !== null)) return null
  const who = shownName(nearest.name, nearest.provider)
  const runs = [...nearest.platforms, ...nearest.emulatedPlatforms]
  return {
    code: 'NO_PROVIDER',
    message: `No provider runs ${wanted.join(', ')}; the nearest is ${who}, which ${runs.length === 0 ? 'does not say what it runs' : `runs ${runs.join(', ')}`}`,
    details: { reason: 'no-platform', provider: nearest.provider },
  }
}

/** Where providers are large enough, and none offers the class of isolation: what one of them does offer. */
function lacksIsolation({ spec: { isolation } }: Wanted, possible: readonly ProviderView[]): NearestMiss | null {
  const [nearest] = possible
  if (nearest === undefined || isolation === undefined) return null
  if (possible.some(({ isolations }) => isolationFor(isolations, isolation) !== null)) return null
  const who = shownName(nearest.name, nearest.provider)
  const offered = nearest.isolations.map((offer) => offer.isolation).join(', ')
  return {
    code: 'NO_PROVIDER',
    message: `No provider runs jobs under ${isolation}; the nearest is ${who}, which ${offered === '' ? 'does not say what it offers' : `offers ${offered}`}`,
    details: { reason: 'no-isolation', provider: nearest.provider },
  }
}

/** Where providers are large enough, and none says that its machine is so fast: what the one does that lacks least. */
function lacksSpeed({ spec }: Wanted, possible: readonly ProviderView[]): NearestMiss | null {
  const minimums = minimumsOf(spec.constraints)
  if (possible.length === 0 || !asksForSpeed(minimums)) return null
  const misses = possible.map((view) => ({ view, wrong: lacking(minimums, view.measured) }))
  const [nearest] = misses.toSorted((a, b) => a.wrong.length - b.wrong.length || speed(b.view) - speed(a.view))
  const [figure] = nearest?.wrong ?? []
  if (nearest === undefined || figure === undefined) return null
  const { view } = nearest
  const has = view.measured?.[figure] ?? 0
  const does = has === 0 ? 'has not measured its machine' : `does ${describeFigure(figure, has)}`
  const asked = `${describeFigure(figure, minimums[figure])} asked by ${MINIMUM_FIELDS[figure]}`
  return {
    code: 'NO_PROVIDER',
    message: `No provider's machine is known to be as fast as the job asks; the nearest is ${shownName(view.name, view.provider)}, which ${does}: ${asked}`,
    details: { reason: 'too-slow', provider: view.provider },
  }
}

function speed({ measured }: ProviderView): number {
  return measured?.cpuSingle ?? 0
}

function tooFew(wanted: number, count: number): string[] {
  return count < wanted ? [`${wanted} of them asked, ${count} there`] : []
}

/** The largest shortage as a share of what is asked; 0 where it fits. */
function miss(wanted: Resources, view: ProviderView): number {
  const share = (kind: ResourceKind): number =>
    wanted[kind] === 0 ? 0 : Math.max(0, (wanted[kind] - view.total[kind]) / wanted[kind])
  return Math.max(...RESOURCE_KINDS.map(share))
}
