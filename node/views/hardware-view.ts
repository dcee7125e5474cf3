import type { Hardware } from '../../protocol/hardware.ts'

/** What a machine is made of, as the API shows it. */
export function hardwareView(hardware: Hardware) {
  const { cpuModel, cpuCores, cpuThreads, cpuMhz, memoryType, memoryMhz, diskType, diskModel, networkMbps } = hardware
  return {
    cpu: { model: cpuModel, cores: cpuCores, threads: cpuThreads, mhz: cpuMhz },
    memory: { type: memoryType, mhz: memoryMhz },
    disk: { type: diskType, model: diskModel },
    network: { mbps: networkMbps },
  }
}

/** Each part in a few words, for people; nothing of a part that is not told. */
export function describeHardware({ cpu, memory, disk, network }: ReturnType<typeof hardwareView>): string[] {
  const cores = cpu.cores > 0 ? `${cpu.cores} cores, ${cpu.threads} threads` : ''
  return [
    told([cpu.model, cores, amount(cpu.mhz, 'MHz')], ', '),
    told([memory.type, amount(memory.mhz, 'MT/s')], ' '),
    told([disk.type, disk.model], ' '),
    amount(network.mbps, 'Mbit/s'),
  ].filter((part) => part !== '')
}

function told(words: string[], between: string): string {
  return words.filter((word) => word !== '').join(between)
}

function amount(value: number, unit: string): string {
  return value > 0 ? `${value} ${unit}` : ''
}
