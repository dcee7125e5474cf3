/** Volumes of a job, as users name them: new ones, which may outlive it, and those that an earlier job left. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { bytesField, nameField, ownPathField, secondsField, volumeIdField } from './job-fields.ts'
import { MAX_KEEP_SECONDS, MIN_KEEP_SECONDS, MIN_VOLUME_BYTES } from './limits.ts'
import { parseBytes } from './units.ts'

/** A new volume has a `name` and a `size`; one that is there already is named by `volume` alone. */
export const volumeSchema = z.strictObject({
  name: nameField.optional().describe('Of a new volume, as the job calls it.'),
  mountPath: ownPathField.describe('Where it is in the container.'),
  size: bytesField('storage', MIN_VOLUME_BYTES).optional().describe('Of a new volume.'),
  keep: secondsField(MIN_KEEP_SECONDS, MAX_KEEP_SECONDS)
    .optional()
    .describe(
      'Seconds that a new volume is kept after its last use, at its provider; where it is left out, it goes with the job.',
    ),
  volume: volumeIdField.optional().describe('Id of a volume that an earlier job left: the job goes to its provider.'),
  shared: z
    .boolean()
    .optional()
    .describe('Whether other jobs may have the volume at the same time, where they say so, too. Default false.'),
})
/** One of a job's volumes. */
export type JobVolume = z.output<typeof volumeSchema>

/** What is wrong with a job's volumes between their fields: each problem with the place that it is told at. */
export function volumeProblems(volumes: readonly JobVolume[]): { path: PropertyKey[]; message: string }[] {
  const problems = volumes.flatMap((volume, i) =>
    problemsOf(volume).map(({ field, message }) => ({ path: ['volumes', i, field], message })),
  )
  const twice = (field: 'name' | 'mountPath' | 'volume', message: string) => {
    const values = volumes.map((volume) => volume[field])
    values.forEach((value, i) => {
      if (value !== undefined && values.indexOf(value) < i) problems.push({ path: ['volumes', i, field], message })
    })
  }
  twice('name', 'is used by another volume: give each its own name')
  twice('mountPath', 'is used by another volume: mount each at its own path')
  twice('volume', 'is mounted already: a job has each volume once')
  return problems
}

function problemsOf({ name, size, keep, volume, shared }: JobVolume): { field: string; message: string }[] {
  const wrong = (field: string, message: string, isWrong: boolean) => (isWrong ? [{ field, message }] : [])
  if (volume !== undefined) {
    const there = 'must be left out beside volume: it is there already'
    return [
      ...wrong('name', there, name !== undefined),
      ...wrong('size', there, size !== undefined),
      ...wrong('keep', `${there}; its keep is changed with PATCH /plugin-core/volumes/ID`, keep !== undefined),
    ]
  }
  return [
    ...wrong('name', 'must be given, or volume for one that is there already', name === undefined),
    ...wrong('size', 'must be given, or volume for one that is there already', size === undefined),
    ...wrong(
      'shared',
      'must have keep or volume beside it: nobody else has a volume that goes with its job',
      shared === true && keep === undefined,
    ),
  ]
}

/** What a volume takes of the job's provider beside what lies there already, in bytes. */
export function volumeBytes({ size }: Pick<JobVolume, 'size'>): number {
  if (size === undefined) return 0
  const bytes = parseBytes(size)
  if (bytes === null) throw new RangeError(`Not an amount: ${size}`)
  return bytes
}

/** A volume that outlives its job, as a request says it. */
export interface KeptRequirement {
  /** Of one that is there already; empty for a new one. */
  id: string
  shared: boolean
  /** Of a new one; else 0. */
  keepSeconds: number
  /** Of a new one, in bytes; else 0. */
  sizeBytes: number
}

/** What a request says of volumes that outlive the job. */
export function keptRequirements(volumes: readonly JobVolume[]): KeptRequirement[] {
  return volumes
    .filter(({ keep, volume }) => keep !== undefined || volume !== undefined)
    .map(({ volume = '', shared = false, keep = 0, ...rest }) => ({
      ...{ id: volume, shared, keepSeconds: keep },
      sizeBytes: volumeBytes(rest),
    }))
}

/** Of each new one its bytes times the seconds that it is kept after its last use, together; see `Most`. */
export function keptByteSecondsOf(volumes: readonly KeptRequirement[]): bigint {
  return volumes.reduce((sum, { sizeBytes, keepSeconds }) => sum + BigInt(sizeBytes) * BigInt(keepSeconds), 0n)
}

/**
 * The id of a volume that a job leaves at a provider, as both of them make it: all attempts of the job there have the same
 * volume, and one elsewhere has its own. It is no secret: whoever asks for a volume is looked at, not what they know.
 *
 * @param name as the job calls it
 */
export function volumeIdOf(jobId: string, provider: string, name: string): string {
  return `vol_${createHash('sha256').update(`${jobId} ${provider} ${name}`).digest('hex').slice(0, 26)}`
}
