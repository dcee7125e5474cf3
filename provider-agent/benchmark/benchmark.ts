/**
 * Measures what the machine does when nothing runs on it: at the first start, and once a week. A job that comes meanwhile
 * has the machine: what was begun is given up, and tried again later.
 */

import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { figuresSchema } from '../../node/benchmark/bench-job.ts'
import { DISK_QUEUE } from '../../node/benchmark/program.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { replacePrivateFile } from '../../node/private-file.ts'
import type { Measured } from '../../protocol/measured.ts'

/** What the machine does in a second, measured again as the figures grow old. */
export interface Benchmark {
  /** What was measured last; null where nothing was yet. */
  measured(): Measured | null
  /** Told when there is something new. */
  onChange(callback: () => void): void
  /**
   * Reads what was measured before, and looks every half minute whether it is time and the machine idle. Nothing
   * without `init.benchmark`.
   */
  start(): Promise<void>
  stop(): Promise<void>
}

/** What {@link createBenchmark} works with. */
export interface BenchmarkComponents {
  clock: Clock
  logger: Logger
  /** Whether nothing that was sold runs now. */
  isFree: () => boolean
  /** Folders in which the disk of jobs may be measured, the best first. */
  folders: () => Promise<string[]>
  /** @default the program of `node/benchmark`, in a process of its own */
  run?: (folder: string, signal: AbortSignal) => Promise<Omit<Measured, 'atMs'>>
  /** Share of the machine's cores that works now, 0..1. @default looks for a second */
  load?: () => Promise<number>
}

/** Whether to measure, and where to keep it. */
export interface BenchmarkInit {
  /** Where the figures are kept. */
  dataFolder: string
  /** Whether the machine is measured at all. */
  benchmark: boolean
}

/** Older figures are measured again, in ms: a week. */
const AGAIN_MS = 7 * 24 * 3_600_000
/** Between looks at whether the machine is idle, in ms. */
const LOOK_MS = 30_000
/** Between looks at whether a job has come, in ms. */
const YIELD_MS = 200
/** Where more of the machine works than this, it is somebody else's at the moment. */
const IDLE_LOAD = 0.15
const LOAD_MS = 1_000
/** Each of the six measures, in seconds: with what comes between, all take half a minute. */
const SECONDS = 3
const TIMEOUT_MS = 180_000

const measuredSchema = figuresSchema.extend({ atMs: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) })

const PROGRAM = join(import.meta.dirname, '..', '..', 'node', 'benchmark', `run${extname(import.meta.filename)}`)

/** Keeps the figures in `measured.json` of the data folder, where the next process finds them. */
export function createBenchmark(components: BenchmarkComponents, init: BenchmarkInit): Benchmark {
  const { clock, isFree, run = runProgram, load = processorLoad } = components
  const logger = components.logger.child({ part: 'benchmark' })
  const path = join(init.dataFolder, 'measured.json')
  const scope = new AbortController()
  const callbacks: (() => void)[] = []
  let measured: Measured | null = null
  let loop: Promise<void> = Promise.resolve()

  async function attempt(): Promise<void> {
    const given = new AbortController()
    const watch = setInterval(() => {
      if (!isFree()) given.abort(new Error('A job has come'))
    }, YIELD_MS)
    try {
      const [folder = tmpdir()] = await components.folders()
      const figures = await run(folder, AbortSignal.any([scope.signal, given.signal]))
      measured = { ...figures, atMs: clock.nowMs() }
      await replacePrivateFile(path, JSON.stringify(measured))
      logger.info(figures, 'measured the machine')
      for (const callback of callbacks) callback()
    } catch (error) {
      if (!scope.signal.aborted && !given.signal.aborted) {
        logger.warn({ error: String(error) }, 'the machine could not be measured')
      }
    } finally {
      clearInterval(watch)
    }
  }

  async function watch(): Promise<void> {
    while (!scope.signal.aborted) {
      // A clock that was set back makes old figures no younger.
      const isOld = measured === null || Math.abs(clock.nowMs() - measured.atMs) > AGAIN_MS
      if (isOld && isFree() && (await load()) < IDLE_LOAD && isFree()) await attempt()
      // Aborted: the loop ends.
      await clock.sleep(LOOK_MS, scope.signal).catch(() => undefined)
    }
  }

  return {
    measured: () => measured,
    onChange: (callback) => void callbacks.push(callback),
    async start() {
      if (!init.benchmark) return
      measured = await read(path)
      loop = watch()
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await loop
    },
  }
}

async function read(path: string): Promise<Measured | null> {
  try {
    return measuredSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return null // None yet, or none that can be read: it is measured anew.
  }
}

async function runProgram(folder: string, signal: AbortSignal): Promise<Omit<Measured, 'atMs'>> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, folder, String(SECONDS)], {
    ...{ signal, killSignal: 'SIGKILL', timeout: TIMEOUT_MS },
    env: { ...process.env, UV_THREADPOOL_SIZE: String(DISK_QUEUE) },
  })
  return figuresSchema.parse(JSON.parse(stdout))
}

async function processorLoad(): Promise<number> {
  const before = processorTimes()
  await new Promise((resolve) => setTimeout(resolve, LOAD_MS))
  const now = processorTimes()
  const all = now.all - before.all
  return all === 0 ? 1 : 1 - (now.idle - before.idle) / all
}

function processorTimes(): { all: number; idle: number } {
  const times = cpus().map((cpu) => cpu.times)
  const idle = times.reduce((sum, one) => sum + one.idle, 0)
  return { idle, all: idle + times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0) }
}

/** Those of `candidates` that can be written and lie on the same file system as `root`, where jobs' storage is. */
export async function besideStorage(root: string, candidates: string[]): Promise<string[]> {
  const device = await stat(root).then(
    ({ dev }) => dev,
    () => null, // it is on another machine, or closed to this user
  )
  const found = await Promise.all(
    candidates.map(async (folder) => {
      const there = await stat(folder).catch(() => null) // not there
      return there !== null && (device === null || there.dev === device) ? [folder] : []
    }),
  )
  return found.flat()
}
