/**
 * `npm test`: the unit tests, then those that need a container engine, a few files at a time.
 * `npm test -- unit`, `npm test -- integration faults`, `npm test -- test/node` and `npm test -- test/protocol/units.test.ts`
 * run some. The last line is `N passed, N failed, N skipped`, counting single tests; a file that hangs, crashes, holds no
 * test or leaves a process behind counts as one that failed.
 */
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { styleText } from 'node:util'
import Docker from 'dockerode'
import PQueue from 'p-queue'
import { type EngineHandle, ensureEngine } from './engine.ts'
import { type FileResult, runFile } from './testing/run-file.ts'

interface Group {
  name: string
  /** Files that run at the same time; the first ones begin beside the last ones of the group before. */
  concurrency: number
  needsEngine: boolean
  /** For one file, in ms. */
  timeoutMs: number
  /** Runs beside all groups after it, on what they leave of the cores. */
  inBackground?: true
}

const unit: Group = { name: 'unit', concurrency: availableParallelism(), needsEngine: false, timeoutMs: 180_000 }
/** A group holds the tests of the folder under `test/` that has its name; `unit` holds all the others. */
const groups: Group[] = [
  unit,
  { name: 'sim', concurrency: 1, needsEngine: false, timeoutMs: 30 * 60_000, inBackground: true },
  { name: 'faults', concurrency: 2, needsEngine: true, timeoutMs: 5 * 60_000 },
  { name: 'browser', concurrency: 2, needsEngine: true, timeoutMs: 5 * 60_000 },
  // These wait more than they work.
  { name: 'integration', concurrency: 3, needsEngine: true, timeoutMs: 5 * 60_000 },
]
/** For everything, in ms: what has not run by then fails. A guard against hangs; the whole takes about a quarter of an hour. */
const totalTimeoutMs = 60 * 60_000
const slowMs = 1_000

const root = join(import.meta.dirname, '..')
const results: FileResult[] = []
const stop = new AbortController()
const outOfTime = AbortSignal.timeout(totalTimeoutMs)
const signal = AbortSignal.any([stop.signal, outOfTime])
let engine: EngineHandle | undefined

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(new Error(name)))

const chosen = choose(process.argv.slice(2))
const [queue, background] = [new PQueue(), new PQueue()]
for (const group of groups) {
  const files = chosen.get(group) ?? []
  if (files.length === 0 || signal.aborted) continue
  print('bold', `\n${group.name}`)
  const env = group.needsEngine ? await engineEnvironment() : {}
  if (env === null) continue
  const own = group.inBackground ? background : queue
  own.concurrency = group.concurrency
  void own.addAll(files.map((file) => () => runOne(group, file, env)))
  await queue.onEmpty()
}
await Promise.all([queue.onIdle(), background.onIdle()])
await engine?.stop()
finish()

async function runOne(group: Group, file: string, env: Record<string, string>): Promise<void> {
  if (signal.aborted) return
  const result = await runFile(file, { timeoutMs: group.timeoutMs, env, signal, idle: group.inBackground })
  const failed = countFailed(result)
  const tests = `${result.tests.length} test${result.tests.length === 1 ? '' : 's'}`
  const line = `${relative(root, file)}  ${tests}  ${seconds(result.durationMs)}`
  results.push({ ...result, file: relative(root, file) })
  print(failed > 0 ? 'red' : 'green', `${failed > 0 ? '✖' : '✔'} ${line}`)
  if (result.output !== '' && (failed > 0 || chosenFiles() === 1)) console.log(indent(result.output))
}

/** Where the engine is, told to tests both by the variable that Docker's tools know and by one of our own. */
async function engineEnvironment(): Promise<Record<string, string> | null> {
  try {
    if (engine === undefined) {
      engine = await ensureEngine()
      if (engine.startedByUs) await removeLeftovers(new Docker({ socketPath: engine.socketPath }))
    }
  } catch (error) {
    const problem = `no container engine: ${(error as Error).message}`
    print('red', `✖ ${problem}`)
    results.push({ file: 'scripts/engine.ts', tests: [], problems: [problem], durationMs: 0, output: '' })
    return null
  }
  const host = `unix://${engine.socketPath}`
  return { DOCKER_HOST: host, CORTEX_TEST_DOCKER_HOST: host }
}

/** What killed agents of earlier runs left on an engine that nobody else uses: their networks use up its addresses. */
async function removeLeftovers(docker: Docker): Promise<void> {
  await docker.pruneContainers()
  await docker.pruneNetworks()
}

function choose(wanted: string[]): Map<Group, string[]> {
  const all = globSync('test/**/*.test.ts', { cwd: root }).map((file) => resolve(root, file))
  const files = wanted.length === 0 ? all : wanted.flatMap((want) => filesOf(want, all))
  return Map.groupBy([...new Set(files)].sort(), groupOf)
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

function chosenFiles(): number {
  return [...chosen.values()].flat().length
}

function countFailed(result: FileResult): number {
  return result.tests.filter((test) => test.type === 'failed').length + result.problems.length
}

function finish(): void {
  const notRun = chosenFiles() - results.length
  const tests = results.flatMap((result) => result.tests.map((test) => ({ ...test, file: result.file })))
  const slow = tests.filter((test) => test.durationMs >= slowMs).sort((a, b) => b.durationMs - a.durationMs)
  if (slow.length > 0) print('bold', '\nslowest')
  for (const test of slow.slice(0, 10))
    console.log(`${seconds(test.durationMs).padStart(7)}  ${test.file}  ${test.name}`)

  if (results.some((result) => countFailed(result) > 0)) print('bold', '\nfailed')
  for (const { file, tests, problems } of results) {
    for (const problem of problems) console.log(`✖ ${file}: ${problem}`)
    for (const test of tests) {
      if (test.type === 'failed') console.log(`✖ ${file}:${test.line} ${test.name}\n${indent(test.reason)}`)
    }
  }
  if (signal.aborted) {
    const reason = stop.signal.aborted ? `stopped by ${stop.signal.reason.message}` : 'out of time'
    console.log(`✖ ${reason}; ${notRun} of ${chosenFiles()} files did not run`)
  }

  const passed = tests.filter((test) => test.type === 'passed').length
  const skipped = tests.filter((test) => test.type === 'skipped').length
  const failed = results.reduce((sum, result) => sum + countFailed(result), 0) + (signal.aborted ? 1 : 0)
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
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
