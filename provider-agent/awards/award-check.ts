/** Whether an award says what was bid on; pure. The job in it is a stranger's, and held to the rules of the job spec. */

import type { Moment } from '../../node/moment.ts'
import {
  CONTAINER_OPTIONS,
  GIT_INPUTS,
  GIT_SUBMODULES,
  GPU_REQUIREMENTS,
  INPUTS,
  ISOLATION,
  KEPT_VOLUMES,
  NETWORK_LIMIT,
  OUTPUT_LIST,
  OUTPUT_TO,
  PLATFORMS,
  PROCESS_OPTIONS,
  PUBLIC_PORTS,
  S3_INPUTS,
  S3_OUTPUTS,
  SENT_IMAGES,
  STDIN,
  TERMINAL,
  URL_INPUTS,
} from '../../protocol/capabilities.ts'
import { fromWireResources } from '../../protocol/codec.ts'
import type { Award, Job, Volume } from '../../protocol/gen/cortex/v1/market_pb.js'
import { isolationFor } from '../../protocol/isolation.ts'
import { inputsOf, secretsOfInputs } from '../../protocol/job-inputs.ts'
import { outputFromWire, secretsOfOutputs } from '../../protocol/job-outputs.ts'
import { volumeIdOf } from '../../protocol/job-volumes.ts'
import { checkWireJob } from '../../protocol/job-wire.ts'
import { storedTerms } from '../../protocol/money.ts'
import { sentImageOf } from '../../protocol/sent-image.ts'
import { readTraceparent } from '../../protocol/traceparent.ts'
import { RESOURCE_KINDS } from '../../protocol/units.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { Offer } from '../bidding/offers.ts'
import type { DeclineCode, Offering } from '../bidding/policy.ts'
import type { LeaseRecord, LeaseSecrets, LeaseVolume } from '../journal/records.ts'

/** Append-only: these cross the wire. */
export type AwardRefusalCode =
  | 'BID_UNKNOWN'
  | 'BID_EXPIRED'
  | 'NOT_THE_REQUESTER'
  | 'REQUIREMENTS_CHANGED'
  | 'PRICE_CHANGED'
  | 'STALE_FENCE'
  | 'INVALID_JOB'
  | 'STORE_UNAVAILABLE'
  | 'STOPPED_BY_OWNER'
  | DeclineCode

/** Why an award is not taken, as its requester is answered. */
export interface AwardRefusal {
  code: AwardRefusalCode
  /** For people. */
  message: string
}

/** @param offering what this provider offers beside containers, and under which walls, now */
export function checkAgainstOffer(
  award: Award,
  offer: Offer,
  provider: string,
  { capabilities, isolations }: Pick<Offering, 'capabilities' | 'isolations'>,
): AwardRefusal | null {
  if (award.requester !== offer.requester) return no('NOT_THE_REQUESTER', 'The bid was made to another requester')
  if (award.provider !== provider) return no('BID_UNKNOWN', 'The award is for another provider')
  if (hex(award.requestId) !== offer.requestId) return no('BID_UNKNOWN', 'The bid was made for another request')
  if (!Buffer.from(award.requirementsDigest).equals(offer.requirementsDigest)) {
    return no('REQUIREMENTS_CHANGED', 'The requirements are not those that were bid on')
  }
  if (award.pricePerHour !== offer.pricePerHour) {
    return no(
      'PRICE_CHANGED',
      `The bid asks ${offer.pricePerHour} nano-dollars an hour, the award says ${award.pricePerHour}`,
    )
  }
  if (award.minimumCharge !== offer.minimumCharge) {
    return no(
      'PRICE_CHANGED',
      `The bid asks at least ${offer.minimumCharge} nano-dollars, the award says ${award.minimumCharge}`,
    )
  }
  if (award.pricePerGb !== offer.pricePerGb) {
    return no(
      'PRICE_CHANGED',
      `The bid asks ${offer.pricePerGb} nano-dollars per GB of traffic, the award says ${award.pricePerGb}`,
    )
  }
  if (award.volumePerGbHour !== offer.volumePerGbHour) {
    return no(
      'PRICE_CHANGED',
      `The bid asks ${offer.volumePerGbHour} nano-dollars per GB-hour of volumes, the award says ${award.volumePerGbHour}`,
    )
  }
  // Its runtime may have failed since the bid.
  if (isolationFor(isolations, offer.isolation) === null) {
    return no('ENGINE_UNAVAILABLE', `Does not run jobs under ${offer.isolation} at the moment`)
  }
  return checkJob(award, offer, capabilities)
}

function checkJob({ job }: Award, { requirements }: Offer, capabilities: string[]): AwardRefusal | null {
  if (job !== undefined) {
    const resources = fromWireResources(job.resources)
    const changed = RESOURCE_KINDS.find((kind) => resources[kind] !== requirements.resources[kind])
    if (changed !== undefined) return no('REQUIREMENTS_CHANGED', `The job's ${changed} is not what was bid on`)
    if (job.image !== requirements.image) return no('REQUIREMENTS_CHANGED', 'The image is not what was bid on')
    if (job.durationSeconds !== requirements.durationSeconds) {
      return no('REQUIREMENTS_CHANGED', 'The duration is not what was bid on')
    }
    const needs = [
      job.volumes.length > 0 ? 'volumes' : '',
      job.volumes.some(({ id, keepSeconds }) => id !== '' || keepSeconds > 0) ? KEPT_VOLUMES : '',
      job.outputs === '' && job.outputList.length === 0 ? '' : 'outputs',
      job.outputList.length === 0 ? '' : OUTPUT_LIST,
      job.outputList.some(({ to }) => to.case !== undefined) ? OUTPUT_TO : '',
      job.outputList.some(({ to }) => to.case === 'toS3') ? S3_OUTPUTS : '',
      job.ports.some((port) => port.expose && !port.public) ? 'ports' : '',
      job.ports.some((port) => port.public) ? PUBLIC_PORTS : '',
      job.shmBytes > 0n || job.openFiles > 0 || job.pids > 0 || job.init !== undefined ? CONTAINER_OPTIONS : '',
      job.workdir === '' && job.user === '' ? '' : PROCESS_OPTIONS,
      job.tty ? TERMINAL : '',
      job.gpuRequirements === undefined ? '' : GPU_REQUIREMENTS,
      job.maxNetworkBytes === undefined || job.networkMode === 'none' ? '' : NETWORK_LIMIT,
      job.platform === '' && job.imageDigest === '' ? '' : PLATFORMS,
      job.isolation === '' ? '' : ISOLATION,
      job.inputs.length === 0 ? '' : INPUTS,
      job.sentImage === undefined ? '' : SENT_IMAGES,
      job.inputs.some(({ stdin }) => stdin) ? STDIN : '',
      job.inputs.some(({ source }) => source.case === 'url') ? URL_INPUTS : '',
      job.inputs.some(({ source }) => source.case === 's3') ? S3_INPUTS : '',
      job.inputs.some(({ source }) => source.case === 'git') ? GIT_INPUTS : '',
      job.inputs.some(({ source }) => source.case === 'git' && source.value.submodules) ? GIT_SUBMODULES : '',
    ]
    const missing = needs.find((need) => need !== '' && !capabilities.includes(need))
    if (missing !== undefined) return no('CAPABILITY_MISSING', `This provider does not offer ${missing}`)
  }
  try {
    checkWireJob(job, requirements)
    return null
  } catch (error) {
    if (error instanceof WireError) return no('INVALID_JOB', error.message)
    throw error
  }
}

/**
 * The lease of an award that passed, without what must not be written down.
 * @param sizeOf of a volume of the requester's that is there already, in bytes
 */
export function leaseRecordOf(
  award: Award,
  offer: Offer,
  now: Moment,
  sizeOf: (volumeId: string) => number = () => 0,
): LeaseRecord {
  const { job } = award
  if (job === undefined) throw new WireError('INVALID_FIELD', 'job is missing')
  const { image, command, args, env, durationSeconds, stopGraceSeconds, shmBytes, openFiles, pids, init } = job
  return {
    jobId: award.jobId,
    fence: award.fence,
    ...(award.attempt === 0 ? {} : { attempt: award.attempt }),
    requester: award.requester,
    bidId: offer.bidId,
    requestId: offer.requestId,
    requirementsDigest: hex(offer.requirementsDigest),
    ...storedTerms(offer),
    resources: offer.requirements.resources,
    ...(offer.gpuKind === undefined ? {} : { gpuKind: offer.gpuKind }),
    job: {
      ...{ image, command, args, env, durationSeconds, stopGraceSeconds },
      ...(job.imageStopSignal ? {} : { stopSignal: job.stopSignal }),
      imagePullPolicy: job.imagePullPolicy as LeaseRecord['job']['imagePullPolicy'],
      network: job.networkMode as LeaseRecord['job']['network'],
      ports: job.ports
        .filter(({ expose }) => expose)
        .map(({ port, protocol, public: isPublic }) => ({
          ...{ port, isPublic },
          protocol: protocol === 'UDP' ? 'UDP' : 'TCP',
        })),
      outputs: job.outputs,
      ...(job.outputList.length === 0 ? {} : { outputList: job.outputList.map(outputFromWire) }),
      volumes: job.volumes.map((volume) => leaseVolumeOf(award, volume, sizeOf)),
      ...(job.inputs.length === 0 ? {} : { inputs: inputsOf(job) }),
      ...sentImageFields(job),
      ...(shmBytes === 0n ? {} : { shmBytes: Number(shmBytes) }),
      ...(openFiles === 0 ? {} : { openFiles }),
      ...(pids === 0 ? {} : { pids }),
      ...(job.maxNetworkBytes === undefined ? {} : { maxNetworkBytes: Number(job.maxNetworkBytes) }),
      ...(init === undefined ? {} : { init }),
      isolation: offer.isolation,
      ...(job.workdir === '' ? {} : { workdir: job.workdir }),
      ...(job.user === '' ? {} : { user: job.user }),
      ...(job.tty && { tty: true }),
      ...(offer.platforms.length === 0 ? {} : { platforms: offer.platforms }),
      ...(job.platform === '' ? {} : { isPlatformNamed: true }),
      ...(job.imageDigest === '' ? {} : { imageDigest: job.imageDigest }),
    },
    hadSecrets: Object.keys(job.secrets).length > 0 || job.registryCredentials !== undefined,
    onDisconnect: award.onDisconnect === 'stop' ? 'stop' : 'continue',
    leaseTimeoutMs: award.leaseTimeoutMs,
    addresses: award.addresses,
    traceparent: readTraceparent(award.traceparent),
    acceptedAtMs: now.wallMs,
    acceptedAt: now,
  }
}

function sentImageFields(job: Job): Pick<LeaseRecord['job'], 'sentImage'> {
  const sentImage = sentImageOf(job)
  return sentImage === undefined ? {} : { sentImage }
}

function leaseVolumeOf(
  { jobId, provider }: Pick<Award, 'jobId' | 'provider'>,
  { name, mountPath, sizeBytes, id, keepSeconds, shared: isShared }: Volume,
  sizeOf: (volumeId: string) => number,
): LeaseVolume {
  const shared = isShared ? { shared: true as const } : {}
  if (id !== '') return { name: id, mountPath, sizeBytes: sizeOf(id), kept: { id, ...shared } }
  const own = { name, mountPath, sizeBytes: Number(sizeBytes) }
  if (keepSeconds === 0) return own
  return { ...own, kept: { id: volumeIdOf(jobId, provider, name), keepSeconds, ...shared } }
}

/**
 * What of an award is never written down: its secrets, as environment of the container, but for those that an input or an
 * output names as its keys, and what the registry is to be told.
 */
export function secretsOf({ job }: Award): LeaseSecrets {
  const { secrets = {}, registryCredentials } = job ?? {}
  const named = job === undefined ? new Set<string>() : secretsOfInputs(inputsOf(job))
  for (const name of secretsOfOutputs((job?.outputList ?? []).map(outputFromWire))) named.add(name)
  const [keys, env] = [true, false].map((isKey) =>
    Object.fromEntries(Object.entries(secrets).filter(([name]) => named.has(name) === isKey)),
  ) as [Record<string, string>, Record<string, string>]
  const all = { env, ...(named.size > 0 && { keys }) }
  if (registryCredentials === undefined) return all
  const { username, password, serverAddress } = registryCredentials
  return { ...all, registryCredentials: { username, password, serverAddress } }
}

function no(code: AwardRefusalCode, message: string): AwardRefusal {
  return { code, message }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
