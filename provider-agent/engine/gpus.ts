/**
 * Which GPUs a container gets. By name always: an engine that is only told how many gives the first ones, the same to
 * every container.
 */

import type { DeviceRequest } from 'dockerode'
import { EngineError, type Gpu, type GpuClaim, type GpuDriver } from './index.ts'

/** The GPUs that nobody has. */
export function freeGpus(gpus: readonly Gpu[], claims: readonly GpuClaim[]): Gpu[] {
  return gpus.filter((gpu, place) => !claims.some((claim) => holds(claim, gpu, place)))
}

function holds(claim: GpuClaim, gpu: Gpu, place: number): boolean {
  if ('first' in claim) return claim.first === null || place < claim.first
  return claim.ids.some((id) => {
    const name = id.slice(id.indexOf('=') + 1)
    return name === 'all' || name === gpu.uuid || name === String(gpu.index)
  })
}

/** What of a container's device requests is about GPUs. */
export function gpuClaims(requests: readonly DeviceRequest[] | null | undefined): GpuClaim[] {
  return (requests ?? []).flatMap(({ Driver, Count, DeviceIDs, Capabilities }): GpuClaim[] => {
    const ids = DeviceIDs ?? []
    const isNvidia =
      Driver === 'cdi'
        ? ids.some((id) => id.startsWith('nvidia.com/gpu='))
        : (Capabilities ?? []).flat().includes('gpu')
    if (!isNvidia) return []
    if (ids.length > 0) return [{ ids }]
    return [{ first: Count === undefined || Count < 0 ? null : Count }]
  })
}

/**
 * What the engine is asked for.
 *
 * @throws {EngineError} `RESOURCE_LIMIT_EXCEEDED`, `details.resource: 'gpu'`, where fewer are free
 */
export function gpuRequests(count: number, free: readonly Gpu[], driver: GpuDriver | null): DeviceRequest[] {
  if (count === 0) return []
  if (driver === null || free.length < count) {
    const text = `${count} GPU asked, ${driver === null ? 0 : free.length} free on this machine`
    throw new EngineError('RESOURCE_LIMIT_EXCEEDED', text, { resource: 'gpu' })
  }
  const taken = free.slice(0, count)
  if (driver.kind === 'nvidia') {
    return [{ Driver: '', DeviceIDs: taken.map(({ uuid }) => uuid), Capabilities: [['gpu']] }]
  }
  const nameOf = ({ uuid, index }: Gpu): string =>
    driver.devices.find((device) => device === `nvidia.com/gpu=${uuid}`) ?? `nvidia.com/gpu=${index}`
  return [{ Driver: 'cdi', DeviceIDs: taken.map(nameOf) }]
}
