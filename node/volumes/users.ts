import { volumeIdOf } from '../../protocol/job-volumes.ts'
import type { JobRecord, JobStore, VolumeRecord } from '../store/index.ts'

/** Jobs of one provider that are looked at. */
const MAX_JOBS = 1_000
/** Jobs that are told of one volume: shared ones may be had by very many. */
const MAX_TOLD = 16

/** The jobs that have each of the volumes now, oldest first, by the volume's id; what nobody has is not among them. */
export async function usersOf(
  store: Pick<JobStore, 'list'>,
  records: readonly VolumeRecord[],
): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>()
  const wanted = new Set(records.filter(({ inUse }) => inUse).map(({ id }) => id))
  const providers = new Set(records.filter(({ id }) => wanted.has(id)).map(({ provider }) => provider))
  for (const provider of providers) {
    const { jobs } = await store.list({ provider, statuses: ['scheduled', 'running'], order: 'asc', limit: MAX_JOBS })
    for (const job of jobs) {
      for (const id of volumesOf(job, provider)) {
        const told = users.get(id) ?? []
        if (wanted.has(id) && told.length < MAX_TOLD) users.set(id, [...told, job.id])
      }
    }
  }
  return users
}

/** The volumes that outlive a job, those that it makes at this provider and those that it takes up, by id. */
export function volumesOf({ id: jobId, spec }: Pick<JobRecord, 'id' | 'spec'>, provider: string): string[] {
  return spec.volumes.flatMap(({ volume, name, keep }) => {
    if (volume !== undefined) return [volume]
    return name === undefined || keep === undefined ? [] : [volumeIdOf(jobId, provider, name)]
  })
}
