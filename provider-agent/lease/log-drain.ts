import { whenAborted } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { MAX_BACKLOG_BYTES } from './follow.ts'
import type { Lease } from './lease.ts'

/** How long output may take to be read after the container's end without anything new, in ms. */
const STILL_MS = 10_000
/** How long all of it may take, in ms: an end is told well before the requester takes it for overdue. */
const MOST_MS = 30_000
/** The same where nobody wants more of it, in ms. */
const CANCELLED_MS = 2_000
/** What is told of a log that was not carried in time. */
const TOO_MUCH = 'The job wrote more than could be carried: the last lines of its log are missing.'

/**
 * Waits for the output of a container that has ended. It is complete when its reader says so; an engine that never says
 * it does not hold the lease for ever, nor does a job that wrote more than its requester can take.
 *
 * @param of.logs the reading, with why lines are missing
 * @returns why lines are missing; empty where none are
 */
export async function logDrained(
  { clock, logger, lease }: { clock: Clock; logger: Logger; lease: Lease },
  of: { logs: Promise<string>; isHeard: () => boolean },
  signal: AbortSignal,
): Promise<string> {
  let problem: string | null = null
  let isLate = false
  const timer = new AbortController()
  const until = AbortSignal.any([signal, timer.signal])
  const done = of.logs.then((told) => {
    problem = told
  })
  const cancelled = whenAborted(AbortSignal.any([lease.cancelSignal, until]))
  const late = Promise.race([clock.sleep(MOST_MS, until), cancelled.then(() => clock.sleep(CANCELLED_MS, until))]).then(
    () => {
      isLate = true
    },
    () => undefined, // aborted with the agent, or because the output ended
  )
  const isBehind = (): boolean => lease.backlogBytes > MAX_BACKLOG_BYTES && of.isHeard()
  for (let lines = -1; problem === null && !isLate && (lines !== lease.progress.logLines || isBehind()); ) {
    lines = lease.progress.logLines
    const still = clock.sleep(STILL_MS, until).catch(() => undefined)
    await Promise.race([done, late, still])
  }
  timer.abort()
  signal.throwIfAborted()
  if (problem !== null) return problem
  logger.warn({ lease: lease.id }, 'the output did not end with the container')
  return isLate ? TOO_MUCH : ''
}
