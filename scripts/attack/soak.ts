/**
 * `npm run attack -- --soak 10`: for so many minutes all hostile inputs at once at a gateway and an agent, beside honest jobs
 * one after the other. Those have to end, and to take little longer than before; memory and descriptors have to be as before.
 * The attacker has the lowest priority: on a market of several machines its own work would be nobody else's.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describeTarget, type Tally } from '../../test/attack/support/attacker.ts'
import { type RunningTarget, startTarget } from '../../test/attack/support/target.ts'
import { MOST_HEAP_BYTES } from '../../test/attack/support/vitals.ts'
import { yieldCores } from '../testing/yield-cores.ts'
import { runHonestJobs } from './honest-jobs.ts'

const ATTACKER = join(import.meta.dirname, '..', '..', 'test', 'attack', 'support', 'attacker.ts')
const CALM_JOBS = 25
const LEAST_JOBS = 50
/** Left out at the beginning of each part: code that runs for the first time, and memory that is taken once. */
const WARM_UP_JOBS = 5
const MOST_SLOWER = 1.5
const MOST_GROWTH = 1.2
/** Descriptors that may be open for a moment more than before. */
const MORE_DESCRIPTORS = 20
const SETTLE_MS = 40_000

export interface Soak extends Tally {
  problems: string[]
  figures: Record<string, unknown>
}

export async function soak(minutes: number, say: (line: string) => void): Promise<Soak> {
  await using target = await startTarget()
  const problems: string[] = []
  await runHonestJobs(target, () => false, WARM_UP_JOBS)
  const calm = await runHonestJobs(target, () => false, CALM_JOBS)
  await delay(SETTLE_MS)
  const before = await Promise.all(target.processes.map(async ({ pid }) => await countDescriptors(pid)))
  await Promise.all(target.processes.map(async (process) => await process.beginAnew()))
  say(`calm: ${calm.medianMs} ms a job`)

  const attacker = fork(ATTACKER, [describeTarget(target)], { detached: true, execArgv: [] })
  if (attacker.pid !== undefined) yieldCores(attacker.pid)
  await once(attacker, 'message')
  const endMs = performance.now() + minutes * 60_000
  const memory: number[][] = []
  const [attacked] = await Promise.all([
    runHonestJobs(target, () => performance.now() < endMs, LEAST_JOBS),
    watchMemory(target, memory, endMs),
  ])
  const told = once(attacker, 'message') as Promise<[Tally]>
  attacker.send('stop')
  const [tally] = await told
  say(`attacked: ${attacked.medianMs} ms a job; ${tally.held} of ${tally.tried} inputs held`)
  const vitals = await Promise.all(target.processes.map(async (one) => (one.running ? await one.vitals() : null)))
  await delay(SETTLE_MS)

  const after = await Promise.all(target.processes.map(async ({ pid }) => await countDescriptors(pid)))
  const ratio = attacked.medianMs / calm.medianMs
  const growth = target.processes.map((_, i) => growthOf(memory.map((sample) => sample[i] ?? 0)))
  if (ratio > MOST_SLOWER) problems.push(`honest jobs took ${ratio.toFixed(2)} times as long`)
  if (attacked.lost > 0) problems.push(`${attacked.lost} honest jobs did not complete`)
  target.processes.forEach(({ name, running, output }, i) => {
    if (!running) problems.push(`${name} ended:\n${output()}`)
    if ((after[i] ?? 0) > (before[i] ?? 0) + MORE_DESCRIPTORS) {
      problems.push(`${name} has ${after[i]} descriptors open, and had ${before[i]}`)
    }
    if ((growth[i] ?? 0) > MOST_GROWTH)
      problems.push(`${name} took ${growth[i]?.toFixed(2)} times the memory at the end`)
    if ((vitals[i]?.heapBytes ?? 0) > MOST_HEAP_BYTES)
      problems.push(`${name} took ${mib(vitals[i]?.heapBytes)} MiB of heap`)
  })
  const figures = {
    ...{ minutes, ratio: Number(ratio.toFixed(3)), calmMs: calm.medianMs, attackedMs: attacked.medianMs },
    ...{ honest: attacked.jobs, completed: attacked.jobs - attacked.lost },
    stages: { calm: calm.stages, attacked: attacked.stages },
    descriptors: { before, after },
    memoryGrowth: growth.map((one) => Number(one.toFixed(3))),
    memoryMiB: memory.at(-1)?.map(mib),
    mostHeapMiB: vitals.map((one) => mib(one?.heapBytes)),
    mostBufferMiB: vitals.map((one) => mib(one?.bufferBytes)),
  }
  return { ...tally, problems, figures }
}

async function watchMemory({ processes }: RunningTarget, samples: number[][], endMs: number): Promise<void> {
  while (performance.now() < endMs) {
    samples.push(await Promise.all(processes.map(async ({ pid }) => await residentBytes(pid))))
    await delay(5_000)
  }
}

function mib(bytes = 0): number {
  return Math.round(bytes / 2 ** 20)
}

/** The last third against the second: the first is what is taken once. */
function growthOf(samples: number[]): number {
  const third = Math.floor(samples.length / 3)
  const mean = (part: number[]): number => part.reduce((sum, one) => sum + one, 0) / Math.max(1, part.length)
  return mean(samples.slice(2 * third)) / mean(samples.slice(third, 2 * third))
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '') // ended: told by itself
  return Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024
}

async function countDescriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length // likewise
}
