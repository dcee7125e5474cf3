/**
 * `npm run sim -- --providers 10,200,1000 --jobs 2000`: what a job costs in a small market and in a large one. Real peers
 * over TCP on loopback with the real protocol, on an engine that runs nothing; beside it the same on a simulated clock.
 * The last line is one JSON object.
 */

import { spawn } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { AttackFigures } from './sim/attack.ts'
import type { SizeFigures } from './sim/real-market.ts'
import type { TimedFigures } from './sim/timed-market.ts'

/** Jobs on the simulated clock, at most: they follow each other, and are all alike. */
const TIMED_JOBS = 200
/** How long that may take, in ms. */
const TIMED_BUDGET_MS = 120_000

const { values } = parseArgs({
  options: {
    providers: { type: 'string', default: '10,100,200,500,1000' },
    jobs: { type: 'string', default: '200' },
    concurrency: { type: 'string', default: '10' },
    budget: { type: 'string', default: '300' },
    attack: { type: 'boolean', default: false },
  },
})
const wholes = (text: string): number[] => text.split(',').map(Number)
const sizes = wholes(values.providers)
const [jobs = 0, concurrency = 0, budget = 0] = [values.jobs, values.concurrency, values.budget].flatMap(wholes)
if ([...sizes, jobs, concurrency, budget].some((value) => !Number.isInteger(value) || value < 1 || value > 100_000)) {
  process.stderr.write(
    '--providers takes whole numbers from 1 on, with commas; --jobs, --concurrency and --budget one.\n',
  )
  process.exit(1)
}

if (values.attack) {
  await showAttack()
  process.exit(0)
}

type Result<T> = Partial<T> & { problem?: string }
interface Size extends Result<SizeFigures> {
  providers: number
  simulated: Result<TimedFigures>
}

say(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`)
say(`Real libp2p peers over TCP on loopback, in a few processes, and the real protocol. The engine is a null executor:`)
say(`containers end as they start. Announcements are handed to the one peer that asks, because with every peer on one`)
say(
  `machine their cost would be all there is. ${budget} s for each size. Time in which the requester waits for a core that`,
)
say(`others have does not count.\n`)
say(
  'providers     ended  p50 ms  p99 ms  at once p50  jobs/s  msgs/job  kB/job  CPU ms/job  per peer  MiB  simulated p50',
)
const results: Size[] = []
for (const providers of sizes) {
  const real = await runSize<SizeFigures>(
    'real',
    { providers, jobs, concurrency, budgetMs: budget * 1000 },
    budget * 1000,
  )
  const simulated = await runSize<TimedFigures>(
    'timed',
    { ...{ providers, jobs: Math.min(jobs, TIMED_JOBS), budgetMs: TIMED_BUDGET_MS }, perMessageMs: perMessage(real) },
    TIMED_BUDGET_MS,
  )
  const size = { ...real, providers, simulated }
  results.push(size)
  say(rowOf(size))
  if (size.problem !== undefined) say(`          did not fit: ${size.problem}`)
  else if (typeof size.unfinished === 'string') say(`          not all jobs ended: ${size.unfinished}`)
}
const [first] = results
const ratios = results.slice(1).map((size) => ({
  providers: size.providers,
  simulatedP50: ratio(size.simulated.p50Ms, first?.simulated.p50Ms),
  cpuPerJob: ratio(size.cpuMsPerJob, first?.cpuMsPerJob),
  cpuPerJobAndPeer: ratio(size.cpuMsPerJobAndPeer, first?.cpuMsPerJobAndPeer),
}))
for (const { providers, simulatedP50, cpuPerJob, cpuPerJobAndPeer } of ratios) {
  say(
    `${providers} to ${first?.providers}: simulated p50 ${simulatedP50}, CPU per job ${cpuPerJob}, and peer ${cpuPerJobAndPeer}`,
  )
}
say(
  `\nPublished by Bacalhau of its own designs, on other machines: from submission to running 1.33 s at 10 nodes and 10.1 s`,
)
say(
  `at 100 with everything over gossip, 1.33 s at 200 with direct streams; 10,000 no-op jobs at concurrency 10 with 630 ms`,
)
say(
  `each. Ours of the same shape: p50 is of the first 60 jobs, one by one; "at once" of the others, ${concurrency} at a time.`,
)
process.stdout.write(`${JSON.stringify({ executor: 'null', sizes: results, ratios })}\n`)

/** The first size, and again with three of ten peers who mean harm. */
async function showAttack(): Promise<void> {
  const [peers = 50] = sizes
  const hostile = Math.round(0.3 * peers)
  const common = { providers: peers - hostile, jobs, perMessageMs: 1, budgetMs: budget * 1000 }
  say(
    'On a simulated clock, 1 ms for each message, links of 50 ms, a null executor. Of the hostile a fifth each refuses',
  )
  say(
    'what it won by its price, fails it, floods sellers and buyer, announces itself and answers nobody, forges announcements.\n',
  )
  say('honest  hostile     ended  completed  ended p50 ms  p99 ms  awards refused  turned away')
  const runs: Result<AttackFigures>[] = []
  for (const enemies of [0, hostile]) {
    const run = await runSize<AttackFigures>('attack', { ...common, hostile: enemies }, budget * 1000)
    runs.push(run)
    const cells: [unknown, number][] = [
      ...([
        [run.honest, 6],
        [run.hostile, 9],
        [`${run.ended ?? 0}/${jobs}`, 10],
        [run.completed, 11],
      ] as [unknown, number][]),
      ...([
        [run.p50Ms, 14],
        [run.p99Ms, 8],
        [run.awards?.refused, 16],
        [run.turnedAway, 13],
      ] as [unknown, number][]),
    ]
    say(cells.map(([value, width]) => String(value ?? '-').padStart(width)).join(''))
  }
  const slower = ratio(runs[1]?.p50Ms, runs[0]?.p50Ms)
  say(`\nUnder attack p50 is ${slower} times that among the honest.`)
  process.stdout.write(`${JSON.stringify({ executor: 'null', clock: 'simulated', attack: { runs, slower } })}\n`)
}

/** CPU that a message costs whoever handles it, in ms, of the smallest market measured. */
function perMessage(real: Result<SizeFigures>): number {
  const { cpuMsPerJob, messagesPerJob } = results[0] ?? real
  // Both ends of each message are peers of the same process.
  return typeof cpuMsPerJob === 'number' && messagesPerJob ? cpuMsPerJob / messagesPerJob / 2 : 1
}

async function runSize<T>(kind: 'real' | 'timed' | 'attack', init: object, budgetMs: number): Promise<Result<T>> {
  const script = join(import.meta.dirname, 'sim', 'run-size.ts')
  const flags = ['--max-old-space-size=12000', script, kind, JSON.stringify(init)]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  // It ends by itself when its time is over; this is for one that cannot.
  const timer = setTimeout(() => child.kill('SIGKILL'), budgetMs + 60_000)
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  clearTimeout(timer)
  const last = output.trim().split('\n').at(-1)
  return JSON.parse(last || '{"problem":"it ran out of memory or time"}') as Result<T>
}

function rowOf(size: Size): string {
  const cells: [value: unknown, width: number][] = [
    [size.providers, 9],
    [`${size.ended ?? 0}/${jobs}`, 10],
    ...[size.p50Ms, size.p99Ms].map((value): [unknown, number] => [value, 8]),
    [size.concurrent?.p50Ms, 13],
    [size.concurrent?.jobsPerSecond, 8],
    [size.messagesPerJob, 10],
    [typeof size.bytesPerJob === 'number' ? (size.bytesPerJob / 1000).toFixed(1) : null, 8],
    [size.cpuMsPerJob, 12],
    [size.cpuMsPerJobAndPeer, 10],
    [size.rssBytes === undefined ? null : Math.round(size.rssBytes / 2 ** 20), 5],
    [size.simulated.p50Ms ?? size.simulated.problem, 15],
  ]
  return cells.map(([value, width]) => String(value ?? '-').padStart(width)).join('')
}

function ratio(value: number | null | undefined, base: number | null | undefined): number | null {
  return value && base ? Number((value / base).toPrecision(3)) : null
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
