import { createHash } from 'node:crypto'
import type { JobEnvironment } from '../../protocol/job-environment.ts'
import { stdinOf } from '../../protocol/job-inputs.ts'
import { outputPaths } from '../../protocol/job-outputs.ts'
import type { VolumeSpec } from '../engine/container-spec.ts'
import type { ContainerSpec, ImageInfo, InputMount } from '../engine/index.ts'
import { type LeaseRecord, type LeaseSecrets, type LeaseVolume, leaseId } from '../journal/records.ts'

const PREFIX = 'cortex-'

/** `cortex-JOB-FENCE`: one container for one attempt, found again after a restart. */
export function containerName(record: Pick<LeaseRecord, 'jobId' | 'fence'>): string {
  return `${PREFIX}${leaseId(record.jobId, record.fence)}`
}

/**
 * The volume's name on the engine: the same for all attempts of a job on one agent, so that each finds what the one before
 * left. Job ids are the requesters' own, so whose job it is belongs to it; and an engine may serve several agents, none of
 * which has what another's attempt left.
 *
 * @param owner peer id of the agent
 */
export function volumeName(owner: string, { jobId, requester }: JobOf, name: string): string {
  return `${PREFIX}${jobId}-${digest(`${owner} ${requester}`)}${volumeSuffix(name)}`
}

/** The engine's name of a volume that outlives its job; the same for all jobs that have it. */
export function keptVolumeName(owner: string, requester: string, id: string): string {
  return `${PREFIX}${id}-${digest(`${owner} ${requester}`)}${volumeSuffix(id)}`
}

/** As {@link volumeSuffix}, of a volume of a lease. */
export function suffixOf({ name, kept }: Pick<LeaseVolume, 'name' | 'kept'>): string {
  return volumeSuffix(kept?.id ?? name)
}

/** Whether it was there before the job, and holds its own room. */
function isTakenUp({ kept }: Pick<LeaseVolume, 'kept'>): boolean {
  return kept !== undefined && kept.keepSeconds === undefined
}

/** Ends the engine's name of a volume that a job calls so: tells those of one container apart. */
function volumeSuffix(name: string): string {
  return `-${digest(name)}`
}

/** As versions named them that knew of one agent on an engine. */
function formerVolumeName({ jobId, requester }: JobOf, name: string): string {
  return `${PREFIX}${jobId}-${digest(requester)}${volumeSuffix(name)}`
}

type JobOf = Pick<LeaseRecord, 'jobId' | 'requester'>

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** What the container itself may write, in bytes: the job's storage without its volumes. */
export function ownStorageBytes({ job, resources }: Pick<LeaseRecord, 'job' | 'resources'>): number {
  const own = (job.volumes ?? []).filter((volume) => !isTakenUp(volume))
  return own.reduce((left, { sizeBytes }) => left - sizeBytes, resources.storageBytes)
}

/**
 * What every program is told of itself; what its job says under the same names goes before it. `JOB_ENVIRONMENT` of
 * `protocol/job-environment.ts` says what each means.
 */
function environmentOf({ jobId, attempt, job, resources }: LeaseRecord, owner: string): JobEnvironment {
  const outputs = outputPaths(job.outputList ?? job.outputs)
  return {
    CORTEX_JOB_ID: jobId,
    ...(attempt === undefined ? {} : { CORTEX_ATTEMPT: String(attempt) }),
    CORTEX_PROVIDER: owner,
    CORTEX_CPU: String(resources.cpuMillis),
    CORTEX_MEMORY: String(resources.memoryBytes),
    CORTEX_STORAGE: String(resources.storageBytes),
    CORTEX_GPU: String(resources.gpu),
    CORTEX_DURATION: String(job.durationSeconds),
    ...(outputs.length === 0 ? {} : { CORTEX_OUTPUTS: outputs.map(({ path }) => path).join(':') }),
  }
}

function volumeSpec(record: LeaseRecord, volume: LeaseVolume, owner: string): VolumeSpec {
  const { name, mountPath, sizeBytes, kept } = volume
  if (kept === undefined) {
    const names = { name: volumeName(owner, record, name), formerName: formerVolumeName(record, name) }
    return { mountPath, sizeBytes, ...names }
  }
  const isThere = isTakenUp(volume)
  return {
    mountPath,
    sizeBytes,
    name: keptVolumeName(owner, record.requester, kept.id),
    kept: { id: kept.id, isThere },
  }
}

/**
 * What the engine is asked to make for a lease.
 * @param secrets null after a restart of the agent, where the award had none
 * @param owner peer id of the agent
 * @param inputs what the job brings, as it was put ready
 */
export function containerSpec(
  record: LeaseRecord,
  secrets: LeaseSecrets | null,
  owner: string,
  pulled: Pick<ImageInfo, 'image' | 'repoDigest'>,
  inputs: InputMount[] = [],
): ContainerSpec {
  const { job, resources, gpuKind } = record
  const { stopSignal, shmBytes, openFiles, pids, init, isolation, workdir, user, tty } = job
  return {
    name: containerName(record),
    image: pulled.image,
    imageName: pulled.repoDigest ?? job.image,
    command: job.command,
    args: job.args,
    env: { ...environmentOf(record, owner), ...job.env, ...secrets?.env },
    cpuMillis: resources.cpuMillis,
    memoryBytes: resources.memoryBytes,
    storageBytes: ownStorageBytes(record),
    volumes: (job.volumes ?? []).map((volume) => volumeSpec(record, volume, owner)),
    ...(inputs.length > 0 && { inputs }),
    ...(stdinOf(job) !== undefined && { stdin: true }),
    gpu: resources.gpu,
    ...(gpuKind === undefined ? {} : { gpuKind }),
    labels: { 'cortex.job': record.jobId, 'cortex.fence': String(record.fence), 'cortex.requester': record.requester },
    owner,
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(shmBytes === undefined ? {} : { shmBytes }),
    ...(openFiles === undefined ? {} : { openFiles }),
    ...(pids === undefined ? {} : { pids }),
    ...(init === undefined ? {} : { init }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(user === undefined ? {} : { user }),
    ...(tty === undefined ? {} : { tty }),
    network: job.network,
    publish: (job.ports ?? [])
      .filter(({ isPublic }) => isPublic === true)
      .map(({ port, protocol }) => ({ port, protocol })),
  }
}
