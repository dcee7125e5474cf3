import { createHash } from 'node:crypto'
import type { ContainerSpec } from '../engine/index.ts'
import { type LeaseRecord, type LeaseSecrets, leaseId } from '../journal/records.ts'

const PREFIX = 'cortex-'

/** `cortex-JOB-FENCE`: one container for one attempt, found again after a restart. */
export function containerName(record: Pick<LeaseRecord, 'jobId' | 'fence'>): string {
  return `${PREFIX}${leaseId(record.jobId, record.fence)}`
}

/**
 * The volume's name on the engine: the same for all attempts of a job, so that each finds what the one before left. Job ids
 * are the requesters' own, so whose job it is belongs to it.
 */
export function volumeName({ jobId, requester }: Pick<LeaseRecord, 'jobId' | 'requester'>, name: string): string {
  const whose = createHash('sha256').update(requester).digest('hex').slice(0, 8)
  const which = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${PREFIX}${jobId}-${whose}-${which}`
}

/** What the container itself may write, in bytes: the job's storage without its volumes. */
export function ownStorageBytes({ job, resources }: Pick<LeaseRecord, 'job' | 'resources'>): number {
  return (job.volumes ?? []).reduce((left, { sizeBytes }) => left - sizeBytes, resources.storageBytes)
}

export function containerSpec(record: LeaseRecord, secrets: LeaseSecrets | null, owner: string): ContainerSpec {
  const { job, resources } = record
  return {
    name: containerName(record),
    image: job.image,
    command: job.command,
    args: job.args,
    env: { ...job.env, ...secrets?.env },
    cpuMillis: resources.cpuMillis,
    memoryBytes: resources.memoryBytes,
    storageBytes: ownStorageBytes(record),
    volumes: (job.volumes ?? []).map((volume) => ({ ...volume, name: volumeName(record, volume.name) })),
    gpu: resources.gpu,
    labels: { 'cortex.job': record.jobId, 'cortex.fence': String(record.fence), 'cortex.requester': record.requester },
    owner,
    stopSignal: job.stopSignal,
    network: job.network,
    publish: (job.ports ?? [])
      .filter(({ isPublic }) => isPublic === true)
      .map(({ port, protocol }) => ({ port, protocol })),
  }
}
