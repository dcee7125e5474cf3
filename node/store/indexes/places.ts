import { hash } from 'node:crypto'
import type { JobStatus } from '../../../protocol/lifecycle.ts'
import { currentCost } from '../../views/cost.ts'
import { type BillRecord, type JobRecord, leaseOf } from '../records.ts'
import { key, SEPARATOR } from '../tables.ts'
import type { VolumeReceiptRecord } from '../volume-records.ts'
import { INDEXED_FIELDS, type IndexedField, isAbsent, section, statusPart, valuePart } from './fields.ts'

/** Every owner. */
export const ANY = '*'
/** Without a facet: every job. */
export const NO_FACET = '-'

/**
 * Labels of a job, in alphabetical order, under which it can be listed in every order. Under further ones it is found
 * by creation alone, so that what a job costs to write is bounded.
 */
const SORTED_LABELS = 8

/** Something that jobs are filtered by, and found under. */
export interface Facet {
  kind: 'provider' | 'asked' | 'batch' | 'label'
  /** A label's key; else empty. */
  name: string
  value: string
}

/** A facet as a key part. Text that users choose may be long and hold anything, so it is hashed. */
export function facetPart({ kind, name, value }: Facet): string {
  return hash('sha256', `${kind}\0${name}\0${value}`, 'base64url').slice(0, 22)
}

/** Where jobs stand that have this label beyond the sorted ones. */
export function surplusPart({ name, value }: Facet): string {
  return facetPart({ kind: 'label', name: `\0${name}`, value })
}

/** An owner as a key part: anything that is not plain is hashed. */
export function ownerPart(owner: string): string {
  return /^[\w.@-]{1,64}$/.test(owner) ? owner : `=${hash('sha256', owner, 'base64url')}`
}

/** A list that a job stands in, in some orders. */
interface Place {
  owner: string
  facet: string
  fields: readonly IndexedField[]
}

function placesOf(job: JobRecord): Place[] {
  const owner = ownerPart(job.owner)
  const sorted = (facet: string) => ({ owner, facet, fields: INDEXED_FIELDS })
  const provider = leaseOf(job)?.provider
  const { batch } = job.origin
  const labels = Object.entries(job.spec.labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]): Facet => ({ kind: 'label', name, value }))
  return [
    { owner: ANY, facet: NO_FACET, fields: INDEXED_FIELDS },
    sorted(NO_FACET),
    // Nearly all ask for the network, so these are counted, and found among all.
    { owner, facet: facetPart({ kind: 'asked', name: '', value: job.spec.provider }), fields: [] },
    ...(provider === undefined ? [] : [sorted(facetPart({ kind: 'provider', name: '', value: provider }))]),
    ...(batch === undefined ? [] : [sorted(facetPart({ kind: 'batch', name: '', value: batch }))]),
    ...labels.slice(0, SORTED_LABELS).map((label) => sorted(facetPart(label))),
    ...labels.slice(SORTED_LABELS).map((label): Place => ({ owner, facet: surplusPart(label), fields: ['createdAt'] })),
  ]
}

/** The entries of a list, status and field begin with this; the value and the id follow. */
export function orderPrefix(owner: string, facet: string, status: JobStatus, field: IndexedField): string {
  return key(owner, facet, section(status, field))
}

/** The counter of a list and status. */
export function totalKey(owner: string, facet: string, status: JobStatus): string {
  return key(facet, owner, statusPart(status))
}

/** What jobs and volumes of an owner cost at a provider. */
export function costKey(provider: string, owner: string): string {
  return key(facetPart({ kind: 'provider', name: '', value: provider }), ownerPart(owner))
}

/** What is written of a receipt of a volume beside it: what it adds to its owner's costs, and where it is found by its time. */
export function indexedReceipt(receipt: VolumeReceiptRecord): {
  cost: NonNullable<IndexedJob['cost']>
  entries: string[]
} {
  const { owner, provider, signedAtMs, volumeId, number, cost } = receipt
  return {
    cost: { at: costKey(provider, owner), nanoUsd: Number(cost) },
    entries: [ANY, ownerPart(owner)].map((whose) => key(whose, signedAtMs, volumeId, number, provider)),
  }
}

/** Everything that is written of a job beside its record. */
export interface IndexedJob {
  /** Keys of its entries. */
  entries: Set<string>
  /** What each of them holds: the batch that the job came from, empty where it came from none. */
  batch: string
  /** Counters that count it. */
  totals: Set<string>
  /** Those of them that are also counted by time. */
  timed: string[]
  /** What it adds to what jobs of its owner cost at the provider that it has or had last; null without one. */
  cost: { at: string; nanoUsd: number } | null
}

/** What a job adds to what jobs of its owner cost at its provider, be it there or gone; null without one. */
export function costOf(job: BillRecord): IndexedJob['cost'] {
  const provider = leaseOf(job)?.provider
  return provider === undefined ? null : { at: costKey(provider, job.owner), nanoUsd: Number(currentCost(job)) }
}

/** Entries and counters of a job as its record is now; what changes is the difference between two of these. */
export function indexed(job: JobRecord): IndexedJob {
  const { status } = job.state
  const values = INDEXED_FIELDS.filter((field) => !isAbsent(status, field)).map((field) => ({
    field,
    tail: `${SEPARATOR}${section(status, field)}${SEPARATOR}${valuePart(job, field)}${SEPARATOR}${job.id}`,
  }))
  const { batch = '' } = job.origin
  const found: IndexedJob = { entries: new Set(), batch, totals: new Set(), timed: [], cost: costOf(job) }
  for (const { owner, facet, fields } of placesOf(job)) {
    const place = key(owner, facet)
    for (const { field, tail } of values) {
      if (fields.includes(field)) found.entries.add(place + tail)
    }
    const total = totalKey(owner, facet, status)
    found.totals.add(total)
    if (facet === NO_FACET) found.timed.push(total)
  }
  return found
}
