/** What `cortex doctor` looks at, and how: every look at once, each within its time, none of them changing anything. */

/** What one look found. */
export interface Finding {
  /** What was looked at, e.g. `"disk"`. */
  check: string
  /** `warn` works, and not as well as it could; `fail` keeps the part from doing what it is there for. */
  state: 'ok' | 'warn' | 'fail'
  /** What that is, for people. */
  found: string
  /** What to do about it; empty where nothing is to be done. */
  remedy: string
}

/** A look at one thing. What it throws is what is wrong. */
export interface Check {
  name: string
  /** @param signal aborted when its time is over */
  run(signal: AbortSignal): Promise<Finding | Finding[]>
}

/** How long one look may take, in ms: as long as peers of the local network take to answer, with room. */
const LIMIT_MS = 15_000

/** The finding of a check that is as it should be. */
export function fine(check: string, found: string): Finding {
  return { check, state: 'ok', found, remedy: '' }
}

/**
 * The finding of an error whose message says, as ours do, what is wrong and, after its last colon, what to do.
 *
 * @example
 * ```ts
 * wrong('disk', 'fail', 'mkdir /srv: the disk is full: make room') // found 'mkdir /srv: the disk is full', remedy 'make room'
 * ```
 */
export function wrong(check: string, state: 'warn' | 'fail', message: string): Finding {
  const at = message.lastIndexOf(': ')
  if (at < 0) return { check, state, found: message, remedy: '' }
  return { check, state, found: message.slice(0, at), remedy: message.slice(at + 2) }
}

/** Runs all of them at once; answers in their order. @param limitMs for each @default 15_000 */
export async function runChecks(checks: readonly Check[], limitMs: number = LIMIT_MS): Promise<Finding[]> {
  return (await Promise.all(checks.map(async (check) => await runCheck(check, limitMs)))).flat()
}

async function runCheck({ name, run }: Check, limitMs: number): Promise<Finding[]> {
  const limit = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    limit.abort()
    reject(new Error(`it was not known within ${limitMs / 1000} s: see whether the machine or its network is busy`))
  }, limitMs)
  try {
    return [await Promise.race([run(limit.signal), late])].flat()
  } catch (error) {
    return [wrong(name, 'fail', error instanceof Error ? error.message : String(error))]
  } finally {
    clearTimeout(timer)
    // Whoever still looks may stop.
    limit.abort()
  }
}
