/** Cards that the machine has and no tool of their maker speaks for: they cannot be sold, and their owner is told why. */

import type { GpuVendor } from '../../protocol/gpus.ts'
import type { UnsoldCard } from './gpu.ts'

/** What `systeminformation` says of a card. */
export interface Controller {
  vendor: string
  model: string
}

/** How a vendor's cards come to be sold. */
const TOOLS: Record<GpuVendor, { maker: RegExp; tool: string; remedy: string }> = {
  nvidia: { maker: /nvidia/i, tool: 'nvidia-smi', remedy: 'install NVIDIA’s driver' },
  amd: { maker: /\bamd\b|\bati\b|advanced micro devices/i, tool: 'amd-smi', remedy: 'install ROCm' },
  intel: { maker: /intel/i, tool: 'xpu-smi', remedy: 'install Intel’s XPU Manager' },
}

/**
 * @param silent vendors whose tool is not installed
 * @param controllers all cards of the machine, those of a virtual screen included, which are nobody's to sell
 */
export function unsoldCards(controllers: readonly Controller[], silent: readonly GpuVendor[]): UnsoldCard[] {
  return controllers.flatMap(({ vendor, model }) => {
    const maker = silent.find((name) => TOOLS[name].maker.test(vendor))
    if (maker === undefined) return []
    const { tool, remedy } = TOOLS[maker]
    const name = model === '' ? vendor : model
    return [{ name: name, reason: `is found and not sold, for ${tool} is not there to tell of it: ${remedy}` }]
  })
}
