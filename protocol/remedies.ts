/**
 * What to change of a job so that it does not fail so again: a remedy of `failures.ts`, as fields of a submission. Programs take
 * it as it is, people as a button.
 */

import { type Failure, kindOfFailure } from './failures.ts'
import { bytesOf, type PublicJobSpec } from './job-spec.ts'
import {
  DEFAULT_OPEN_FILES,
  DEFAULT_PIDS,
  MAX_BYTES,
  MAX_DURATION_SECONDS,
  MAX_LEASE_TIMEOUT_SECONDS,
  MAX_OPEN_FILES,
  MAX_PIDS,
  MIN_MEMORY_BYTES,
} from './limits.ts'
import type { RemedyField } from './remedy-fields.ts'
import { formatBytes } from './units.ts'

/** A change of a job that helps. */
export interface Remedy {
  /** What is changed, to be read before “and run”: `Raise memory to 128Mi`. */
  text: string
  /** The fields of a submission that change; null takes one out. */
  changes: Record<string, unknown>
}

/**
 * What to change of a failed job; null where nothing that it asks for would help, or where it has the most already.
 * @param job with the duration that it had in the end, extensions included
 */
export function remedyOf({ code, details }: Pick<Failure, 'code' | 'details'>, job: PublicJobSpec): Remedy | null {
  const { change } = kindOfFailure({ code, details })
  return change === undefined ? null : CHANGES[change](job, details)
}

const CHANGES: Record<RemedyField, (job: PublicJobSpec, details: Failure['details']) => Remedy | null> = {
  memory: ({ memory }) => raisedAmounts({ memory: Math.max(2 * bytesOf(memory), MIN_MEMORY_BYTES) }),
  storage: ({ storage, volumes }, { volume }) =>
    volume === undefined ? raisedAmounts({ storage: 2 * bytesOf(storage) }) : largerVolume(volumes, String(volume)),
  pids: ({ pids }, { limit }) =>
    upTo(pids ?? believed(limit, DEFAULT_PIDS, MAX_PIDS), MAX_PIDS, (most) => raised({ pids: most })),
  ulimits: ({ ulimits }, { limit }) =>
    upTo(ulimits?.nofile ?? believed(limit, DEFAULT_OPEN_FILES, MAX_OPEN_FILES), MAX_OPEN_FILES, (nofile) => ({
      text: `Raise ulimits.nofile to ${nofile}`,
      changes: { ulimits: { nofile } },
    })),
  shmSize: ({ memory, shmSize }) => {
    const had = bytesOf(memory)
    return raisedAmounts({ shmSize: shmSize === undefined ? had : 2 * bytesOf(shmSize), memory: 2 * had })
  },
  maxNetwork: ({ maxNetwork }) =>
    maxNetwork === undefined ? null : raisedAmounts({ maxNetwork: 2 * bytesOf(maxNetwork) }),
  duration: longer,
  leaseTimeout: ({ leaseTimeout }) =>
    upTo(leaseTimeout, MAX_LEASE_TIMEOUT_SECONDS, (seconds) => raised({ leaseTimeout: seconds }, ' s')),
}

/** A job that extends itself ends at `maxDuration`; any other must not ask for more than that. */
function longer({ duration, maxDuration, autoExtend }: PublicJobSpec): Remedy | null {
  const had = Math.max(duration, autoExtend ? (maxDuration ?? 0) : 0)
  return upTo(had, MAX_DURATION_SECONDS, (seconds) => {
    if (maxDuration === undefined) return raised({ duration: seconds }, ' s')
    if (autoExtend) return raised({ maxDuration: seconds }, ' s')
    return raised({ duration: seconds, ...(maxDuration < seconds && { maxDuration: seconds }) }, ' s')
  })
}

/** What a provider says that the job had, where a job may have that and it is no less than what is documented; or else that. */
function believed(told: unknown, documented: number, most: number): number {
  const limit = Number(told)
  return Number.isSafeInteger(limit) && limit > documented && limit <= most ? limit : documented
}

/** Twice what it had, as far as that may be; where it had the most already, nothing helps. */
function upTo(had: number, most: number, make: (value: number) => Remedy): Remedy | null {
  return had < most ? make(Math.min(2 * had, most)) : null
}

/** More than any job may have is no remedy. */
function raisedAmounts(bytes: Record<string, number>): Remedy | null {
  if (Object.values(bytes).some((amount) => amount > MAX_BYTES)) return null
  return raised(Object.fromEntries(Object.entries(bytes).map(([name, amount]) => [name, formatBytes(amount)])))
}

function raised(changes: Record<string, string | number>, unit = ''): Remedy {
  const parts = Object.entries(changes).map(([name, value]) => `${name} to ${value}${unit}`)
  return { text: `Raise ${parts.join(' and ')}`, changes }
}

function largerVolume(volumes: PublicJobSpec['volumes'], name: string): Remedy | null {
  const found = volumes.find((volume) => volume.name === name)
  if (found?.size === undefined) return null
  const bytes = 2 * bytesOf(found.size)
  if (bytes > MAX_BYTES) return null
  const size = formatBytes(bytes)
  return {
    text: `Raise the size of volume ${name} to ${size}`,
    changes: { volumes: volumes.map((volume) => (volume === found ? { ...volume, size } : volume)) },
  }
}
