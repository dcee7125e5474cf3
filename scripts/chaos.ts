/**
 * `npm run chaos -- --minutes 10 --seed 1`: three providers and a gateway as processes of their own, fifty short jobs at a
 * time, and one fault after the other, chosen by the seed: kills, also at exact points of a job's life, clean stops,
 * pauses, and cut links where this may make network namespaces. Then the checker of `test/faults` looks at everything. The
 * last line is one JSON object; the exit code is 1 where something does not hold. The engine is shared, so it is left alone.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { inspect, parseArgs } from 'node:util'
import type { JobSubmission } from '../protocol/job-spec.ts'
import { type Counting, type FaultMarket, startFaultMarket } from '../test/faults/support/fault-market.ts'
import { createNamespaces, type Namespaces, namespaceProblem } from '../test/faults/support/namespaces.ts'
import { type Seeded, seeded } from '../test/faults/support/seeded.ts'
import { chooseFault } from './chaos/faults.ts'

const PROVIDERS = ['a', 'b', 'c']
/** A loss is soon one, so that a run sees many. */
const TIMES = { heartbeatMs: 1_000, lostAfterMs: 10_000 }
/** Pause between the beginnings of two faults, in ms. */
const LONGEST_PEACE_MS = 5_000
/** Faults at the same time, each on a process of its own. */
const MAX_AT_ONCE = 2
/** What has not ended by then is a finding: a job may be lost time and again, and wait its turn each time. */
const PATIENCE_MS = 600_000

interface Tally {
  jobs: number
  completed: number
  failed: number
  cancelled: number
  faults: Record<string, number>
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '50' },
    },
  })
  const [minutes, seed, atOnce] = [Number(values.minutes), Number(values.seed), Number(values.jobs)]
  if (!(minutes > 0 && minutes <= 600) || !Number.isInteger(seed) || !(atOnce >= 1 && atOnce <= 500)) {
    throw new Error('Give --minutes 0…600, --seed a whole number, --jobs 1…500')
  }
  const problem = await namespaceProblem()
  if (problem !== null) say(`links are not cut: ${problem}`)
  await using stack = new AsyncDisposableStack()
  const namespaces = problem === null ? stack.use(await createNamespaces(PROVIDERS)) : null
  const market = stack.use(
    await startFaultMarket({
      agents: PROVIDERS.map((name) => ({ name })),
      times: TIMES,
      patienceMs: PATIENCE_MS,
      ...(namespaces === null
        ? {}
        : { launch: (name) => (name === 'gateway' ? { host: namespaces.gatewayHost } : namespaces.agent(name)) }),
    }),
  )
  const tally: Tally = { jobs: 0, completed: 0, failed: 0, cancelled: 0, faults: {} }
  const begunMs = performance.now()
  const broken = new AbortController()
  const over = AbortSignal.any([AbortSignal.timeout(minutes * 60_000), interrupted.signal, broken.signal])
  const streams = Array.from(
    { length: atOnce },
    async (_, i) => await submitOn(market, seeded(seed * 1_000 + i), tally, over),
  )
  const parts = [...streams, injectOn(market, namespaces, seeded(seed), tally, over)]
  for (const part of parts) part.catch((error) => broken.abort(error))
  // Nothing may still be at work on processes and links when these go.
  await Promise.allSettled(parts)
  broken.signal.throwIfAborted()
  const seconds = Math.round((performance.now() - begunMs) / 1000)
  const violations = await market.check()
  for (const { rule, of, text } of violations) say(`VIOLATION ${rule}: ${of}: ${text}`)
  const faults = Object.values(tally.faults).reduce((sum, count) => sum + count, 0)
  const figures = { ...tally, faults, byKind: tally.faults, violations: violations.length, seed, seconds }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  return violations.length === 0
}

/** One short job after the other. */
async function submitOn(market: FaultMarket, random: Seeded, tally: Tally, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const id = await market.submit(jobOf(market, random), random.below(10) === 0)
    tally.jobs += 1
    if (random.below(20) === 0) {
      await delay(random.below(2_000))
      // It may have ended by itself.
      await market.api.cancel(id).catch(() => undefined)
    }
    const { status } = await market.ended(id)
    if (status === 'completed' || status === 'failed' || status === 'cancelled') tally[status] += 1
  }
}

function jobOf(market: FaultMarket, random: Seeded): Counting {
  const changes: Partial<JobSubmission> = {
    maxAttempts: 10,
    queueTimeout: 600,
    ...(random.below(8) === 0 ? { onDisconnect: 'stop', leaseTimeout: 10 } : {}),
    ...(random.below(8) === 0 ? { network: 'bridge' } : {}),
  }
  return market.count(1 + random.below(40), 10 + random.below(190), changes)
}

async function injectOn(
  market: FaultMarket,
  namespaces: Namespaces | null,
  random: Seeded,
  tally: Tally,
  over: AbortSignal,
): Promise<void> {
  const busy = new Map<string, Promise<void>>()
  const ran: Promise<void>[] = []
  while (!over.aborted) {
    await delay(500 + random.below(LONGEST_PEACE_MS), undefined, { signal: over }).catch(() => undefined) // time is up
    if (over.aborted) break
    const { kind, target, run } = chooseFault(market, namespaces, random)
    if (busy.size >= MAX_AT_ONCE) await Promise.race(busy.values())
    await busy.get(target)
    tally.faults[kind] = (tally.faults[kind] ?? 0) + 1
    say(`${kind} (${target}); ${tally.completed} of ${tally.jobs} jobs completed`)
    const done = run()
    ran.push(done)
    // A failure is told by the last line.
    busy.set(
      target,
      done.catch(() => undefined).finally(() => busy.delete(target)),
    )
  }
  await Promise.all(ran)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(signal)))

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  say(`chaos: ${inspect(error, { showHidden: true })}`)
  process.exitCode = 1
}
