import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createProcessMark } from './leftovers.ts'
import type { TestRecord } from './reporter.ts'
import { yieldCores } from './yield-cores.ts'

export type TestResult = Extract<TestRecord, { name: string; line: number }>
export type SuiteResult = Extract<TestRecord, { type: 'suite' }>

export interface FileResult {
  file: string
  tests: TestResult[]
  /** The outermost ones. */
  suites: SuiteResult[]
  /** What is wrong with the file beyond its failed tests: it hung, crashed, holds no test, left processes behind. */
  problems: string[]
  durationMs: number
  /** Of the processor's time, in ms: of the test and the programs that it saw end. 0 where it crashed. */
  processorMs: number
  /** What the tests printed, and Node's `spec` reporter about them, without its totals. */
  output: string
}

export interface RunFileInit {
  /** The file and all that it started are killed after this long, in ms. */
  timeoutMs: number
  /** Of the file. @default none */
  args?: string[]
  /** Added to the environment. */
  env?: Record<string, string>
  /** Before its program, e.g. to enter a namespace. @default nothing */
  command?: string[]
  /** Gives it only what others leave of the cores. */
  idle?: boolean | undefined
  /** Kills it at once. */
  signal?: AbortSignal
}

const reporter = join(import.meta.dirname, 'reporter.ts')
const unwatched = pathToFileURL(join(import.meta.dirname, 'unwatched.ts')).href

/** Runs one test file in a process of its own. */
export async function runFile(file: string, init: RunFileInit): Promise<FileResult> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-test-'))
  try {
    return await runIn(folder, file, init)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runIn(folder: string, file: string, init: RunFileInit): Promise<FileResult> {
  const recordsPath = join(folder, 'records')
  const outputPath = join(folder, 'output')
  const reporters = [
    ['spec', 'stdout'],
    [reporter, recordsPath],
  ].flatMap(([name, destination]) => [`--test-reporter=${name}`, `--test-reporter-destination=${destination}`])
  const mark = createProcessMark()
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env // else Node thinks that it runs under `node --test`
  const startedMs = performance.now()
  const output = await open(outputPath, 'w')
  const [program = '', ...args] = [...(init.command ?? []), process.execPath, `--import=${unwatched}`]
  const child = spawn(program, [...args, ...reporters, file, ...(init.args ?? [])], {
    env: { ...environment, ...init.env, ...mark.env },
    stdio: ['ignore', output.fd, output.fd], // not a pipe: that would stay open in what the tests leave behind
    detached: true, // a process group of its own, so that it can be ended with what it started
  })
  if (init.idle && child.pid !== undefined) yieldCores(child.pid)

  const problems: string[] = []
  let timedOut = false
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Nothing of it is left.
    }
  }
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, init.timeoutMs)
  init.signal?.addEventListener('abort', kill, { once: true })
  const ended = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : code ? `exit code ${code}` : ''))
    if (init.signal?.aborted) kill()
  })
  clearTimeout(timer)
  init.signal?.removeEventListener('abort', kill)
  await output.close()

  const left = await mark.endAll()
  const records = await readRecords(recordsPath)
  const tests = records.filter((record): record is TestResult => 'line' in record)
  const suites = records.filter((record): record is SuiteResult => record.type === 'suite')
  if (timedOut) {
    const running = lastUnfinished(records)
    problems.push(
      `took longer than ${init.timeoutMs / 1000} s${running ? `; the last test that began: ${running}` : ''}`,
    )
  } else if (ended && !tests.some((test) => test.type === 'failed')) {
    problems.push(ended)
  } else if (records.length > 0 && records.at(-1)?.type !== 'end') {
    problems.push('ended in the middle of its tests')
  } else if (tests.length === 0) {
    problems.push('no test in it ran')
  }
  if (left.length > 0 && !timedOut) problems.push(`left processes running: ${left.join('; ')}`)
  const durationMs = Math.round(performance.now() - startedMs)
  const processorMs = records.findLast((record) => record.type === 'end')?.processorMs ?? 0
  const printed = (await readFile(outputPath, 'utf8')).replace(/^ℹ tests \d+$.*/ms, '').trim()
  return { file, tests, suites, problems, durationMs, processorMs, output: printed }
}

async function readRecords(path: string): Promise<TestRecord[]> {
  const text = await readFile(path, 'utf8').catch(() => '') // not there where Node did not come as far as the reporter
  // The last line of a process that was killed may be cut off.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter(Boolean).map((line) => JSON.parse(line) as TestRecord)
}

function lastUnfinished(records: TestRecord[]): string | undefined {
  const finished = new Set(records.flatMap((record) => ('durationMs' in record ? record.name.split(' › ').at(-1) : [])))
  const started = records.flatMap((record) => (record.type === 'start' ? record.name : []))
  return started.findLast((name) => !finished.has(name))
}
