/**
 * Whether a request fits this provider: a pure function of what is asked and what there is, so that `check` and a dry run
 * can ask the same question.
 */

import { askedBy, SENT_IMAGES } from '../../protocol/capabilities.ts'
import { describeGpu, type GpuModel, gpuLacks } from '../../protocol/gpus.ts'
import { isolationFor } from '../../protocol/isolation.ts'
import { keptByteSecondsOf } from '../../protocol/job-volumes.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import { describeFigure, type Figures, lacking, MINIMUM_FIELDS } from '../../protocol/measured.ts'
import { effectivePerHour, formatUsd, type Most, type Terms } from '../../protocol/money.ts'
import { type Running, runsAs } from '../../protocol/platforms.ts'
import {
  addResources,
  describeAmount,
  formatBytes,
  RESOURCE_KINDS,
  type Resources,
  shortages,
} from '../../protocol/units.ts'
import { chooseKind } from '../gpus/kinds.ts'
import { imageAllowed } from '../images/rules.ts'
import { givesGpus, leastMemoryBytes, type Wall } from '../isolation/walls.ts'

/** Append-only: these cross the wire in declines. */
export type DeclineCode =
  | 'INSUFFICIENT_CAPACITY'
  | 'OVER_TOTAL_CAPACITY'
  | 'PRICE_ABOVE_CAP'
  | 'REGION_MISMATCH'
  | 'LABELS_MISMATCH'
  | 'CAPABILITY_MISSING'
  | 'MIN_UPTIME'
  | 'DURATION_TOO_LONG'
  | 'IMAGE_NOT_ALLOWED'
  | 'CLIENT_SHARE_EXCEEDED'
  | 'CLIENT_NOT_ALLOWED'
  | 'DRAINING'
  | 'ENGINE_UNAVAILABLE'
  | 'MINIMUM_CHARGE_UNKNOWN'
  | 'CLOCK_OFF'
  | 'STAMP_REQUIRED'
  | 'IMAGE_UNAVAILABLE'
  | 'TOO_SLOW'
  | 'GPU_MISMATCH'
  | 'OUTSIDE_HOURS'
  | 'PLATFORM_MISMATCH'
  | 'ISOLATION_MISMATCH'
  | 'TRAFFIC_UNLIMITED'
  | 'VOLUME_UNKNOWN'
  | 'VOLUME_IN_USE'
  | 'KEEP_TOO_LONG'
  | 'KEEPS_TOO_MUCH'
  | 'VOLUME_PRICE_UNKNOWN'
  | 'VOLUME_UNPAID'

/** Why a request is declined; its requester is told so. */
export interface Refusal {
  code: DeclineCode
  /** For people, with the figures. */
  message: string
  /** With `STAMP_REQUIRED`. */
  stampBits?: number
}

/** What the provider offers, whoever asks; what it runs is known once its engine is. */
export interface Offering extends Running {
  region: string
  labels: Record<string, string>
  capabilities: string[]
  maxDurationSeconds: number
  allowImages: string[]
  denyImages: string[]
  /** Peer ids; an empty list is everyone. */
  allowClients: string[]
  /** Peer ids; outweighs the other list. */
  denyClients: string[]
  /** Share of the machine that one requester may hold, above 0 up to 1. */
  maxClientShare: number
  maxOpenBidsPerRequester: number
  /** Classes of isolation that are sold now, the default first; none before they were tried. */
  isolations: Wall[]
}

/** How things stand at the moment of the request. */
export interface Situation {
  total: Resources
  free: Resources
  /** The GPUs behind that, by kind, with what is free of each. */
  gpus: readonly GpuModel[]
  /** What this job would be asked here. */
  terms: Terms
  /** Whether the requester would understand a bid with a minimum charge. */
  takesMinimumCharge: boolean
  /** Whether it would understand one with a price of volumes that outlive the job. @default true */
  takesVolumePrice?: boolean
  uptimeSeconds: number
  /** Null while the provider bids. */
  paused: Refusal | null
  /** How long the provider stays open, in ms; infinite where it never closes. */
  openForMs: number
  /** How long jobs with this image are not taken, because it could not be got, in ms. */
  heldBackMs: number
  /** What the machine does in a second; null where nothing was measured. */
  figures: Figures | null
  /** Why the volumes cannot be had that outlive the job; null where they can. @default null */
  volumes?: Refusal | null
  client: {
    peerId: string
    bids: number
    bidResources: Resources
    resources: Resources
    /** Share of the machine that its open bids may hold; see `requester-credit.ts`. */
    bidShare: number
  }
}

/** Why this provider does not take it, or null. What no waiting can change comes first. */
export function refusal(wanted: Requirements, offering: Offering, now: Situation): Refusal | null {
  return (
    stranger(offering, now) ??
    overTotal(wanted, now) ??
    unsuitable(wanted, offering, now) ??
    wrongPlatform(wanted, offering) ??
    wrongIsolation(wanted, offering) ??
    tooSlow(wanted, now) ??
    wrongGpus(wanted, now) ??
    tooDear(wanted, now) ??
    now.paused ??
    now.volumes ??
    outsideHours(wanted, now) ??
    heldBack(wanted, now) ??
    insufficient(wanted, now) ??
    clientShare(wanted, offering, now)
  )
}

function stranger({ allowClients, denyClients }: Offering, { client: { peerId } }: Situation): Refusal | null {
  const allowed = !denyClients.includes(peerId) && (allowClients.length === 0 || allowClients.includes(peerId))
  return allowed ? null : no('CLIENT_NOT_ALLOWED', 'does not serve this requester')
}

function overTotal(wanted: Requirements, { total }: Situation): Refusal | null {
  const [kind] = shortages(wanted.resources, total)
  if (kind === undefined) return null
  const { [kind]: asked } = wanted.resources
  return no(
    'OVER_TOTAL_CAPACITY',
    `offers ${describeAmount(kind, total[kind])} in all, ${describeAmount(kind, asked)} asked`,
  )
}

function unsuitable(wanted: Requirements, offering: Offering, { uptimeSeconds }: Situation): Refusal | null {
  if (wanted.region !== '' && wanted.region !== offering.region) {
    return no('REGION_MISMATCH', `is in region "${offering.region}", "${wanted.region}" asked`)
  }
  for (const [name, value] of Object.entries(wanted.labels)) {
    const own = Object.hasOwn(offering.labels, name) ? offering.labels[name] : undefined
    if (own !== value) {
      return no(
        'LABELS_MISMATCH',
        `has ${own === undefined ? `no label ${name}` : `${name}=${own}`}, ${name}=${value} asked`,
      )
    }
  }
  const missing = wanted.capabilities.filter((capability) => !offering.capabilities.includes(capability))
  if (missing.length > 0) {
    const lacks = `does not offer ${missing.join(', ')}`
    return no('CAPABILITY_MISSING', `${lacks}: leave out ${askedBy(missing)}, or ask another provider`)
  }
  if (uptimeSeconds < wanted.minUptimeSeconds) {
    return no('MIN_UPTIME', `is up for ${Math.floor(uptimeSeconds)}s, ${wanted.minUptimeSeconds}s asked`)
  }
  if (wanted.durationSeconds > offering.maxDurationSeconds) {
    return no('DURATION_TOO_LONG', `runs jobs up to ${offering.maxDurationSeconds}s, ${wanted.durationSeconds}s asked`)
  }
  // What is sent may be called anything.
  if (wanted.capabilities.includes(SENT_IMAGES) && offering.allowImages.length > 0) {
    return no('IMAGE_NOT_ALLOWED', 'runs images of registries alone, and this one is sent')
  }
  if (!imageAllowed(wanted.image, offering)) return no('IMAGE_NOT_ALLOWED', `does not run the image ${wanted.image}`)
  return null
}

function wrongPlatform({ platforms: wanted }: Requirements, offering: Offering): Refusal | null {
  const { platforms, emulatedPlatforms } = offering
  if (wanted.length === 0 || platforms.length === 0 || runsAs(offering, wanted) !== null) return null
  const runs = [...platforms, ...emulatedPlatforms].join(', ')
  return no('PLATFORM_MISMATCH', `runs ${runs}, the image is for ${wanted.join(', ')}`)
}

function wrongIsolation({ isolation, resources }: Requirements, { isolations }: Offering): Refusal | null {
  if (isolations.length === 0) return null
  const wall = isolationFor(isolations, isolation)
  if (wall === null) {
    const sold = isolations.map((one) => one.isolation).join(', ')
    return no('ISOLATION_MISMATCH', `runs jobs under ${sold}, ${isolation} asked`)
  }
  if (resources.gpu > 0 && !givesGpus(wall.isolation)) {
    const isThere = isolations.some((one) => givesGpus(one.isolation))
    const remedy = isThere ? 'ask for isolation container' : 'ask another provider'
    return no('ISOLATION_MISMATCH', `gives no GPUs to jobs under ${wall.isolation}: ${remedy}, or leave out gpu`)
  }
  const least = leastMemoryBytes(wall.isolation)
  if (resources.memoryBytes >= least) return null
  const asked = formatBytes(resources.memoryBytes)
  return no(
    'ISOLATION_MISMATCH',
    `starts jobs under ${wall.isolation} with ${formatBytes(least)} or more, ${asked} asked`,
  )
}

function tooSlow({ minimums }: Requirements, { figures }: Situation): Refusal | null {
  const [figure] = lacking(minimums, figures)
  if (figure === undefined) return null
  const [has, asked] = [figures?.[figure] ?? 0, minimums[figure]].map((amount) => describeFigure(figure, amount))
  const isUnmeasured = (figures?.[figure] ?? 0) === 0
  const does = isUnmeasured ? `has not measured its machine (${figure})` : `does ${has} (${figure})`
  return no('TOO_SLOW', `${does}, ${asked} asked: ask for less by ${MINIMUM_FIELDS[figure]}, or leave it out`)
}

/** All of a job's GPUs are of one kind. */
function wrongGpus(wanted: Requirements, { gpus }: Situation): Refusal | null {
  const { gpuRequirements, resources } = wanted
  if (resources.gpu === 0 || chooseKind(gpus, wanted) !== null) return null
  const has = gpus.map((kind) => describeGpu(kind, kind.count)).join(', ')
  const lacks = gpus.map((kind) => (gpuRequirements === undefined ? [] : gpuLacks(kind, gpuRequirements)))
  const [least = []] = lacks.toSorted((a, b) => a.length - b.length)
  return no(
    'GPU_MISMATCH',
    `has ${has}: ${least.length === 0 ? `${resources.gpu} of one kind asked` : least.join(', ')}`,
  )
}

function tooDear(wanted: Requirements, now: Situation): Refusal | null {
  const { maxPricePerHour: cap, durationSeconds, maxNetworkBytes } = wanted
  const { pricePerHour, minimumCharge, pricePerGb, volumePerGbHour } = now.terms
  // What any amount of it may cost can be agreed to by nobody; and older requesters know of no such price.
  if (pricePerGb > 0n && maxNetworkBytes === undefined) {
    return no(
      'TRAFFIC_UNLIMITED',
      `asks $${formatUsd(pricePerGb)} per GB of traffic: say how much it may be (maxNetwork)`,
    )
  }
  if (cap !== null && effectivePerHour(now.terms, mostAsked(wanted)) > cap) {
    const least = minimumCharge === 0n ? '' : ` and at least $${formatUsd(minimumCharge)} for ${durationSeconds} s`
    const traffic = pricePerGb === 0n ? '' : ` and $${formatUsd(pricePerGb)} per GB`
    const kept = volumePerGbHour === 0n ? '' : ` and $${formatUsd(volumePerGbHour)} per GB-hour of volumes that stay`
    return no(
      'PRICE_ABOVE_CAP',
      `asks $${formatUsd(pricePerHour)} an hour${least}${traffic}${kept}, the cap is $${formatUsd(cap)} an hour`,
    )
  }
  if (volumePerGbHour > 0n && now.takesVolumePrice === false) {
    return no(
      'VOLUME_PRICE_UNKNOWN',
      `asks $${formatUsd(volumePerGbHour)} per GB-hour of volumes that stay: update the requester to agree to it, or leave out keep`,
    )
  }
  if (minimumCharge === 0n || now.takesMinimumCharge) return null
  return no(
    'MINIMUM_CHARGE_UNKNOWN',
    `asks at least $${formatUsd(minimumCharge)} a job: update the requester to agree to it`,
  )
}

/** All of the time and of the traffic that a request asks for, and of the volumes that it leaves. */
export function mostAsked({ durationSeconds, maxNetworkBytes = 0, keptVolumes = [] }: Requirements): Most {
  const keptByteSeconds = keptByteSecondsOf(keptVolumes)
  return { seconds: durationSeconds, networkBytes: maxNetworkBytes, keptByteSeconds }
}

function outsideHours({ durationSeconds }: Requirements, { openForMs }: Situation): Refusal | null {
  if (durationSeconds * 1000 <= openForMs) return null
  return no('OUTSIDE_HOURS', `closes in ${Math.floor(openForMs / 1000)} s, ${durationSeconds} s asked`)
}

function heldBack({ image }: Requirements, { heldBackMs }: Situation): Refusal | null {
  if (heldBackMs <= 0) return null
  const seconds = Math.ceil(heldBackMs / 1000)
  return no('IMAGE_UNAVAILABLE', `could not get the image ${image}, and tries again in ${seconds} s at the earliest`)
}

function insufficient(wanted: Requirements, { free, gpus }: Situation): Refusal | null {
  const [kind] = shortages(wanted.resources, free)
  if (kind === undefined) return fewFree(wanted, chooseKind(gpus, wanted))
  const { [kind]: asked } = wanted.resources
  return no(
    'INSUFFICIENT_CAPACITY',
    `has ${describeAmount(kind, free[kind])} free, ${describeAmount(kind, asked)} asked`,
  )
}

function fewFree({ resources }: Requirements, gpu: GpuModel | null): Refusal | null {
  if (gpu === null) return null
  const free = gpu.free ?? gpu.count
  if (resources.gpu <= free) return null
  return no('INSUFFICIENT_CAPACITY', `has ${describeGpu(gpu, free)} free, ${resources.gpu} asked`)
}

function clientShare(wanted: Requirements, offering: Offering, { total, client }: Situation): Refusal | null {
  if (client.bids >= offering.maxOpenBidsPerRequester) {
    return no('CLIENT_SHARE_EXCEEDED', `has ${client.bids} bids open with this requester, no more than that at a time`)
  }
  const over = (held: Resources, share: number, what: string): Refusal | null => {
    const all = addResources(held, wanted.resources)
    const kind = RESOURCE_KINDS.find(
      (name) => wanted.resources[name] > 0 && all[name] > Math.floor(total[name] * share),
    )
    if (kind === undefined) return null
    const limit = describeAmount(kind, Math.floor(total[kind] * share))
    return no(
      'CLIENT_SHARE_EXCEEDED',
      `lets one requester ${what} ${limit}, ${describeAmount(kind, all[kind])} with this job`,
    )
  }
  return (
    over(client.resources, offering.maxClientShare, 'hold') ?? over(client.bidResources, client.bidShare, 'reserve')
  )
}

function no(code: DeclineCode, message: string): Refusal {
  return { code, message }
}
