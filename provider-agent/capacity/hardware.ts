/** What the machine is made of, for people who choose one: as the system tells, which a virtual machine tells less of. */

import type { Logger } from '../../node/logger.ts'
import type { Hardware } from '../../protocol/hardware.ts'
import { MAX_LABEL_LENGTH } from '../../protocol/limits.ts'
import { mountOf } from './mount-of.ts'

/** The parts of systeminformation's answers that are read. */
export interface SystemFacts {
  /** `speed` and `speedMax` in GHz. */
  cpu: { manufacturer: string; brand: string; speed: number; speedMax: number; cores: number; physicalCores: number }
  /** One for each module; `clockSpeed` in millions of transfers a second. */
  memory: { type: string; clockSpeed: number | null }[]
  disks: { device: string; type: string; name: string }[]
  /** Of mounts, with the device each lies on. */
  mounts: { fs: string; mount: string }[]
  /** `speed` in Mbit/s. */
  networks: { default: boolean; speed: number | null }[]
}

/** @param dataRoot where the engine keeps containers */
export function hardwareOf({ cpu, memory, disks, mounts, networks }: SystemFacts, dataRoot: string): Hardware {
  const [module] = memory
  const mount = mountOf(dataRoot, mounts)
  // A partition's name begins with its disk's.
  const disk = disks.find(({ device }) => device !== '' && mount?.fs.startsWith(device) === true)
  return {
    cpuModel: line(cpu.brand.startsWith(cpu.manufacturer) ? cpu.brand : `${cpu.manufacturer} ${cpu.brand}`),
    cpuCores: whole(cpu.physicalCores),
    cpuThreads: whole(cpu.cores),
    cpuMhz: whole((cpu.speedMax || cpu.speed) * 1_000),
    memoryType: line(module?.type ?? ''),
    memoryMhz: whole(module?.clockSpeed ?? 0),
    diskType: disk === undefined ? '' : line(disk.type === 'HD' ? 'HDD' : disk.type),
    diskModel: line(disk?.name ?? ''),
    networkMbps: whole(networks.find((network) => network.default)?.speed ?? 0),
  }
}

/** Asks the system, by systeminformation; null where it cannot be asked. Takes some 100 ms. */
export async function findHardware(dataRoot: string, logger: Logger): Promise<Hardware | null> {
  try {
    const { default: system } = await import('systeminformation')
    const [cpu, memory, disks, mounts, networks] = await Promise.all([
      system.cpu(),
      system.memLayout(),
      system.diskLayout(),
      system.fsSize(),
      system.networkInterfaces(),
    ])
    return hardwareOf({ cpu, memory, disks, mounts, networks: [networks].flat() }, dataRoot)
  } catch (error) {
    logger.debug({ error: String(error) }, 'the system does not say what the machine is made of')
    return null
  }
}

/** Names that makers write may hold anything. */
function line(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]+/g, ' ').replace(/ +/g, ' ')
  return printable.trim().slice(0, MAX_LABEL_LENGTH)
}

/** Drivers say -1, or nothing, of what they do not know. */
function whole(value: number): number {
  return Number.isFinite(value) && value > 0 ? Math.min(Math.round(value), 2 ** 31) : 0
}
