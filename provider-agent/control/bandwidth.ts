import { formatRate } from '../bandwidth/rate.ts'
import type { Bandwidth } from '../bandwidth/shaper.ts'
import type { Finding } from './finding.ts'

const REMEDY =
  'run the agent as root beside a Docker engine on this machine, with ip and tc (iproute2) and a kernel with htb and ifb'

/** Whether jobs are held to what `--max-bandwidth` says; null where it says nothing. */
export function bandwidthFinding({ rate, problem }: Bandwidth): Finding | null {
  const subject = 'bandwidth'
  if (rate === null) return null
  const text = `all jobs together receive and send at most ${formatRate(rate)} each`
  if (problem === null) return { subject, level: 'ok', text }
  return { subject, level: 'note', text: `jobs are not held to ${formatRate(rate)}: ${problem}; ${REMEDY}` }
}
