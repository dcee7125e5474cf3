import type { ContainerSpec } from '../engine/index.ts'
import { type LeaseRecord, type LeaseSecrets, leaseId } from '../journal/records.ts'

const PREFIX = 'cortex-'

/** `cortex-JOB-FENCE`: one container for one attempt, found again after a restart. */
export function containerName(record: Pick<LeaseRecord, 'jobId' | 'fence'>): string {
  return `${PREFIX}${leaseId(record.jobId, record.fence)}`
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
    storageBytes: resources.storageBytes,
    gpu: resources.gpu,
    labels: { 'cortex.job': record.jobId, 'cortex.fence': String(record.fence), 'cortex.requester': record.requester },
    owner,
    stopSignal: job.stopSignal,
    network: job.network,
  }
}
