import type { GpuModel, GpuRequirements } from '../../protocol/gpus.ts'
import type { Gpu } from '../../provider-agent/gpus/gpu.ts'

export const A100 = 'GPU-5d4d5a1f-6a4e-0d4b-7a0c-2f1a0e6b9c11'
export const T4 = 'GPU-c9f3a8e2-11aa-4b1e-9d7e-8f00aa00bb22'

/** A whole NVIDIA card that is well, changed so. */
export function aGpu(change: Partial<Gpu> = {}): Gpu {
  return {
    ...{ vendor: 'nvidia', index: 0, uuid: A100, model: 'NVIDIA A100-SXM4-40GB', memoryBytes: 40 * 2 ** 30 },
    ...{ driver: '550.54.14', runtime: '12.4', compute: '8.0', interconnect: 'pcie', migProfile: '', part: null },
    ...{ devices: [], groups: [], problem: null },
    ...change,
  }
}

/** An A100 and a T4. */
export const TWO_GPUS: Gpu[] = [
  aGpu(),
  aGpu({ index: 1, uuid: T4, model: 'Tesla T4', memoryBytes: 15 * 2 ** 30, compute: '7.5' }),
]

/** An AMD card behind this file of `/dev/dri`. */
export function anAmdGpu(index: number, node: string): Gpu {
  return aGpu({
    ...{ vendor: 'amd', index, uuid: `amd-0000:0${index}:00.0`, model: 'AMD Instinct MI300X OAM' },
    ...{ compute: 'gfx942', runtime: '6.2.0', devices: ['/dev/kfd', `/dev/dri/${node}`], groups: [44, 109] },
  })
}

/** One H100 as it is announced, changed so. */
export function aKind(change: Partial<GpuModel> = {}): GpuModel {
  return {
    ...{ vendor: 'nvidia', model: 'NVIDIA H100 80GB HBM3', memoryBytes: 81_559 * 2 ** 20, count: 1 },
    ...{ driver: '550.54.14', runtime: '12.4', compute: '9.0', interconnect: 'nvlink', migProfile: '' },
    ...{ pricePerHour: null, free: 1 },
    ...change,
  }
}

export const ANY_GPU: GpuRequirements = {
  ...{ vendor: '', models: [], minMemoryBytes: 0, minCompute: '', minCuda: '', interconnect: '' },
}
