import { JOB_STATUSES, type JobStatus } from '../../../protocol/lifecycle.ts'
import { parseBytes } from '../../../protocol/units.ts'
import { currentCost } from '../../views/cost.ts'
import type { JobRecord } from '../records.ts'

/** What jobs can be listed by. Equal ones follow each other in the order of creation, in the direction of the list. */
export const JOB_SORTS = [
  'createdAt',
  'scheduledAt',
  'startedAt',
  'endedAt',
  'status',
  'image',
  'provider',
  'cpu',
  'memory',
  'storage',
  'gpu',
  'duration',
  'cost',
] as const
/** One of {@link JOB_SORTS}. */
export type JobSort = (typeof JOB_SORTS)[number]

/** What has entries of its own: jobs by status are jobs by creation, one status after the other. */
export type IndexedField = Exclude<JobSort, 'status'>

/** The letter of each field in keys. Never give one to another field: stored keys have them. */
const LETTERS: Record<IndexedField, string> = {
  createdAt: 'a',
  scheduledAt: 'b',
  startedAt: 'c',
  endedAt: 'd',
  image: 'e',
  provider: 'f',
  cpu: 'g',
  memory: 'h',
  storage: 'i',
  gpu: 'j',
  duration: 'k',
  cost: 'l',
}
/** Each with an entry for every job that can have a value of it. */
export const INDEXED_FIELDS = Object.keys(LETTERS) as IndexedField[]

/** Fields that no job of a status has: they would be an entry each for nothing. */
const ABSENT: Partial<Record<JobStatus, IndexedField[]>> = {
  pending: ['scheduledAt', 'startedAt', 'endedAt'],
  scheduled: ['startedAt', 'endedAt'],
  running: ['endedAt'],
}

/** Whether jobs of a status never have a value of this field: then they are listed by creation. */
export function isAbsent(status: JobStatus, field: IndexedField): boolean {
  return ABSENT[status]?.includes(field) ?? false
}

/** A status and a field in a key. */
export function section(status: JobStatus, field: IndexedField): string {
  return `${JOB_STATUSES.indexOf(status)}${LETTERS[field]}`
}

/** A whole number from 0 as text that sorts by value: its base 36 digits after how many there are. */
function numberPart(value: number): string {
  const digits = Math.max(0, Math.floor(value)).toString(36)
  return digits.length.toString(36) + digits
}

/** The value of what has not come yet: before all others. */
export const ZERO = numberPart(0)

/** A status as a key part: its place in the lifecycle, so that lists by status have that order. */
export function statusPart(status: JobStatus): string {
  return String(JOB_STATUSES.indexOf(status))
}

/** A job's value of a field, as a key part. Creation is in the id, which follows. */
export function valuePart(job: JobRecord, field: IndexedField): string {
  const { spec, state } = job
  switch (field) {
    case 'createdAt':
      return ''
    case 'scheduledAt':
      return numberPart(('scheduledAtMs' in state ? state.scheduledAtMs : null) ?? 0)
    case 'startedAt':
      return numberPart(('startedAtMs' in state ? state.startedAtMs : null) ?? 0)
    case 'endedAt':
      return numberPart('endedAtMs' in state ? state.endedAtMs : 0)
    case 'image':
    case 'provider':
      return spec[field]
    case 'memory':
    case 'storage':
      return numberPart(parseBytes(spec[field]) ?? 0)
    case 'cpu':
    case 'gpu':
      return numberPart(spec[field])
    case 'duration':
      return numberPart(job.durationSeconds)
    case 'cost':
      return numberPart(Number(currentCost(job)))
  }
}
