import type { Finding } from './finding.ts'

/** How jobs yield to the owner's own programs. */
export interface Yielding {
  /** What all jobs together weigh where any program of the owner's has 100. Range 1..100. */
  weight: number
  /** Whether they run in a swarm, which weighs nobody. */
  inSwarm: boolean
  /** Why only containers are weighed against each other, for people; null where jobs yield to all programs. */
  problem: string | null
}

const REMEDY = 'run the agent as root beside a Docker engine on this machine'

/** Whether the owner's own work goes first. */
export function yieldingFinding({ weight, inSwarm, problem }: Yielding): Finding {
  const subject = 'yielding'
  if (inSwarm) {
    return { subject, level: 'note', text: 'jobs weigh as much as your own programs: a swarm cannot weigh containers' }
  }
  if (weight >= 100)
    return { subject, level: 'ok', text: 'jobs weigh as much as your own programs, as --job-weight says' }
  const share = `all jobs together weigh ${weight} where any program of yours weighs 100`
  if (problem === null) {
    return { subject, level: 'ok', text: `${share}: of the processor, and of disks whose scheduler weighs (bfq)` }
  }
  return { subject, level: 'note', text: `${share}, but against other containers alone: ${problem}; ${REMEDY}` }
}
