/**
 * What a provider says its machine does: see `node/benchmark/program.ts` for how each is measured. One list, from
 * which the announcement, a job's minimums, the API and the pages are made.
 */

/** Figures of a machine; 0 is one that was not measured. */
export interface Figures {
  /** Primes up to 10,000 that one core finds, times a second. */
  cpuSingle: number
  /** The same of all cores together. */
  cpuAll: number
  /** Bytes a second that one core reads and writes as it copies. */
  memoryBandwidth: number
  /** Bytes a second, in blocks of 1 MiB. */
  diskRead: number
  /** Bytes a second, in blocks of 1 MiB. */
  diskWrite: number
  /** Blocks of 4 KiB a second, half read and half written. */
  iops: number
}

/** Keys of {@link Figures}. */
export const FIGURES = ['cpuSingle', 'cpuAll', 'memoryBandwidth', 'diskRead', 'diskWrite', 'iops'] as const
/** One of {@link FIGURES}. */
export type Figure = (typeof FIGURES)[number]

/** What a provider measured of its machine, and when. */
export interface Measured extends Figures {
  /** Ms since the epoch, by the provider's clock. */
  atMs: number
  /** Version of the methods, e.g. `cortex-1`: figures of two versions are not compared. */
  method: string
}

/** Each figure by what answers it. */
export function figuresOf(amount: (figure: Figure) => number): Figures {
  return {
    cpuSingle: amount('cpuSingle'),
    cpuAll: amount('cpuAll'),
    memoryBandwidth: amount('memoryBandwidth'),
    diskRead: amount('diskRead'),
    diskWrite: amount('diskWrite'),
    iops: amount('iops'),
  }
}

/** A job's least of each; 0 asks for nothing. */
export type Minimums = Figures

/** The fields of a job's `constraints` that ask for them. */
export const MINIMUM_FIELDS = {
  cpuSingle: 'minCpuScore',
  cpuAll: 'minCpuAllScore',
  memoryBandwidth: 'minMemoryBandwidth',
  diskRead: 'minDiskRead',
  diskWrite: 'minDiskWrite',
  iops: 'minIops',
} as const satisfies Record<Figure, string>

/** Of a job that takes a machine of any speed. */
export const NO_MINIMUMS: Readonly<Minimums> = figuresOf(() => 0)

/** As messages carry them. */
export function toWireFigures(figures: Figures): Record<Figure, bigint> {
  return {
    cpuSingle: BigInt(figures.cpuSingle),
    cpuAll: BigInt(figures.cpuAll),
    memoryBandwidth: BigInt(figures.memoryBandwidth),
    diskRead: BigInt(figures.diskRead),
    diskWrite: BigInt(figures.diskWrite),
    iops: BigInt(figures.iops),
  }
}

/** Whether a job has any minimum: only providers that have measured themselves can then take it. */
export function asksForSpeed(minimums: Minimums): boolean {
  return FIGURES.some((figure) => minimums[figure] > 0)
}

/** The figures that a machine falls short of; all that are asked for where nothing was measured. */
export function lacking(minimums: Minimums, figures: Figures | null): Figure[] {
  return FIGURES.filter((figure) => minimums[figure] > (figures?.[figure] ?? 0))
}

/** An amount of one figure as people read it: `"1240 primes/s"`, `"512.0 MB/s"`, `"21000 IOPS"`. */
export function describeFigure(figure: Figure, amount: number): string {
  if (figure === 'iops') return `${amount} IOPS`
  if (figure === 'cpuSingle' || figure === 'cpuAll') return `${amount} primes/s`
  return `${(amount / 1e6).toFixed(1)} MB/s`
}
