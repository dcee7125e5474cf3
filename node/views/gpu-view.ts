import type { GpuModel } from '../../protocol/gpus.ts'
import { formatBytes } from '../../protocol/units.ts'

/** GPUs of one kind as the API shows them; text is empty where it is not known. */
export type GpuView = ReturnType<typeof gpuView>

/** @param count of which so many are meant. @default all of them */
export function gpuView(gpu: GpuModel, count: number = gpu.count) {
  const { vendor, model, memoryBytes, driver, runtime, compute, interconnect, migProfile } = gpu
  return { vendor, model, memory: formatBytes(memoryBytes), count, driver, runtime, compute, interconnect, migProfile }
}

/** `2 × NVIDIA H100 80GB HBM3`, with the profile of a part. */
export function gpuText({ model, migProfile, count }: Pick<GpuView, 'model' | 'migProfile' | 'count'>): string {
  return `${count} × ${model === '' ? 'GPU' : model}${migProfile === '' ? '' : ` MIG ${migProfile}`}`
}
