/** What jobs weigh against the owner's own programs where it is not said, in percent of those. */
export const DEFAULT_JOB_WEIGHT = 25

/** What a group weighs where nobody says otherwise, in the numbers of Docker and of cgroup 1. */
const ORDINARY_SHARES = 1_024
/** The least that the kernel takes. */
const LEAST_SHARES = 2
/** The least that Docker takes for the disk; with cgroup 2 it becomes the kernel's least, 1. */
const LEAST_DISK_WEIGHT = 10

/** How a container is weighed. */
export interface Weighing {
  /** Of all jobs together, where a program of the owner's has 100. Range 1..100. */
  weight: number
  /** The group that weighs so, as the engine names it; null where there is none. */
  group: string | null
  /** Cores of the machine, in millicores. */
  machineMillis: number
}

/** The part of Docker's host settings that weighs a container. */
export interface Weights {
  CgroupParent?: string
  CpuShares?: number
  BlkioWeight?: number
}

/**
 * In the group, jobs share by their cores. Without it each has its part of what all of them may weigh together, so that they
 * yield at least to the owner's other containers, and where systemd makes the groups to its services.
 */
export function weightsOf(cpuMillis: number, { weight, group, machineMillis }: Weighing): Weights {
  if (weight >= 100) return {}
  if (group !== null) return { CgroupParent: group, CpuShares: shares((ORDINARY_SHARES * cpuMillis) / 1_000) }
  return { CpuShares: shares((ownShares(weight) * cpuMillis) / machineMillis), BlkioWeight: LEAST_DISK_WEIGHT }
}

/** Of all jobs together, in the numbers of cgroup 1. */
export function ownShares(weight: number): number {
  return shares((ORDINARY_SHARES * weight) / 100)
}

function shares(amount: number): number {
  return Math.max(LEAST_SHARES, Math.round(amount))
}
