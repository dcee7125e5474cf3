/** Would this agent win a typical job now, and if not, why: a pure look at facts that others have gathered. */

import type { ProviderView } from '../../node/directory/index.ts'
import type { Requirements } from '../../protocol/checks.ts'
import { effectivePerHour, formatUsd, type NanoUsd, type Terms } from '../../protocol/money.ts'
import { fits, GIB } from '../../protocol/units.ts'
import type { Refusal } from '../policy.ts'
import { quote } from '../pricing.ts'

/** What a job is that says nothing but its image; see the defaults of the job spec. */
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
}

export interface Facts {
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
}

export interface Finding {
  subject: 'ready' | 'connectivity' | 'policy' | 'price' | 'isolation' | 'storage'
  /** A problem keeps the job away; a note may keep some jobs away. */
  level: 'ok' | 'note' | 'problem'
  /** For people: what was found, and what to do about it. */
  text: string
}

/** Announced where containers are kept from the host and its network. */
const ISOLATION = 'network-isolation'
/** Announced where the engine's storage driver holds containers to their storage, and volumes to their sizes. */
const QUOTAS = ['storage-quota', 'volume-quota']

export function checkSelf(facts: Facts): Finding[] {
  return [readiness(facts), connectivity(facts), policy(facts), price(facts), isolation(facts), storage(facts)].filter(
    (finding) => finding !== null,
  )
}

function readiness({ paused, draining }: Facts): Finding {
  const subject = 'ready'
  if (paused === null) return { subject, level: 'ok', text: 'the engine answers and the disk has room' }
  const remedy = draining ? "'cortex agent resume' ends that" : 'it takes jobs by itself once that is over'
  return { subject, level: 'problem', text: `it ${paused}: ${remedy}` }
}

function connectivity({ peers, addresses }: Facts): Finding {
  const subject = 'connectivity'
  if (peers === 0) {
    return { subject, level: 'problem', text: 'connected to nobody: give it a peer to begin with by --bootstrap' }
  }
  const text = `connected to ${peers} ${peers === 1 ? 'peer' : 'peers'}, known under ${addresses.join(' ')}`
  if (addresses.length > 0) return { subject, level: 'ok', text }
  return { subject, level: 'note', text: 'no address is known under which others reach it: set --listen' }
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
  const prices = rivals.map((view) => hourlyPrice(quote(TYPICAL_JOB.resources, view.prices)))
  const cheapest = prices.reduce<NanoUsd | null>((least, one) => (least === null || one < least ? one : least), null)
  if (cheapest === null) return { subject, level: 'ok', text: `${asked}; nobody else sells one now` }
  const cheaper = prices.filter((one) => one < own).length
  if (cheaper === 0) return { subject, level: 'ok', text: `${asked}, and none of ${rivals.length} others asks less` }
  const text = `${asked}; ${cheaper} of ${rivals.length} others ask less, the cheapest $${formatUsd(cheapest)}`
  return { subject, level: 'problem', text: `${text}: lower --price-cpu and --price-memory to win by cost` }
}

/** With any minimum charge. */
function hourlyPrice(terms: Terms): NanoUsd {
  return effectivePerHour(terms, TYPICAL_JOB.durationSeconds)
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
