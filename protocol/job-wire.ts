/**
 * A job between its requester and the provider that won it: what the broadcast says of it (`requirementsOf`), what the
 * award says (`jobToWire`), and the provider's check that the two agree and that the job keeps the rules of the spec.
 */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import type { Requirements } from './checks.ts'
import { encode, fromWireResources, safeNumber, toWireResources } from './codec.ts'
import { type Job, type JobSchema, RequirementsSchema } from './gen/cortex/v1/market_pb.js'
import { isPeerId } from './ids.ts'
import {
  checkContainerFields,
  containerFields,
  fieldErrors,
  type JobSecrets,
  maxPricePerHour,
  type PublicJobSpec,
  resourcesOf,
} from './job-spec.ts'
import { parseBytes, RESOURCE_KINDS } from './units.ts'
import { WireError } from './wire-error.ts'

/** Offered by providers that publish ports at an address of their own. */
export const PUBLIC_PORTS = 'public-ports'

const containerSchema = z.strictObject(containerFields).superRefine(checkContainerFields)

/** Encoded `Requirements`: all that strangers learn of a job. Names a provider only where the spec asks for one by id. */
export function requirementsOf(spec: PublicJobSpec): Uint8Array {
  const cap = maxPricePerHour(spec)
  return encode(RequirementsSchema, {
    resources: toWireResources(resourcesOf(spec)),
    image: spec.image,
    durationSeconds: spec.duration,
    ...(cap === null ? {} : { maxPricePerHour: cap }),
    region: spec.constraints.region ?? '',
    labels: spec.constraints.labels,
    capabilities: [...new Set([...spec.constraints.capabilities, ...capabilitiesFor(spec)])],
    minUptimeSeconds: spec.constraints.minUptime,
    provider: isPeerId(spec.provider) ? spec.provider : '',
  })
}

/** What a job asks of a provider by what it uses, so that one without it declines rather than refuses the award. */
function capabilitiesFor(spec: PublicJobSpec): string[] {
  return [
    ...(spec.volumes.length > 0 ? ['volumes'] : []),
    ...(spec.outputs === undefined ? [] : ['outputs']),
    ...(spec.ports.some((port) => port.expose && port.public !== true) ? ['ports'] : []),
    ...(spec.ports.some((port) => port.public === true) ? [PUBLIC_PORTS] : []),
  ]
}

/** The job as its award carries it, secrets included. */
export function jobToWire(spec: PublicJobSpec, secrets: JobSecrets): MessageInitShape<typeof JobSchema> {
  return {
    image: spec.image,
    command: spec.command,
    args: spec.args,
    env: spec.env,
    secrets: secrets.secrets,
    resources: toWireResources(resourcesOf(spec)),
    durationSeconds: spec.duration,
    volumes: spec.volumes.map(({ name, mountPath, size }) => ({
      name,
      mountPath,
      sizeBytes: BigInt(parseBytes(size) ?? 0),
    })),
    ports: spec.ports.map(({ port, expose, protocol, public: isPublic = false }) => ({
      ...{ port, expose, protocol },
      public: isPublic,
    })),
    ...(secrets.registryCredentials === undefined ? {} : { registryCredentials: secrets.registryCredentials }),
    imagePullPolicy: spec.imagePullPolicy,
    outputs: spec.outputs ?? '',
    stopSignal: spec.stopSignal,
    stopGraceSeconds: spec.stopGraceSeconds,
    networkMode: spec.network,
  }
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
  if (job.image !== requirements.image) throw invalid('image', 'is not what was bid on')
  if (job.durationSeconds !== requirements.durationSeconds) throw invalid('duration', 'is not what was bid on')
  const parsed = containerSchema.safeParse(specFieldsOf(job))
  if (!parsed.success) {
    const [first] = fieldErrors(parsed.error)
    throw invalid(first?.path ?? '', first?.message ?? 'is not valid')
  }
  const volumeBytes = job.volumes.reduce((sum, volume) => sum + safeNumber(volume.sizeBytes, 'volumes'), 0)
  if (volumeBytes >= resources.storageBytes) throw invalid('volumes', 'are larger than the storage that was bid on')
  return job
}

function specFieldsOf(job: Job): z.input<typeof containerSchema> {
  const { command, args, env, secrets, registryCredentials, outputs, stopSignal, stopGraceSeconds } = job
  return {
    command,
    args,
    env,
    secrets,
    volumes: job.volumes.map(({ name, mountPath, sizeBytes }) => ({ name, mountPath, size: String(sizeBytes) })),
    ports: job.ports.map(({ port, expose, protocol, public: isPublic }) => ({
      ...{ port, expose, public: isPublic },
      protocol: protocol as 'TCP' | 'UDP',
    })),
    ...(registryCredentials === undefined ? {} : { registryCredentials: withoutType(registryCredentials) }),
    imagePullPolicy: job.imagePullPolicy as 'Always',
    ...(outputs === '' ? {} : { outputs }),
    stopSignal,
    stopGraceSeconds,
    network: job.networkMode as 'bridge',
  }
}

function withoutType(credentials: NonNullable<Job['registryCredentials']>) {
  const { username, password, serverAddress } = credentials
  return { username, password, serverAddress }
}

function invalid(field: string, problem: string): WireError {
  return new WireError('INVALID_FIELD', `${field} ${problem}`, { field })
}
