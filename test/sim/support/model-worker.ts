/**
 * Runs of the model on a thread of their own. The test runner watches every promise of its thread, which makes a run
 * take more than twice as long there.
 */

import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { everyRunEndsWell } from './commands.ts'
import type { Play } from './play.ts'

export interface ModelTask {
  seed: number
  runs: number
  /** A run that begins later is left out, in ms. */
  withinMs: number
}

export interface ModelResult {
  runs: number
  /** What did not hold, with the shortest run that was found; null where everything ended well. */
  failure: { why: string; report: string; play: Play | null } | null
}

const { seed, runs: numRuns, withinMs } = workerData as ModelTask
let last: Play | null = null
let runs = 0
let failed: { why: string; play: Play } | null = null

const result = await fc.check(
  everyRunEndsWell(
    (play) => {
      last = play
      runs += 1
    },
    // The last one that fails is the shortest.
    (why) => {
      if (last !== null) failed = { why, play: last }
    },
  ),
  { numRuns, seed, interruptAfterTimeLimit: withinMs, markInterruptAsFailure: false },
)
const answer: ModelResult = {
  runs,
  failure: result.failed
    ? { why: '', play: null, ...(failed ?? {}), report: fc.defaultReportMessage(result) ?? '' }
    : null,
}
parentPort?.postMessage(answer)
