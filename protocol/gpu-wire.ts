/** GPUs on the wire. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { checkLine, checkLines, checkPrice, checkRange } from './check-fields.ts'
import { safeNumber } from './codec.ts'
import type {
  GpuModelSchema,
  GpuRequirementsSchema,
  GpuModel as WireGpuModel,
  GpuRequirements as WireGpuRequirements,
} from './gen/cortex/v1/capacity_pb.js'
import type { GpuModel, GpuRequirements } from './gpus.ts'
import { MAX_ASKED_MODELS, MAX_GPU_MODELS, MAX_GPUS, MAX_MODEL_LENGTH } from './limits.ts'

/** @throws {WireError} */
export function checkGpus(gpus: WireGpuModel[]): GpuModel[] {
  checkRange('gpus', gpus.length, 0, MAX_GPU_MODELS)
  return gpus.map(checkGpu)
}

/** Words of newer versions pass: they are matched against what is asked, and shown. @throws {WireError} */
export function checkGpu(wire: WireGpuModel): GpuModel {
  const { model, count, vendor, driver, runtime, compute, interconnect, migProfile, pricePerHour, free } = wire
  for (const text of [model, vendor, driver, runtime, compute, interconnect, migProfile]) checkLine('gpus', text)
  checkRange('gpus', count, 1, MAX_GPUS)
  if (free !== undefined) checkRange('gpus.free', free, 0, count)
  if (pricePerHour !== undefined) checkPrice('gpus.price_per_hour', pricePerHour)
  return {
    ...{ model, memoryBytes: safeNumber(wire.memoryBytes, 'gpus'), count, vendor, driver, runtime, compute },
    ...{ interconnect, migProfile, pricePerHour: pricePerHour ?? null, free: free ?? null },
  }
}

/** As an announcement or a bid carries it: a price or free count of null is left out. */
export function gpuToWire({
  memoryBytes,
  pricePerHour,
  free,
  ...gpu
}: GpuModel): MessageInitShape<typeof GpuModelSchema> {
  return {
    ...gpu,
    memoryBytes: BigInt(memoryBytes),
    ...(pricePerHour === null ? {} : { pricePerHour }),
    ...(free === null ? {} : { free }),
  }
}

/** What this version does not know is had by none of its GPUs. @throws {WireError} */
export function checkGpuRequirements(wire: WireGpuRequirements): GpuRequirements {
  const { vendor, models, minCompute, minCuda, interconnect } = wire
  for (const text of [vendor, minCompute, minCuda, interconnect]) checkLine('gpu_requirements', text)
  checkLines('gpu_requirements.models', models, MAX_ASKED_MODELS, MAX_MODEL_LENGTH)
  const minMemoryBytes = safeNumber(wire.minMemoryBytes, 'gpu_requirements.min_memory_bytes')
  return { vendor, models, minMemoryBytes, minCompute, minCuda, interconnect }
}

/** As a request carries it: the least memory, in bytes, as a 64-bit integer. */
export function gpuRequirementsToWire({
  minMemoryBytes,
  ...rest
}: GpuRequirements): MessageInitShape<typeof GpuRequirementsSchema> {
  return { ...rest, minMemoryBytes: BigInt(minMemoryBytes) }
}
