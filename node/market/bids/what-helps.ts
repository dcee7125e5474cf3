import { ANY_PROVIDER } from '../../../protocol/job-defaults.ts'
import { bytesOf, minimumsOf, mostOf, type PublicJobSpec, resourcesOf } from '../../../protocol/job-spec.ts'
import { requirementsOf } from '../../../protocol/job-wire.ts'
import { MIN_CPU_MILLIS, MIN_MEMORY_BYTES, MIN_STORAGE_BYTES } from '../../../protocol/limits.ts'
import type { Requirements } from '../../../protocol/market-messages.ts'
import { asksForSpeed, type Figures, MINIMUM_FIELDS } from '../../../protocol/measured.ts'
import { formatUsd, type NanoUsd } from '../../../protocol/money.ts'
import type { ResolvedImage } from '../../../protocol/platforms.ts'
import { quotedPerHour } from '../../../protocol/quote.ts'
import type { Remedy } from '../../../protocol/remedies.ts'
import { shownName } from '../../../protocol/text.ts'
import { fits, formatBytes, GIB, type ResourceKind, type Resources, shortages } from '../../../protocol/units.ts'
import { couldTake } from '../../directory/could-take.ts'
import type { ProviderView } from '../../directory/index.ts'
import { hasGpus } from './invitation.ts'

/** Remedies that are named at most: more are no help. */
const MOST = 6
/** Regions among them. */
const MOST_REGIONS = 3
/** Words of strangers that may stand on a button. */
const PLAIN_REGION = /^[a-z\d][a-z\d._-]{0,31}$/i
/** Prices are raised to whole hundredths of a cent: figures to read. */
const PRICE_STEP: NanoUsd = 100_000n
const MIB = 2 ** 20
/** Providers that are looked at for what they have free, the nearest first. */
const MOST_NEAR = 20

/** What is known of who might take a job. */
export interface WhatHelpsInit {
  image: ResolvedImage | null
  providers: readonly ProviderView[]
  /** Peer ids of those that were asked for the job as it is, and would not take it. @default none */
  unwilling?: ReadonlySet<string>
  /** What a machine does in a second, as far as its provider is believed; see `speeds.ts`. @default as announced */
  figures?: (view: ProviderView) => Figures | null
}

/**
 * What to change of a job that nobody takes, so that somebody would at once, by what providers announce: one change each, and
 * only such as help by themselves. None where somebody would take it as it is.
 */
export function whatHelps(
  spec: PublicJobSpec,
  { image, providers, unwilling = new Set(), figures = ({ measured }) => measured }: WhatHelpsInit,
): Remedy[] {
  const online = providers.filter(({ status, pausedReason }) => status === 'online' && pausedReason === '')
  const asked: Asked = { spec, image, figures }
  const fitting = new Set(takersOf(asked, online))
  if ([...fitting].some(({ provider }) => !unwilling.has(provider))) return []
  // Who declines what fits by its announcement has reasons of its own, which no change is known to meet.
  const up = online.filter((view) => !fitting.has(view))
  const takers: Takers = (changed) => takersOf(withChanged(asked, changed), up)
  const whole = looser(spec).filter(({ changes }) => takers(withoutNull(changes)).length > 0)
  return [
    ...otherProvider(spec, takers),
    ...dearer(asked, up),
    ...otherRegions(spec, takers),
    ...whole,
    ...smaller(asked, up),
  ].slice(0, MOST)
}

type Takers = (changed: Partial<PublicJobSpec>) => ProviderView[]

/** A job as providers may be asked for it. */
interface Asked extends Required<Pick<WhatHelpsInit, 'image' | 'figures'>> {
  spec: PublicJobSpec
}

function withChanged(asked: Asked, changed: Partial<PublicJobSpec>): Asked {
  return { ...asked, spec: { ...asked.spec, ...changed } }
}

/** Those that would bid by what they announce. */
function takersOf({ spec, image, figures }: Asked, providers: ProviderView[]): ProviderView[] {
  const wanted = requirementsOf(spec, image)
  const { maxPricePerHour: cap } = wanted
  const priceOf = priceFor(spec, wanted)
  return providers.filter((view) => {
    if ((wanted.provider !== '' && wanted.provider !== view.provider) || !fits(wanted.resources, view.free))
      return false
    if (!hasGpus(view, wanted) || !couldTake(view, wanted, figures)) return false
    const price = priceOf(view)
    return price !== null && (cap === null || price <= cap)
  })
}

/** What a provider would ask for an hour, all in all; null where it does not sell such jobs. */
function priceFor(spec: PublicJobSpec, wanted: Requirements): (view: ProviderView) => NanoUsd | null {
  const most = mostOf(spec)
  return (view) => quotedPerHour(view, wanted, most)
}

/** A volume that is there already leads the job to where it lies. */
function otherProvider(spec: PublicJobSpec, takers: Takers): Remedy[] {
  const isBound = spec.volumes.some(({ volume }) => volume !== undefined)
  if (isBound || spec.provider === ANY_PROVIDER || takers({ provider: ANY_PROVIDER }).length === 0) return []
  return [{ text: 'Ask any provider', changes: { provider: ANY_PROVIDER } }]
}

/** What the cheapest asks who would take it but for its price. */
function dearer(asked: Asked, up: ProviderView[]): Remedy[] {
  const { maxPrice, ...uncapped } = asked.spec
  if (maxPrice === undefined) return []
  const priceOf = priceFor(uncapped, requirementsOf(uncapped, asked.image))
  const prices = takersOf({ ...asked, spec: uncapped }, up).flatMap((view) => priceOf(view) ?? [])
  const [least] = prices.toSorted((a, b) => Number(a - b))
  if (least === undefined) return []
  const price = formatUsd(((least + PRICE_STEP - 1n) / PRICE_STEP) * PRICE_STEP)
  return [{ text: `Raise maxPrice to $${price} an hour`, changes: { maxPrice: price } }]
}

function otherRegions({ constraints }: PublicJobSpec, takers: Takers): Remedy[] {
  if (constraints.region === undefined) return []
  const { region: _, ...rest } = constraints
  const regions = new Set(takers({ constraints: rest }).map(({ region }) => region))
  const named = [...regions].filter((region) => PLAIN_REGION.test(region)).slice(0, MOST_REGIONS)
  if (named.length === 0 && regions.size > 0) return [leftOut('constraints.region', { constraints: rest })]
  return named.map((region) => ({ text: `Ask in region ${region}`, changes: { constraints: { ...rest, region } } }))
}

/** Without one of the conditions that it has. */
function looser(spec: PublicJobSpec): Remedy[] {
  const { constraints, isolation, platform, gpuRequirements } = spec
  const speeds: string[] = Object.values(MINIMUM_FIELDS)
  const slow = Object.fromEntries(Object.entries(constraints).filter(([name]) => !speeds.includes(name)))
  const without = (part: Partial<PublicJobSpec['constraints']>) => ({ constraints: { ...constraints, ...part } })
  return [
    ...(Object.keys(constraints.labels).length > 0 ? [leftOut('constraints.labels', without({ labels: {} }))] : []),
    ...(constraints.capabilities.length > 0
      ? [leftOut('constraints.capabilities', without({ capabilities: [] }))]
      : []),
    ...(constraints.minUptime > 0 ? [leftOut('constraints.minUptime', without({ minUptime: 0 }))] : []),
    ...(asksForSpeed(minimumsOf(constraints)) ? [leftOut('the least speed', { constraints: slow })] : []),
    ...(isolation === undefined ? [] : [leftOut('isolation', { isolation: null })]),
    ...(platform === undefined ? [] : [leftOut('platform', { platform: null })]),
    ...(gpuRequirements === undefined ? [] : [leftOut('gpuRequirements', { gpuRequirements: null })]),
  ]
}

function leftOut(what: string, changes: Remedy['changes']): Remedy {
  return { text: `Leave out ${what}`, changes }
}

/**
 * What the one has free that lacks least, where nothing else keeps it from the job: half of what was asked at least, for with much
 * less the job would be another.
 */
function smaller(job: Asked, up: ProviderView[]): Remedy[] {
  const { spec, image, figures } = job
  // Volumes count as storage, and how they are to shrink is nobody's to say.
  const fixed: ResourceKind[] = spec.volumes.length > 0 ? ['storageBytes'] : []
  const asked = resourcesOf(spec)
  const least = leastOf(spec)
  const wanted = requirementsOf(spec, image)
  const near = up
    .filter((view) => couldTake(view, wanted, figures))
    .map((view) => ({ view, kinds: shortages(asked, view.free) }))
    .filter(({ view, kinds }) =>
      kinds.every((kind) => view.free[kind] >= Math.max(asked[kind] / 2, least[kind]) && !fixed.includes(kind)),
    )
    .toSorted((a, b) => a.kinds.length - b.kinds.length || roomOf(b.view) - roomOf(a.view))
  for (const { view, kinds } of near.slice(0, MOST_NEAR)) {
    const changes: Partial<PublicJobSpec> = Object.assign({}, ...kinds.map((kind) => FIELDS[kind](view.free[kind])))
    if (takersOf(withChanged(job, changes), [view]).length === 0) continue
    const parts = Object.entries(changes).map(([name, value]) => `${name} to ${value}`)
    return [{ text: `Lower ${parts.join(' and ')}, which ${shownName(view.name, view.provider)} has free`, changes }]
  }
  return []
}

/** The least that the schema takes of each, for a job like this: shared memory counts as memory, in whole mebibytes here. */
function leastOf({ shmSize }: PublicJobSpec): Resources {
  const shared = shmSize === undefined ? 0 : Math.ceil(bytesOf(shmSize) / MIB) * MIB
  const memoryBytes = Math.max(MIN_MEMORY_BYTES, shared)
  return { cpuMillis: MIN_CPU_MILLIS, memoryBytes, storageBytes: MIN_STORAGE_BYTES, gpu: 1 }
}

/** Of two that lack as many kinds, more room is nearer: a core counts as a gibibyte. */
function roomOf({ free }: ProviderView): number {
  return free.memoryBytes / GIB + free.cpuMillis / 1_000
}

const FIELDS: Record<ResourceKind, (amount: number) => Partial<PublicJobSpec>> = {
  cpuMillis: (cpu) => ({ cpu }),
  memoryBytes: (bytes) => ({ memory: wholeMebibytes(bytes) }),
  storageBytes: (bytes) => ({ storage: wholeMebibytes(bytes) }),
  gpu: (gpu) => ({ gpu }),
}

function wholeMebibytes(bytes: number): string {
  return formatBytes(Math.floor(bytes / MIB) * MIB)
}

function withoutNull(changes: Record<string, unknown>): Partial<PublicJobSpec> {
  return Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value ?? undefined]))
}
