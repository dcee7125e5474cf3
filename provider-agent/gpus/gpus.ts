/**
 * Which GPUs a container gets. By name always: an engine that is only told how many gives the first ones, the same to
 * every container.
 */

import type { ContainerInspectInfo, DeviceRequest, HostConfig } from 'dockerode'
import { GPU_VENDORS, type GpuVendor } from '../../protocol/gpus.ts'
import { EngineError, type GpuClaim, type GpuDriver } from '../engine/index.ts'
import { KFD } from './device-files.ts'
import type { Gpu } from './gpu.ts'

/** The GPUs that nobody has. */
export function freeGpus(gpus: readonly Gpu[], claims: readonly GpuClaim[]): Gpu[] {
  return gpus.filter((gpu) => !claims.some((claim) => holds(claim, gpu)))
}

/** What two GPUs have in common that are sold as the same. */
export function kindOf({ vendor, model, memoryBytes, migProfile, interconnect, compute }: Gpu): string {
  return [vendor, model, memoryBytes, migProfile, interconnect, compute].join('|')
}

function holds(claim: GpuClaim, gpu: Gpu): boolean {
  if ('devices' in claim) {
    const own = gpu.devices.filter((file) => file !== KFD)
    return own.some((file) => claim.devices.some((path) => file === path || file.startsWith(`${path}/`)))
  }
  if (claim.vendor !== gpu.vendor) return false
  if ('first' in claim) return claim.first === null || gpu.index < claim.first
  return claim.ids.some((id) => namesOf(gpu).includes(id.slice(id.indexOf('=') + 1)))
}

/** Every name under which somebody may have it, its card's among them. */
function namesOf({ uuid, index, part }: Gpu): string[] {
  const own = ['all', uuid, String(index), busIdOf(uuid)]
  return part === null ? own : [...own, part.card, `${index}:${part.place}`]
}

function busIdOf(uuid: string): string {
  return uuid.replace(/^(amd|intel)-/, '')
}

function cdiKind(vendor: GpuVendor): string {
  return `${vendor}.com/gpu=`
}

/** What of a container is about GPUs: what it was made with, by whatever way. */
export function gpuClaims({ HostConfig: host, Config: config }: Made): GpuClaim[] {
  const files = ((host.Devices ?? []) as { PathOnHost: string }[]).map(({ PathOnHost: path }) =>
    path.replace(/\/+$/, ''),
  )
  const devices = files.filter((path) => '/dev/dri/'.startsWith(`${path}/`) || path.startsWith('/dev/dri/'))
  return [
    ...(host.DeviceRequests ?? []).flatMap(requestClaims),
    ...(devices.length > 0 ? [{ devices }] : []),
    ...(host.Runtime === NVIDIA_RUNTIME ? environmentClaims(config?.Env ?? []) : []),
  ]
}

/** As much of what the engine says of a container as is looked at. */
export interface Made {
  HostConfig: Pick<HostConfig, 'DeviceRequests' | 'Devices' | 'Runtime'>
  Config?: Pick<ContainerInspectInfo['Config'], 'Env'>
}

function requestClaims({ Driver, Count, DeviceIDs, Capabilities }: DeviceRequest): GpuClaim[] {
  const ids = DeviceIDs ?? []
  if (Driver === 'cdi') {
    return GPU_VENDORS.flatMap((vendor) => {
      const own = ids.filter((id) => id.startsWith(cdiKind(vendor)))
      return own.length > 0 ? [{ vendor, ids: own }] : []
    })
  }
  if (!(Capabilities ?? []).flat().includes('gpu')) return []
  if (ids.length > 0) return [{ vendor: 'nvidia', ids }]
  return [{ vendor: 'nvidia', first: Count === undefined || Count < 0 ? null : Count }]
}

const NVIDIA_RUNTIME = 'nvidia'
const NVIDIA_VARIABLE = 'NVIDIA_VISIBLE_DEVICES'

/** NVIDIA's runtime gives what this variable names, which an image may set, too. */
function environmentClaims(env: readonly string[]): GpuClaim[] {
  const value = env.findLast((line) => line.startsWith(`${NVIDIA_VARIABLE}=`))?.slice(NVIDIA_VARIABLE.length + 1) ?? ''
  const ids = value.split(',').filter((id) => !['', 'void', 'none'].includes(id))
  return ids.length > 0 ? [{ vendor: 'nvidia', ids }] : []
}

/** What the engine is asked for, so that a container gets some GPUs, or none. */
export interface GpuGrant {
  host: Pick<HostConfig, 'DeviceRequests' | 'Devices' | 'GroupAdd'>
  /** Outweighs the container's own. */
  env: Record<string, string>
  /** Uuids. */
  given: string[]
}

/** Asks the engine for none. */
export const NO_GPUS: GpuGrant = { host: {}, env: {}, given: [] }

/**
 * @param free those that nobody has and nothing is wrong with, of the kind that was offered
 * @throws {EngineError} `RESOURCE_LIMIT_EXCEEDED`, `details.resource: 'gpu'`, where fewer are free
 */
export function gpuGrant(count: number, free: readonly Gpu[], driver: GpuDriver | null): GpuGrant {
  if (count === 0) return { ...NO_GPUS, env: environment([], driver) }
  const usable = driver === null ? [] : free.filter((gpu) => canGive(gpu, driver))
  if (driver === null || usable.length < count) {
    const text = `${count} GPU asked, ${usable.length} free on this machine`
    throw new EngineError('RESOURCE_LIMIT_EXCEEDED', text, { reason: 'not-as-offered', resource: 'gpu' })
  }
  const taken = usable.slice(0, count)
  const byUuid = taken.filter((gpu) => isGivenByRuntime(gpu, driver))
  const byName = taken.flatMap((gpu) => (byUuid.includes(gpu) ? [] : (cdiName(gpu, driver) ?? [])))
  const byFile = taken.filter((gpu) => !byUuid.includes(gpu) && cdiName(gpu, driver) === null)
  const requests: DeviceRequest[] = [
    // As `docker run --gpus device=…` writes it.
    ...(byUuid.length > 0
      ? [{ Driver: '', Count: 0, DeviceIDs: byUuid.map(({ uuid }) => uuid), Capabilities: [['gpu']], Options: {} }]
      : []),
    ...(byName.length > 0 ? [{ Driver: 'cdi', DeviceIDs: byName }] : []),
  ]
  const files = [...new Set(byFile.flatMap(({ devices }) => devices))]
  const groups = [...new Set(byFile.flatMap(({ groups: own }) => own))]
  return {
    host: {
      ...(requests.length > 0 && { DeviceRequests: requests }),
      ...(files.length > 0 && { Devices: files.map(deviceFile) }),
      ...(groups.length > 0 && { GroupAdd: groups.map(String) }),
    },
    env: environment(byUuid, driver),
    given: taken.map(({ uuid }) => uuid),
  }
}

/** NVIDIA's runtime may be the engine's default, and heeds what an image, or a job, asks it for: this is the last word. */
function environment(given: readonly Gpu[], driver: GpuDriver | null): Record<string, string> {
  if (driver?.nvidia !== true) return {}
  return { [NVIDIA_VARIABLE]: given.length === 0 ? 'void' : given.map(({ uuid }) => uuid).join(',') }
}

/** Whether this engine can give it to a container at all. */
export function canGive(gpu: Gpu, driver: GpuDriver): boolean {
  return isGivenByRuntime(gpu, driver) || cdiName(gpu, driver) !== null || gpu.devices.length > 0
}

/** The runtime goes first: it is what the NVIDIA toolkit sets up on every version of the engine. */
function isGivenByRuntime({ vendor }: Gpu, { nvidia }: GpuDriver): boolean {
  return vendor === 'nvidia' && nvidia
}

/** A name that says which card it is; of other vendors a place alone might be another tool's counting. */
function cdiName(gpu: Gpu, { cdi }: GpuDriver): string | null {
  const { vendor, uuid, index, part } = gpu
  const places = vendor !== 'nvidia' ? [] : [part === null ? String(index) : `${index}:${part.place}`]
  const names = [uuid, busIdOf(uuid), ...places].map((name) => `${cdiKind(vendor)}${name}`)
  return names.find((name) => cdi.includes(name)) ?? null
}

function deviceFile(path: string) {
  return { PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' }
}
