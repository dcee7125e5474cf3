/** What must hold of one job whatever its machines, its clocks and their owners did. */

import { leaseOf, type ToldToRun } from '../../../node/store/records.ts'
import { kindOfFailure } from '../../../protocol/failures.ts'
import type { Befallen, Disturbance } from './befallen.ts'
import type { Expected, Say, Stored } from './checker.ts'
import type { Run } from './runs.ts'

/** How far two honest accounts of one time may be apart, in ms. */
const TOLERANCE_MS = 3_000
/** How soon an attempt ends that is the job's no longer, in ms, when all that is needed for it is there. */
const STALE_END_MS = 60_000
/** How long after a disturbance its traces last, in ms: connections come back with pauses. */
const AFTERMATH_MS = 30_000

/** A job's times go by what went by, whatever the wall clocks of its requester and its providers were set to. */
export function checkTimes({ events }: Stored, { tookMs }: Expected, say: Say): void {
  const times = events.map(({ timestampMs }) => timestampMs)
  const story = events.map(({ type, timestampMs }) => `${type} ${timestampMs - (times[0] ?? 0)}`).join(', ')
  if (times.some((at, i) => at < (times[i - 1] ?? at))) say('a time of its own', `its events go back: ${story}`)
  if (tookMs === undefined) return
  const spanMs = Math.max(...times) - Math.min(...times)
  if (spanMs > tookMs + TOLERANCE_MS) say('a time of its own', `seen for ${Math.round(tookMs)} ms: ${story}`)
}

export function checkContainers({ job }: Stored, runs: Run[], befallen: Befallen[], say: Say): void {
  for (const [fence, own] of Map.groupBy(runs, (run) => run.fence)) {
    if (own.length > 1) say('one container per attempt', `fence ${fence} started ${own.length} times`)
  }
  runs.forEach((run, i) => {
    for (const older of runs.slice(0, i)) {
      const besideMs = older.leastEndMs - run.startMs
      if (besideMs <= 0) continue
      const text = `fence ${run.fence} started while fence ${older.fence} ran, for ${Math.round(besideMs)} ms`
      if (job.spec.onDisconnect === 'stop') say('one running container', text)
      else if (older.provider === run.provider) say('one running container on a machine', text)
      const undisturbedMs = undisturbed(befallen, older.provider, run.startMs, older.leastEndMs)
      if (undisturbedMs > STALE_END_MS) say('what is stale ends', `${text}, of them ${undisturbedMs} ms in peace`)
    }
  })
}

/** How much of a span nothing was in the way of a requester's word to a provider and its engine, in ms. */
function undisturbed(befallen: Befallen[], provider: string, fromMs: number, toMs: number): number {
  const spans = befallen
    .filter((each): each is Disturbance => each.what !== 'owner')
    .filter((each) => each.provider === null || each.provider === provider)
    .map((each): [number, number] => [each.fromMs, each.toMs + AFTERMATH_MS])
    .toSorted(([a], [b]) => a - b)
  let atMs = fromMs
  let peaceMs = 0
  for (const [from, to] of spans) {
    peaceMs += Math.max(0, Math.min(from, toMs) - atMs)
    atMs = Math.max(atMs, to)
  }
  return peaceMs + Math.max(0, toMs - atMs)
}

/** How long after a start it may be told of, in ms, and how long before it somebody may have fallen silent. */
const TELLING_MS = 5_000

/** How much later than a start that its requester takes to be possible it may have been, in ms. */
const SLIGHT_MS = 1_000

/**
 * Whether a provider could not tell of a container's start when it happened, by no doing of its requester: then the first
 * seconds are nobody's to sign. See docs/decisions/0053-the-buyers-own-meter.md. A machine that is as busy as may be tells of
 * it late, too.
 *
 * @param running what the requester keeps of having been told; absent where it keeps nothing
 */
export function startedUnheard(run: Run, befallen: Befallen[], running?: ToldToRun): boolean {
  if (running !== undefined && running.heardAt.wallMs - running.unheardMs > run.startMs + SLIGHT_MS) return true
  return befallen.some(
    (each) =>
      (each.what === 'agent' || each.what === 'link' || each.what === 'machine') &&
      (each.provider === null || each.provider === run.provider) &&
      each.fromMs < run.startMs + TELLING_MS &&
      each.toMs > run.startMs - TELLING_MS,
  )
}

/** What a machine's owner ended is nothing that the job did: it is tried again, or failed as its provider's doing. */
export function checkOwnersActs({ job }: Stored, befallen: Befallen[], say: Say): void {
  const fence = leaseOf(job)?.fence
  for (const each of befallen) {
    if (each.what !== 'owner' || each.jobId !== job.id || each.fence !== fence || job.state.status !== 'failed')
      continue
    const { code, details } = job.state.failure
    const { fault } = kindOfFailure(job.state.failure)
    if (fault !== 'provider' && fault !== 'place')
      say('ended by its owner', `${each.act}, and the job failed with ${code} ${JSON.stringify(details)}`)
  }
}
