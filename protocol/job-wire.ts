/**
 * A job between its requester and the provider that won it: what the broadcast says of it (`requirementsOf`), what the
 * award says (`jobToWire`), and the provider's check that the two agree and that the job keeps the rules of the spec.
 */

import { isDeepStrictEqual } from 'node:util'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import { capabilitiesFor, SENT_IMAGES } from './capabilities.ts'
import { encode, fromWireResources, safeNumber, toWireResources } from './codec.ts'
import { type Job, type JobSchema, RequirementsSchema } from './gen/cortex/v1/market_pb.js'
import { checkGpuRequirements, gpuRequirementsToWire } from './gpu-wire.ts'
import type { GpuRequirements } from './gpus.ts'
import { isPeerId } from './ids.ts'
import { ANY_PROVIDER } from './job-defaults.ts'
import { gpuRequirementsOf } from './job-gpus.ts'
import { checkInputs, inputToWire, type JobInput } from './job-inputs.ts'
import { outputsOfWire, outputsToWire } from './job-outputs.ts'
import {
  bytesOf,
  checkContainerFields,
  containerFields,
  credentialsProblem,
  fieldErrors,
  type JobSecrets,
  maxNetworkOf,
  maxPricePerHour,
  minimumsOf,
  type PublicJobSpec,
  resourcesOf,
} from './job-spec.ts'
import { keptRequirements, volumeBytes } from './job-volumes.ts'
import type { Requirements } from './market-messages.ts'
import { asksForSpeed, toWireFigures } from './measured.ts'
import { plainPlatform, platformsAsked, type ResolvedImage } from './platforms.ts'
import { type SentImage, sentImageOf, sentImageToWire } from './sent-image.ts'
import { RESOURCE_KINDS } from './units.ts'
import { type WantedBlobs, wantedToWire } from './wanted-blobs.ts'
import { WireError } from './wire-error.ts'

const DEFAULT_STOP_SIGNAL = 'SIGTERM'

const containerSchema = z.strictObject(containerFields).superRefine(checkContainerFields)

/**
 * All that strangers learn of a job. What narrows the choice is said as it is or not at all: a field that cannot be said must
 * not look like one that was not given.
 *
 * @param image as its registry said; null where it did not
 * @param blobs what it brings, see `Marker`; undefined is nothing
 * @throws {WireError} `INVALID_FIELD` where the spec asks for a provider by anything but its id
 */
export function requirementsOf(spec: PublicJobSpec, image?: ResolvedImage | null, blobs?: WantedBlobs): Requirements {
  return {
    resources: resourcesOf(spec),
    image: spec.image,
    durationSeconds: spec.duration,
    maxPricePerHour: maxPricePerHour(spec),
    region: spec.constraints.region ?? '',
    labels: spec.constraints.labels,
    capabilities: [...new Set([...spec.constraints.capabilities, ...capabilitiesFor(spec, image ?? null)])],
    minUptimeSeconds: spec.constraints.minUptime,
    provider: wireProvider(spec.provider),
    minimums: minimumsOf(spec.constraints),
    platforms: platformsAsked(spec, image ?? null),
    imageDigest: image?.digest ?? '',
    isolation: spec.isolation ?? '',
    ...gpusAsked(spec),
    ...trafficAsked(spec),
    ...keptAsked(spec),
    ...(blobs === undefined ? {} : { blobs }),
    ...(image?.bytes === undefined ? {} : { imageBytes: image.bytes }),
  }
}

/** One way to say that there are none: saying nothing. */
function keptAsked({ volumes }: PublicJobSpec): Pick<Requirements, 'keptVolumes'> {
  const keptVolumes = keptRequirements(volumes)
  return keptVolumes.length === 0 ? {} : { keptVolumes }
}

function trafficAsked(spec: PublicJobSpec): Pick<Requirements, 'maxNetworkBytes'> {
  const maxNetworkBytes = maxNetworkOf(spec)
  return maxNetworkBytes === undefined ? {} : { maxNetworkBytes }
}

/** As messages carry it. */
function trafficToWire(maxNetworkBytes: number | undefined): { maxNetworkBytes?: bigint } {
  return maxNetworkBytes === undefined ? {} : { maxNetworkBytes: BigInt(maxNetworkBytes) }
}

/** The same as the request carries them. @throws {WireError} as {@link requirementsOf} */
export function encodedRequirements(spec: PublicJobSpec, image?: ResolvedImage | null, data?: WantedBlobs): Uint8Array {
  const {
    resources,
    maxPricePerHour: cap,
    gpuRequirements,
    minimums,
    maxNetworkBytes,
    keptVolumes = [],
    blobs,
    imageBytes = 0,
    ...rest
  } = requirementsOf(spec, image, data)
  return encode(RequirementsSchema, {
    ...rest,
    ...(asksForSpeed(minimums) ? { minimums: toWireFigures(minimums) } : {}),
    resources: toWireResources(resources),
    ...(cap === null ? {} : { maxPricePerHour: cap }),
    ...(gpuRequirements === undefined ? {} : { gpuRequirements: gpuRequirementsToWire(gpuRequirements) }),
    ...trafficToWire(maxNetworkBytes),
    keptVolumes: keptVolumes.map((volume) => ({ ...volume, sizeBytes: BigInt(volume.sizeBytes) })),
    ...(blobs === undefined ? {} : { blobs: wantedToWire(blobs) }),
    imageBytes: BigInt(imageBytes),
  })
}

/** One way to say that any will do: saying nothing. */
function gpusAsked({ gpuRequirements }: Pick<PublicJobSpec, 'gpuRequirements'>): { gpuRequirements?: GpuRequirements } {
  const asked = gpuRequirementsOf(gpuRequirements)
  return asked === null ? {} : { gpuRequirements: asked }
}

/** Empty is any: nothing else may become that on the way. */
function wireProvider(provider: string): string {
  if (provider === ANY_PROVIDER) return ''
  if (isPeerId(provider)) return provider
  throw invalid('provider', `must be ${ANY_PROVIDER} or a peer id: a name is to be resolved before anybody is asked`)
}

/**
 * The job as its award carries it, secrets included.
 * @param image as in {@link requirementsOf}
 * @param inputs what `spec.inputs` came to
 * @param sent what `spec.imageFrom` came to
 */
export function jobToWire(
  spec: PublicJobSpec,
  secrets: JobSecrets,
  image: ResolvedImage | null = null,
  inputs: readonly JobInput[] = [],
  sent?: SentImage,
): MessageInitShape<typeof JobSchema> {
  return {
    image: spec.image,
    command: spec.command,
    args: spec.args,
    env: spec.env,
    secrets: secrets.secrets,
    resources: toWireResources(resourcesOf(spec)),
    durationSeconds: spec.duration,
    volumes: spec.volumes.map(({ name = '', mountPath, keep = 0, volume = '', shared = false, ...rest }) => ({
      ...{ name, mountPath, shared, keepSeconds: keep, id: volume },
      sizeBytes: BigInt(volumeBytes(rest)),
    })),
    ports: spec.ports.map(({ port, expose, protocol, public: isPublic = false }) => ({
      ...{ port, expose, protocol },
      public: isPublic,
    })),
    ...(secrets.registryCredentials === undefined ? {} : { registryCredentials: secrets.registryCredentials }),
    imagePullPolicy: spec.imagePullPolicy,
    ...outputsToWire(spec.outputs),
    stopSignal: spec.stopSignal ?? DEFAULT_STOP_SIGNAL,
    imageStopSignal: spec.stopSignal === undefined,
    stopGraceSeconds: spec.stopGraceSeconds,
    networkMode: spec.network,
    shmBytes: spec.shmSize === undefined ? 0n : BigInt(bytesOf(spec.shmSize)),
    openFiles: spec.ulimits?.nofile ?? 0,
    pids: spec.pids ?? 0,
    ...(spec.init === undefined ? {} : { init: spec.init }),
    workdir: spec.workdir ?? '',
    user: spec.user ?? '',
    tty: spec.tty ?? false,
    ...gpusToWire(spec),
    ...trafficToWire(maxNetworkOf(spec)),
    platform: spec.platform === undefined ? '' : plainPlatform(spec.platform),
    imageDigest: image?.digest ?? '',
    isolation: spec.isolation ?? '',
    inputs: inputs.map(inputToWire),
    ...(sent === undefined ? {} : { sentImage: sentImageToWire(sent) }),
  }
}

function gpusToWire(spec: PublicJobSpec) {
  const { gpuRequirements } = gpusAsked(spec)
  return gpuRequirements === undefined ? {} : { gpuRequirements: gpuRequirementsToWire(gpuRequirements) }
}

/**
 * A job out of an award, as far as a provider may act on it: it asks for exactly what was bid on, and every field is one
 * that {@link jobToWire} could have written. Messages name fields, never values.
 *
 * @throws {WireError} `INVALID_FIELD`, with `field` in the words of the job spec
 */
export function checkWireJob(job: Job | undefined, requirements: Requirements): Job {
  if (job === undefined) throw invalid('job', 'is missing')
  const resources = fromWireResources(job.resources)
  for (const kind of RESOURCE_KINDS) {
    if (resources[kind] !== requirements.resources[kind]) throw invalid(`resources.${kind}`, 'is not what was bid on')
  }
  const traffic = job.maxNetworkBytes === undefined ? undefined : Number(job.maxNetworkBytes)
  if (traffic !== requirements.maxNetworkBytes) throw invalid('maxNetwork', 'is not what was bid on')
  if (job.image !== requirements.image) throw invalid('image', 'is not what was bid on')
  if (job.durationSeconds !== requirements.durationSeconds) throw invalid('duration', 'is not what was bid on')
  const gpus = job.gpuRequirements === undefined ? undefined : checkGpuRequirements(job.gpuRequirements)
  if (!isDeepStrictEqual(gpus, requirements.gpuRequirements)) throw invalid('gpuRequirements', 'is not what was bid on')
  if (job.imageDigest !== requirements.imageDigest) throw invalid('image', 'is not of the digest that was bid on')
  if (job.platform !== '' && !isDeepStrictEqual([job.platform], requirements.platforms)) {
    throw invalid('platform', 'is not what was bid on')
  }
  if (job.isolation !== requirements.isolation) throw invalid('isolation', 'is not what was bid on')
  const parsed = containerSchema.safeParse(specFieldsOf(job))
  const kept = keptRequirements(parsed.data?.volumes ?? [])
  if (parsed.success && !isDeepStrictEqual(kept, requirements.keptVolumes ?? [])) {
    throw invalid('volumes', 'are not those that were bid on')
  }
  if (!parsed.success) {
    const [first] = fieldErrors(parsed.error)
    throw invalid(first?.path ?? '', first?.message ?? 'is not valid')
  }
  checkInputs(job)
  // Who bid took it for what a registry has under that name.
  if (sentImageOf(job) !== undefined && !requirements.capabilities.includes(SENT_IMAGES)) {
    throw invalid('imageFrom', 'is not what was bid on')
  }
  const problem = credentialsProblem(job.image, job.registryCredentials)
  if (problem !== null) throw invalid('registryCredentials.serverAddress', problem)
  const volumeBytes = job.volumes.reduce((sum, volume) => sum + safeNumber(volume.sizeBytes, 'volumes'), 0)
  if (volumeBytes >= resources.storageBytes) throw invalid('volumes', 'are larger than the storage that was bid on')
  if (job.shmBytes > BigInt(resources.memoryBytes))
    throw invalid('shmSize', 'is larger than the memory that was bid on')
  return job
}

function specFieldsOf(job: Job): z.input<typeof containerSchema> {
  const { command, args, env, secrets, registryCredentials, stopSignal, stopGraceSeconds } = job
  const outputs = outputsOfWire(job)
  return {
    command,
    args,
    env,
    secrets,
    volumes: job.volumes.map(volumeOfWire),
    ports: job.ports.map(({ port, expose, protocol, public: isPublic }) => ({
      ...{ port, expose, public: isPublic },
      protocol: protocol as 'TCP' | 'UDP',
    })),
    ...(registryCredentials === undefined ? {} : { registryCredentials: withoutType(registryCredentials) }),
    imagePullPolicy: job.imagePullPolicy as 'Always',
    ...(outputs === undefined ? {} : { outputs }),
    stopSignal,
    stopGraceSeconds,
    network: job.networkMode as 'bridge',
    ...(job.shmBytes === 0n ? {} : { shmSize: String(job.shmBytes) }),
    ...(job.openFiles === 0 ? {} : { ulimits: { nofile: job.openFiles } }),
    ...(job.pids === 0 ? {} : { pids: job.pids }),
    ...(job.init === undefined ? {} : { init: job.init }),
    ...(job.workdir === '' ? {} : { workdir: job.workdir }),
    ...(job.tty && { tty: true }),
    ...(job.user === '' ? {} : { user: job.user }),
  }
}

function volumeOfWire({ name, mountPath, sizeBytes, keepSeconds, id, shared }: Job['volumes'][number]) {
  return {
    mountPath,
    ...(id === '' ? { name, size: String(sizeBytes) } : { volume: id }),
    ...(keepSeconds === 0 ? {} : { keep: keepSeconds }),
    ...(shared ? { shared } : {}),
  }
}

function withoutType(credentials: NonNullable<Job['registryCredentials']>) {
  const { username, password, serverAddress } = credentials
  return { username, password, serverAddress }
}

function invalid(field: string, problem: string): WireError {
  return new WireError('INVALID_FIELD', `${field} ${problem}`, { field })
}
