/** What a machine is made of, as its system tells; empty and 0 is what that does not tell. */
export interface Hardware {
  /** E.g. `"AMD EPYC 7B13"`. */
  cpuModel: string
  /** Physical ones. */
  cpuCores: number
  cpuThreads: number
  /** The highest clock, in MHz. */
  cpuMhz: number
  /** E.g. `"DDR5"`. */
  memoryType: string
  /** Transfers a second, in millions. */
  memoryMhz: number
  /** Of the disk on which containers lie: `"NVMe"`, `"SSD"` or `"HDD"`. */
  diskType: string
  diskModel: string
  /** Of the interface that leads to the internet, in Mbit/s. */
  networkMbps: number
}
