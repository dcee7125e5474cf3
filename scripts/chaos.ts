/**
 * `npm run chaos -- --minutes 10 --seed 1`: a gateway, three providers with an engine of their own each, and clients, as
 * processes whose clocks are up to an hour apart; fifty short jobs at a time, and one fault after the other, chosen by the
 * seed: kills, also at exact points of a job's life, clean stops, pauses of up to a minute, cut links, clocks that are set,
 * engines that are killed and stopped, containers that the owner of their machine ends. Where something cannot be had, it
 * is said. Then the checker of `test/faults` looks at everything, and the evidence of what does not hold is kept. The last
 * line is one JSON object; the exit code is 1 where something does not hold.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { inspect, parseArgs } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { abortedWithin } from '../node/abort.ts'
import { onStop, watchOutput } from '../node/commands/stopping.ts'
import type { JobSubmission } from '../protocol/job-spec.ts'
import type { Counting, FaultMarket } from '../test/faults/support/fault-market.ts'
import { type Seeded, seeded } from '../test/faults/support/seeded.ts'
import { type ClientSlot, createClients, settleClients } from './chaos/clients.ts'
import { keepEvidence } from './chaos/evidence.ts'
import { chooseFault } from './chaos/faults.ts'
import { rulesLeft, startWorld, type World } from './chaos/world.ts'

/** Pause between the beginnings of two faults, in ms. */
const LONGEST_PEACE_MS = 5_000
/** Jobs that end between two faults, so that there is something for faults to befall; and how long that is waited for, in ms. */
const ENDED_BETWEEN = 3
const PATIENT_MS = 30_000
/** Faults at the same time, each on a process of its own. */
const MAX_AT_ONCE = 3

interface Tally {
  jobs: number
  completed: number
  failed: number
  cancelled: number
  /** Jobs of clients, which are none of those. */
  clientJobs: number
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
  const random = seeded(seed)
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await startWorld(random, say))
  const { market } = world
  const tally: Tally = { jobs: 0, completed: 0, failed: 0, cancelled: 0, clientJobs: 0, faults: {} }
  const begunMs = performance.now()
  const broken = new AbortController()
  const over = abortedWithin(minutes * 60_000, interrupted.signal, broken.signal)
  const streams = Array.from(
    { length: atOnce },
    async (_, i) => await submitOn(market, seeded(seed * 1_000 + i), tally, over),
  )
  const clients = createClients(world, seeded(seed * 1_000 + atOnce), () => {
    tally.clientJobs += 1
  })
  const parts = [
    ...streams,
    ...clients.map(async (client) => await client.runOn(over)),
    injectOn(world, clients, random, tally, over),
  ]
  for (const part of parts) part.catch((error) => broken.abort(error))
  // Nothing may still be at work on processes and links when these go.
  await Promise.allSettled(parts)
  if (broken.signal.aborted) say(`the gateway's last words: ${market.gateway.output().slice(-2_000)}`)
  broken.signal.throwIfAborted()
  const seconds = Math.round((performance.now() - begunMs) / 1000)
  say(`time is up after ${seconds} s: everything is settled and checked`)
  const { befallen } = world
  const violations = await market.check({ ...(await settleClients(world)), befallen })
  violations.push(...(await rulesLeft(world)))
  for (const { rule, of, text } of violations) say(`VIOLATION ${rule}: ${of}: ${text}`)
  if (violations.length > 0) say(`to look into: ${await keepEvidence(world)}`)
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
    ...(random.below(4) === 0 ? { network: 'bridge' } : {}),
    ...(random.below(4) === 0 ? { volumes: [{ name: 'data', mountPath: '/data', size: '1Mi' }] } : {}),
  }
  return market.count(1 + random.below(40), 10 + random.below(190), changes)
}

async function injectOn(
  world: World,
  clients: ClientSlot[],
  random: Seeded,
  tally: Tally,
  over: AbortSignal,
): Promise<void> {
  const busy = new Map<string, Promise<unknown>>()
  const ran: Promise<unknown>[] = []
  // What a fault left undone, such as a process that was not started again, would look like a fault of the market.
  const failed = new AbortController()
  const ends = AbortSignal.any([over, failed.signal])
  while (!ends.aborted) {
    await delay(500 + random.below(LONGEST_PEACE_MS), undefined, { signal: ends }).catch(() => undefined) // time is up
    if (ends.aborted) break
    const { kind, target, run } = chooseFault(world, clients, random)
    await progress(tally, ends)
    if (busy.size >= MAX_AT_ONCE) await Promise.race(busy.values())
    await busy.get(target)
    say(`${kind} (${target}); ${tally.completed} of ${tally.jobs} jobs completed`)
    const done = run().then(
      (isDone) => {
        if (isDone) tally.faults[kind] = (tally.faults[kind] ?? 0) + 1
      },
      (cause) => {
        failed.abort()
        throw new Error(`${kind} (${target}) could not be done`, { cause })
      },
    )
    ran.push(done)
    // Told by the last line.
    const settled = done.catch(() => undefined).finally(() => busy.delete(target))
    busy.set(target, settled)
  }
  await Promise.all(ran)
}

/** A slow machine gets over fewer faults in the same time. */
async function progress(tally: Tally, over: AbortSignal): Promise<void> {
  const ended = (): number => tally.completed + tally.failed + tally.cancelled
  const [before, startedMs] = [ended(), performance.now()]
  while (!over.aborted && ended() < before + ENDED_BETWEEN && performance.now() - startedMs < PATIENT_MS)
    await delay(100)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

const interrupted = new AbortController()
watchOutput()
onStop((reason) => interrupted.abort(new Error(reason)))

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  say(`chaos: ${inspect(error, { showHidden: true })}`)
  process.exitCode = 1
}
