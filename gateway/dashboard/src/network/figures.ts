import type { Provider } from '../../../client/index.ts'
import { bytes, number } from '../format/amounts.ts'

/** What is measured of a machine, as people call it. */
export const FIGURE_NAMES = {
  cpuSingle: 'One core, primes a second',
  cpuAll: 'All cores, primes a second',
  memoryBandwidth: 'Memory, as a core copies',
  diskRead: 'Disk, read',
  diskWrite: 'Disk, written',
  iops: 'Disk, blocks of 4 KiB a second',
} as const
/** One of {@link FIGURE_NAMES}. */
export type Figure = keyof typeof FIGURE_NAMES

/** A figure with its unit; a dash where it was not measured. */
export function perSecond(amount: number, figure: Figure): string {
  if (amount === 0) return '–'
  return /memory|disk/.test(figure) ? `${bytes(amount)}/s` : number(amount)
}

/** `8, 16 threads`; null where its provider does not tell. */
export function coresOf({ hardware }: Provider): string | null {
  return hardware === null || hardware.cpu.cores === 0 ? null : `${hardware.cpu.cores}, ${hardware.cpu.threads} threads`
}

/** `1,000 Mbit/s`; null where its provider does not tell. */
export function linkOf({ hardware }: Provider): string | null {
  return hardware === null || hardware.network.mbps === 0 ? null : `${number(hardware.network.mbps)} Mbit/s`
}
