/** Would this agent win a typical job now, and if not, why: a pure look at facts that others have gathered. */

import type { ProviderView } from '../../node/directory/index.ts'
import { describeGpu } from '../../protocol/gpus.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import { NO_MINIMUMS } from '../../protocol/measured.ts'
import { effectivePerHour, formatUsd, type NanoUsd, type Terms } from '../../protocol/money.ts'
import { quote } from '../../protocol/quote.ts'
import { fits, GIB } from '../../protocol/units.ts'
import type { AgentStatus } from '../agent-status.ts'
import type { Bandwidth } from '../bandwidth/shaper.ts'
import { mostAsked, type Refusal } from '../bidding/policy.ts'
import { kindsOf } from '../gpus/kinds.ts'
import { givesGpus } from '../isolation/walls.ts'
import { bandwidthFinding } from './bandwidth.ts'
import { engineWords } from './engine-words.ts'
import type { Finding } from './finding.ts'
import { type Shared, sharedFinding } from './shared.ts'
import { type Yielding, yieldingFinding } from './yielding.ts'

/** What a job is that says nothing but its image, see the defaults of the job spec, and what traffic it may cause at most. */
export const TYPICAL_JOB: Requirements = {
  resources: { cpuMillis: 1_000, memoryBytes: GIB / 2, storageBytes: GIB, gpu: 0 },
  image: 'busybox',
  durationSeconds: 3_600,
  maxPricePerHour: null,
  region: '',
  labels: {},
  capabilities: [],
  minUptimeSeconds: 0,
  provider: '',
  minimums: NO_MINIMUMS,
  platforms: [],
  imageDigest: '',
  isolation: '',
  maxNetworkBytes: GIB,
}

/** All that {@link checkSelf} judges by. */
export interface Facts extends Pick<AgentStatus, 'announceProblem' | 'gpus' | 'unsoldGpus' | 'isolations'> {
  peerId: string
  /** Where others can dial. */
  addresses: string[]
  /** Connected peers. */
  peers: number
  /** Everyone that the directory knows. */
  providers: ProviderView[]
  /** What a requester would hear. */
  refusal: Refusal | null
  /** What it would be asked. */
  terms: Terms
  /** Why nothing is taken at the moment; null while it is. */
  paused: string | null
  draining: boolean
  capabilities: string[]
  shared: Shared
  yielding: Yielding
  bandwidth: Bandwidth
  /** Whose clock is hours from this machine's, for people; null where nobody's is. */
  clockOff?: string | null
}

/** Announced where containers are kept from the host and its network. */
const ISOLATION = 'network-isolation'
/** Announced where the engine's storage driver holds containers to their storage, and volumes to their sizes. */
const QUOTAS = ['storage-quota', 'volume-quota']

/**
 * One finding on each subject, always in the same order; a subject that is of no concern here is left out. A `problem`
 * keeps it from winning a typical job, a `note` does not.
 */
export function checkSelf(facts: Facts): Finding[] {
  const market = [announcing(facts), clock(facts), connectivity(facts), policy(facts), price(facts)]
  const findings = [readiness(facts), ...market, isolation(facts)]
  const own = [walls(facts), storage(facts), gpus(facts), sharedFinding(facts.shared)]
  const rest = [...own, yieldingFinding(facts.yielding), bandwidthFinding(facts.bandwidth)]
  return [...findings, ...rest].filter((finding) => finding !== null)
}

function readiness({ paused, draining }: Facts): Finding {
  const subject = 'ready'
  if (paused === null) return { subject, level: 'ok', text: 'the engine answers and the disk has room' }
  const remedy = draining ? "'cortex agent resume' ends that" : 'it takes jobs by itself once that is over'
  return { subject, level: 'problem', text: `it ${paused}: ${remedy}` }
}

function connectivity({ peers, addresses }: Facts): Finding {
  const subject = 'connectivity'
  if (peers === 0 && addresses.length > 0) {
    const finds = `whoever comes on the local network finds it, and whoever is given --bootstrap ${addresses[0]}`
    return { subject, level: 'note', text: `connected to nobody at this moment: ${finds}` }
  }
  if (peers === 0) {
    return { subject, level: 'problem', text: 'connected to nobody: give it a peer to begin with by --bootstrap' }
  }
  const text = `connected to ${peers} ${peers === 1 ? 'peer' : 'peers'}, known under ${addresses.join(' ')}`
  if (addresses.length > 0) return { subject, level: 'ok', text }
  return { subject, level: 'note', text: 'no address is known under which others reach it: set --listen' }
}

/** Null where it was heard, as far as is known. */
function announcing({ announceProblem: problem }: Facts): Finding | null {
  if (problem === null) return null
  const text = `the last announcement was not made, so that nobody new finds it: ${problem}; its log says more`
  return { subject: 'announcing', level: 'problem', text }
}

function clock({ clockOff = null }: Facts): Finding | null {
  if (clockOff === null) return null
  return {
    subject: 'clock',
    level: 'problem',
    text: `${clockOff}: check this machine’s time (timedatectl), and ask for theirs`,
  }
}

function policy({ paused, refusal }: Facts): Finding | null {
  if (paused !== null) return null
  if (refusal === null) return { subject: 'policy', level: 'ok', text: 'a typical job fits its capacity and its rules' }
  return { subject: 'policy', level: 'problem', text: `a typical job is refused: it ${refusal.message}` }
}

function price({ peerId, providers, terms }: Facts): Finding {
  const subject = 'price'
  const own = hourlyPrice(terms)
  const rivals = providers.filter(
    (view) =>
      view.provider !== peerId &&
      view.status === 'online' &&
      view.pausedReason === '' &&
      fits(TYPICAL_JOB.resources, view.free),
  )
  const asked = `asks $${formatUsd(own)} an hour for a typical job`
  const prices = rivals.map((view) => hourlyPrice(quote(TYPICAL_JOB, view.prices)))
  const cheapest = prices.reduce<NanoUsd | null>((least, one) => (least === null || one < least ? one : least), null)
  if (cheapest === null) return { subject, level: 'ok', text: `${asked}; nobody else sells one now` }
  const cheaper = prices.filter((one) => one < own).length
  if (cheaper === 0) return { subject, level: 'ok', text: `${asked}, and none of ${rivals.length} others asks less` }
  const text = `${asked}; ${cheaper} of ${rivals.length} others ask less, the cheapest $${formatUsd(cheapest)}`
  return { subject, level: 'problem', text: `${text}: lower --price-cpu and --price-memory to win by cost` }
}

/** With any minimum charge. */
function hourlyPrice(terms: Terms): NanoUsd {
  return effectivePerHour(terms, mostAsked(TYPICAL_JOB))
}

function isolation({ capabilities }: Facts): Finding {
  const subject = 'isolation'
  if (capabilities.includes(ISOLATION)) return { subject, level: 'ok', text: 'containers are kept from this network' }
  return {
    subject,
    level: 'note',
    text: `does not offer ${ISOLATION}: jobs that ask for it go elsewhere; setting firewall rules needs root`,
  }
}

function walls({ isolations }: Facts): Finding {
  const subject = 'walls'
  const words = isolations.map(({ isolation, runtime, problem }) => {
    const name = runtime === null ? isolation : `${isolation} (${runtime})`
    return problem === null ? name : `${name} is not sold: ${engineWords(problem)}`
  })
  if (isolations.every(({ problem }) => problem === null)) {
    return { subject, level: 'ok', text: `it has seen containers run as they should under ${words.join(', ')}` }
  }
  const [first] = isolations
  const level = first?.problem === null ? 'note' : 'problem'
  return { subject, level, text: `${words.join('; ')}; it tries again by itself` }
}

function storage({ capabilities }: Facts): Finding {
  const subject = 'storage'
  const lacking = QUOTAS.filter((quota) => !capabilities.includes(quota))
  if (lacking.length === 0) return { subject, level: 'ok', text: 'the engine holds jobs to their storage' }
  const measured = 'use is measured every few seconds instead'
  return {
    subject,
    level: 'note',
    text: `does not offer ${lacking.join(' and ')}: ${measured}; XFS with pquota, or btrfs, under the engine can do it`,
  }
}

/** Null on a machine without any. */
function gpus({ gpus: sold, unsoldGpus: unsold, isolations }: Facts): Finding | null {
  const subject = 'gpus'
  if (sold.length + unsold.length === 0) return null
  if (sold.length > 0 && !isolations.some(({ isolation }) => givesGpus(isolation))) {
    const classes = isolations.map(({ isolation }) => isolation).join(' and ')
    const text = `sells none: jobs under ${classes} are given no GPUs; --isolation container=runc sells them, too`
    return { subject, level: 'note', text }
  }
  const kinds = kindsOf(sold).map((kind) => describeGpu(kind, kind.count))
  const sells = `sells ${kinds.length === 0 ? 'none' : kinds.join(', ')}`
  if (unsold.length === 0) return { subject, level: 'ok', text: sells }
  return { subject, level: 'note', text: [sells, ...unsold.map(({ name, reason }) => `${name} ${reason}`)].join('; ') }
}
