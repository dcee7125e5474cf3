/** What the machine is made of, for people who choose one: as the system tells, which a virtual machine tells less of. */

import { readFile } from 'node:fs/promises'
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
  /** Of the way out, in Mbit/s; null where the system does not say. */
  networkSpeed: number | null
}

/** @param dataRoot where the engine keeps containers */
export function hardwareOf({ cpu, memory, disks, mounts, networkSpeed }: SystemFacts, dataRoot: string): Hardware {
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
    networkMbps: whole(networkSpeed ?? 0),
  }
}

/** Asks the system, by systeminformation; null where it cannot be asked. Takes some 100 ms. */
export async function findHardware(dataRoot: string, logger: Logger): Promise<Hardware | null> {
  try {
    const { default: system } = await import('systeminformation')
    const [cpu, memory, disks, mounts, networkSpeed] = await Promise.all([
      system.cpu(),
      system.memLayout(),
      system.diskLayout(),
      system.fsSize(),
      findNetworkSpeed(),
    ])
    return hardwareOf({ cpu, memory, disks, mounts, networkSpeed }, dataRoot)
  } catch (error) {
    logger.debug({ error: String(error) }, 'the system does not say what the machine is made of')
    return null
  }
}

/**
 * Of the interface to which the default route leads, in Mbit/s. On Linux not by systeminformation: that starts some thirty
 * programs for each interface, one after the other, while nothing else of this process runs; and where there is an engine,
 * there is an interface for each of its networks.
 */
async function findNetworkSpeed(): Promise<number | null> {
  if (process.platform === 'linux') {
    const name = wayOut(await readFile('/proc/net/route', 'utf8'))
    // Some have no speed, and say so by an error.
    return name === null ? null : Number(await readFile(`/sys/class/net/${name}/speed`, 'utf8').catch(() => 0))
  }
  const { default: system } = await import('systeminformation')
  const networks = [await system.networkInterfaces()].flat()
  return networks.find((network) => network.default)?.speed ?? null
}

/** The interface of the default route that comes first, of `/proc/net/route`; null where there is none. */
export function wayOut(routes: string): string | null {
  const rows = routes.split('\n').map((row) => row.trim().split(/\s+/))
  const [first] = rows
    .map(([name = '', to, , , , , metric, mask]) => ({
      name,
      metric: Number(metric),
      isAll: to === NONE && mask === NONE,
    }))
    .filter(({ isAll }) => isAll)
    .toSorted((a, b) => a.metric - b.metric)
  return first?.name ?? null
}

/** An address of four bytes, as that file writes it. */
const NONE = '00000000'

/** Names that makers write may hold anything. */
function line(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]+/g, ' ').replace(/ +/g, ' ')
  return printable.trim().slice(0, MAX_LABEL_LENGTH)
}

/** Drivers say -1, or nothing, of what they do not know. */
function whole(value: number): number {
  return Number.isFinite(value) && value > 0 ? Math.min(Math.round(value), 2 ** 31) : 0
}
