/**
 * `npm test`: everything, what needs a container engine beside what does not. `npm test -- unit`,
 * `npm test -- integration faults`, `npm test -- test/node` and `npm test -- test/protocol/units.test.ts` run some. The last
 * line is `N passed, N failed, N skipped`, counting single tests; a file that hangs, crashes, holds no test or leaves a
 * process behind counts as one that failed. Where few files of a whole run failed, those are run again when all else is
 * over; what passes then is named as unsteady, with its reason, and is a fault to be mended.
 */
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { styleText } from 'node:util'
import Docker from 'dockerode'
import PQueue from 'p-queue'
import { type EngineHandle, ensureEngine } from './engine.ts'
import { bundledPrograms } from './testing/bundled-programs.ts'
import { fillCores } from './testing/fill-cores.ts'
import type { FileResult } from './testing/run-file.ts'
import { runTogether } from './testing/run-together.ts'

/** Files that take turns; those of one lane run beside those of the others, from the beginning. */
interface Lane {
  /** Files at the same time. */
  concurrency: number
  /** The same, where cores would be idle. @default as many as always */
  most?: number
  /** Files that share a process. @default 1 */
  together?: number
  /** On what the others leave of the cores. */
  idle?: true
}

interface Group {
  name: string
  lane: Lane
  needsEngine: boolean
  /** For one file, in ms: a guard against hangs, which also a machine keeps that is as busy as may be. */
  timeoutMs: number
}

const working: Lane = { concurrency: availableParallelism(), together: 10 }
/**
 * What uses the engine waits for it, and for time to pass: two cores are full with three of them beside the others, and a
 * fourth starves all. Where those wait, or the others are over, more begin; but one engine serves them, and an agent sells
 * nothing where the containers of other tests have what the machine has.
 */
const waiting: Lane = { concurrency: 3, most: Math.min(12, 2 * availableParallelism()) }
/** Files of this one look as long as they may, some for a quarter of an hour: one after the other they would be what is waited for. */
const background: Lane = { concurrency: 2, idle: true }
const lanes = [waiting, working, background]

const unit: Group = { name: 'unit', lane: working, needsEngine: false, timeoutMs: 20 * 60_000 }
/** A group holds the tests of the folder under `test/` that has its name; `unit` holds all the others. */
const groups: Group[] = [
  unit,
  { name: 'sim', lane: background, needsEngine: false, timeoutMs: 40 * 60_000 },
  { name: 'attack', lane: waiting, needsEngine: true, timeoutMs: 40 * 60_000 },
  { name: 'faults', lane: waiting, needsEngine: true, timeoutMs: 20 * 60_000 },
  { name: 'browser', lane: waiting, needsEngine: true, timeoutMs: 20 * 60_000 },
  { name: 'integration', lane: waiting, needsEngine: true, timeoutMs: 20 * 60_000 },
]
/**
 * What takes a minute and more begins first, so that none is waited for alone in the end; from the longest on. A whole run
 * tells which are missing here.
 */
const long = [
  'attack/attack',
  'integration/docker-26',
  'faults/kill-agent',
  'faults/kill-gateway',
  'browser/account',
  'integration/run',
  'integration/package',
  'integration/attack/attack',
  'integration/ordinary-programs',
  'faults/walk/market',
  'faults/stopped-outside',
  'faults/routers',
  'integration/startup-problems',
  'faults/lost',
  'integration/podman',
  'browser/pages',
  'faults/partition',
  'integration/ended-early',
  'browser/jobs',
  'faults/abandoned',
  'browser/data',
  'faults/kept-volumes',
  'browser/live-pages',
  'browser/work',
  'integration/hostile-promises',
  'gateway/events/fan-out',
  'gateway/upkeep/repair',
  'node/commands/stopping',
  'gateway/large-answers',
  'sim/market-model',
  'sim/lies',
  'sim/volume-lies',
].map((name) => join(import.meta.dirname, `../test/${name}.test.ts`))
const longMs = 60_000
/** From so many files on, the programs that they start are bundled first: that takes what a few starts from the source do. */
const MANY = 20
/** For everything, in ms: what has not run by then fails. A guard against hangs; the whole takes a quarter of an hour to one. */
const totalTimeoutMs = 120 * 60_000
const slowMs = 1_000
/** Files that may be unsteady, one in fifty: where more have failed, something is broken. */
const mostUnsteady = 8
/** Failed tests of one file that are told with their reasons: many fail for one. */
const mostTold = 30

const root = join(import.meta.dirname, '..')
const results: FileResult[] = []
/** The first results of files that were run again. */
const unsteady: FileResult[] = []
const stop = new AbortController()
const outOfTime = AbortSignal.timeout(totalTimeoutMs)
const signal = AbortSignal.any([stop.signal, outOfTime])
let engine: EngineHandle | undefined

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort(new Error(name)))

const chosen = choose(process.argv.slice(2))
const programs = chosen.length < MANY ? {} : await bundledPrograms().catch(withoutBundle)
await Promise.all(lanes.map(runLane))
if (process.argv.length === 2) await runFailedAgain()
await engine?.stop()
finish()

async function runLane(lane: Lane): Promise<void> {
  const turns = new PQueue({ concurrency: lane.concurrency })
  const files = chosen.filter((file) => groupOf(file).lane === lane)
  if (files.length === 0) return
  const env = files.some((file) => groupOf(file).needsEngine) ? await engineEnvironment() : programs
  if (env === null) return
  const stopFilling = lane.most === undefined ? () => undefined : fillCores(turns, { most: lane.most })
  await turns.addAll(sharesOf(files, lane.together ?? 1).map((share) => async () => await run(share, env)))
  stopFilling()
}

/** Files that run in one process; those that take long have one of their own. */
function sharesOf(files: string[], together: number): string[][] {
  const short = files.filter((file) => !long.includes(file))
  const alone = files.filter((file) => long.includes(file)).map((file) => [file])
  const shares = Array.from({ length: Math.ceil(short.length / together) }, (_, i) =>
    short.slice(i * together, (i + 1) * together),
  )
  return [...alone, ...shares]
}

/** @param files of one group, by which they are run */
async function run(files: string[], env: Record<string, string>): Promise<void> {
  const [first] = files
  if (signal.aborted || first === undefined) return
  const { timeoutMs, lane } = groupOf(first)
  for (const result of await runTogether(files, { timeoutMs, env, signal, idle: lane.idle })) report(result)
}

function report(result: FileResult): void {
  const failed = countFailed(result)
  const tests = `${result.tests.length} test${result.tests.length === 1 ? '' : 's'}`
  const times = `${seconds(result.durationMs)}, ${seconds(result.processorMs)} of the processor`
  const line = `${relative(root, result.file)}  ${tests}  ${times}`
  results.push({ ...result, file: relative(root, result.file) })
  print(failed > 0 ? 'red' : 'green', `${failed > 0 ? '✖' : '✔'} ${line}`)
  if (result.output !== '' && (failed > 0 || chosen.length === 1)) console.log(indent(result.output))
  // Now, too: a run that is ended before its end has told it.
  if (failed > 0) tell('because', [result])
}

async function runFailedAgain(): Promise<void> {
  const failed = results.filter((result) => countFailed(result) > 0 && result.file.endsWith('.test.ts'))
  if (failed.length === 0 || failed.length > mostUnsteady) return
  print('bold', '\nagain, by itself')
  for (const first of failed) {
    const file = join(root, first.file)
    const group = groupOf(file)
    const env = group.needsEngine ? await engineEnvironment() : programs
    if (env === null) return
    results.splice(results.indexOf(first), 1)
    await run([file], env)
    const again = results.find((result) => result.file === first.file)
    if (again === undefined) results.push(first)
    else if (countFailed(again) === 0) unsteady.push(first)
  }
}

/** Where programs and the engine are, the latter told to tests both by the variable that Docker's tools know and by one of our own. */
async function engineEnvironment(): Promise<Record<string, string> | null> {
  try {
    if (engine === undefined) {
      engine = await ensureEngine()
      if (engine.startedByUs) await removeLeftovers(new Docker({ socketPath: engine.socketPath }))
    }
  } catch (error) {
    missing('scripts/engine.ts', `no container engine: ${(error as Error).message}`)
    return null
  }
  const host = `unix://${engine.socketPath}`
  return { ...programs, DOCKER_HOST: host, CORTEX_TEST_DOCKER_HOST: host }
}

/** Then the source is started: the tests still say what they can, and what is published cannot be made either. */
function withoutBundle(error: Error): Record<string, string> {
  missing('scripts/bundling.ts', `no bundle of the program: ${error.message}`)
  return {}
}

/** What tests need is not there. */
function missing(file: string, problem: string): void {
  print('red', `✖ ${problem}`)
  results.push({ file, tests: [], suites: [], problems: [problem], durationMs: 0, processorMs: 0, output: '' })
}

/** What killed agents of earlier runs left on an engine that nobody else uses: their networks use up its addresses. */
async function removeLeftovers(docker: Docker): Promise<void> {
  await docker.pruneContainers()
  await docker.pruneNetworks()
}

/** In the order in which they begin. */
function choose(wanted: string[]): string[] {
  const all = globSync('test/**/*.test.ts', { cwd: root }).map((file) => resolve(root, file))
  const files = wanted.length === 0 ? all : wanted.flatMap((want) => filesOf(want, all))
  const gone = long.find((file) => !all.includes(file))
  if (gone !== undefined) throw new Error(`${gone} is not there, but among those to begin first`)
  const [first, rest] = [long.filter((file) => files.includes(file)), files.filter((file) => !long.includes(file))]
  return [...new Set([...first, ...rest.toSorted()])]
}

function filesOf(want: string, all: string[]): string[] {
  if (groups.some((group) => group.name === want)) return all.filter((file) => groupOf(file).name === want)
  const path = resolve(root, want)
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory()
  const found = isFolder ? globSync('**/*.test.ts', { cwd: path }).map((file) => join(path, file)) : globSync(path)
  if (found.length === 0) {
    console.error(`No test at ${want}. Give files, folders or groups: ${groups.map((group) => group.name).join(', ')}`)
    process.exit(1)
  }
  return found
}

function groupOf(file: string): Group {
  const folder = relative(join(root, 'test'), file).split('/')[0]
  return groups.find((group) => group.name === folder) ?? unit
}

function countFailed(result: FileResult): number {
  return result.tests.filter((test) => test.type === 'failed').length + result.problems.length
}

function finish(): void {
  const notRun = chosen.length - results.length
  const tests = results.flatMap((result) => result.tests.map((test) => ({ ...test, file: result.file })))
  const slow = tests.filter((test) => test.durationMs >= slowMs).sort((a, b) => b.durationMs - a.durationMs)
  if (slow.length > 0) print('bold', '\nslowest')
  for (const test of slow.slice(0, 10))
    console.log(`${seconds(test.durationMs).padStart(7)}  ${test.file}  ${test.name}`)

  const costly = results.toSorted((a, b) => b.processorMs - a.processorMs).slice(0, 10)
  print('bold', `\nmost of the processor's time, of ${seconds(results.reduce((sum, one) => sum + one.processorMs, 0))}`)
  for (const { file, processorMs } of costly) console.log(`${seconds(processorMs).padStart(7)}  ${file}`)

  const late = results.filter(({ file, durationMs }) => durationMs >= longMs && !long.includes(join(root, file)))
  if (process.argv.length === 2 && late.length > 0) {
    print('bold', `\nto begin earlier, by the list in ${relative(root, import.meta.filename)}`)
    for (const { file, durationMs } of late) console.log(`${seconds(durationMs).padStart(7)}  ${file}`)
  }

  tell('unsteady: failed at first, passed by itself', unsteady)
  tell(
    'failed',
    results.filter((result) => countFailed(result) > 0),
  )
  if (signal.aborted) {
    const reason = stop.signal.aborted ? `stopped by ${stop.signal.reason.message}` : 'out of time'
    console.log(`✖ ${reason}; ${notRun} of ${chosen.length} files did not run`)
  }

  const passed = tests.filter((test) => test.type === 'passed').length
  const skipped = tests.filter((test) => test.type === 'skipped').length
  const failed = results.reduce((sum, result) => sum + countFailed(result), 0) + (signal.aborted ? 1 : 0)
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

/** Files with what failed in them. */
function tell(what: string, files: FileResult[]): void {
  if (files.length > 0) print('bold', `\n${what}`)
  for (const { file, tests, problems } of files) {
    for (const problem of problems) console.log(`✖ ${file}: ${problem}`)
    const bad = tests.filter((test) => test.type === 'failed')
    for (const test of bad.slice(0, mostTold)) {
      console.log(`✖ ${file}:${test.line} ${test.name}\n${indent(test.reason)}`)
    }
    if (bad.length > mostTold) console.log(`✖ ${file}: and ${bad.length - mostTold} more`)
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`
}

function print(style: 'bold' | 'red' | 'green', text: string): void {
  console.log(styleText(style, text, { stream: process.stdout }))
}
