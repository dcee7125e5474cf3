/**
 * What to change of a job so that it does not fail so again: a remedy of `failures.ts`, as fields of a submission. Programs take
 * it as it is, people as a button.
 */

import { type Failure, kindOfFailure } from './failures.ts'
import { bytesOf, type PublicJobSpec } from './job-spec.ts'
import {
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
  memory: ({ memory }) => raised({ memory: formatBytes(Math.max(2 * bytesOf(memory), MIN_MEMORY_BYTES)) }),
  storage: ({ storage, volumes }, { volume }) =>
    volume === undefined ? raised({ storage: doubled(storage) }) : largerVolume(volumes, String(volume)),
  pids: ({ pids }, { limit }) => upTo(pids ?? Number(limit), MAX_PIDS, (most) => raised({ pids: most })),
  ulimits: ({ ulimits }, { limit }) =>
    upTo(ulimits?.nofile ?? Number(limit), MAX_OPEN_FILES, (nofile) => ({
      text: `Raise ulimits.nofile to ${nofile}`,
      changes: { ulimits: { nofile } },
    })),
  shmSize: ({ memory, shmSize }) =>
    raised({ shmSize: shmSize === undefined ? memory : doubled(shmSize), memory: doubled(memory) }),
  maxNetwork: ({ maxNetwork }) => (maxNetwork === undefined ? null : raised({ maxNetwork: doubled(maxNetwork) })),
  duration: ({ duration }) => upTo(duration, MAX_DURATION_SECONDS, (seconds) => raised({ duration: seconds }, ' s')),
  leaseTimeout: ({ leaseTimeout }) =>
    upTo(leaseTimeout, MAX_LEASE_TIMEOUT_SECONDS, (seconds) => raised({ leaseTimeout: seconds }, ' s')),
}

function doubled(amount: string): string {
  return formatBytes(2 * bytesOf(amount))
}

/** Twice what it had, as far as that may be; where it had the most already, or nobody knows what, nothing helps. */
function upTo(had: number, most: number, make: (value: number) => Remedy): Remedy | null {
  return had < most ? make(Math.min(2 * had, most)) : null
}

function raised(changes: Record<string, string | number>, unit = ''): Remedy {
  const parts = Object.entries(changes).map(([name, value]) => `${name} to ${value}${unit}`)
  return { text: `Raise ${parts.join(' and ')}`, changes }
}

function largerVolume(volumes: PublicJobSpec['volumes'], name: string): Remedy | null {
  const found = volumes.find((volume) => volume.name === name)
  if (found?.size === undefined) return null
  const size = doubled(found.size)
  return {
    text: `Raise the size of volume ${name} to ${size}`,
    changes: { volumes: volumes.map((volume) => (volume === found ? { ...volume, size } : volume)) },
  }
}
