/**
 * The market against everything that can go wrong: random jobs, crashes at any point, lost, late and repeated messages,
 * partitions shorter and longer than the leases, engines that go away, clocks that jump; with the real requester, job
 * store, directory and provider agents on a simulated clock. What must hold is in `support/invariants.ts`, after each
 * step, in `support/witness.ts`, as it happens, and in `support/aftermath.ts`, once the faults have stopped.
 *
 * `CORTEX_MODEL_RUNS=20000` looks longer, from a seed of its own; `CORTEX_MODEL_SEED=N` from this one.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { counterexamples } from './counterexamples.ts'
import { everyRunEndsWell } from './support/commands.ts'
import type { ModelResult, ModelTask } from './support/model-worker.ts'
import { type Play, play } from './support/play.ts'

/** The same runs for everybody who runs the tests. */
const SEED = 20_260_101
const RUNS = 2_000
/** Always as many, so that the runs are the same whatever the machine. */
const THREADS = 2
/** A guard against hangs, for a machine that others use, too; alone it takes about a minute. */
const LIMIT_MS = 25 * 60_000
/** A machine that others use plays as many of the same runs as it can in this time, and these at least. */
const WITHIN_MS = 12 * 60_000
const LEAST_RUNS = 20

const DAY_MS = 24 * 3_600_000

const { CORTEX_MODEL_RUNS, CORTEX_MODEL_SEED } = process.env
const numRuns = Number(CORTEX_MODEL_RUNS ?? RUNS)
const chosenSeed = CORTEX_MODEL_RUNS === undefined ? SEED : Date.now() % 2 ** 31
const seed = Number(CORTEX_MODEL_SEED ?? chosenSeed)

describe('market model', { timeout: CORTEX_MODEL_RUNS === undefined ? LIMIT_MS : DAY_MS }, () => {
  for (const { bug, play: found } of counterexamples) {
    it(`no longer: ${bug}`, async () => await play(found))
  }

  it('is the same in every run of one seed', async () => {
    const plays: Play[] = []
    await fc.assert(
      everyRunEndsWell((each) => plays.push(each)),
      { numRuns: 10, seed },
    )
    for (const each of plays) assert.deepEqual(await history(each), await history(each))
  })

  it(`entry 50: ends well in ${numRuns} runs from seed ${seed}, or as many as there is time for`, async () => {
    const startedMs = performance.now()
    const shares = Array.from({ length: THREADS }, (_, i) => Math.ceil((numRuns - i) / THREADS))
    const results = await Promise.all(
      shares.map((runs, i) =>
        runModel({ seed: seed + i, runs, withinMs: CORTEX_MODEL_RUNS === undefined ? WITHIN_MS : DAY_MS }),
      ),
    )
    for (const { failure } of results) {
      if (failure !== null) assert.fail(`${failure.why}\nin ${JSON.stringify(failure.play)}\n${failure.report}`)
    }
    const played = results.reduce((sum, { runs }) => sum + runs, 0)
    if (performance.now() - startedMs < WITHIN_MS) assert.equal(played, numRuns)
    else assert.ok(played >= Math.min(numRuns, LEAST_RUNS), `${played} runs in ${WITHIN_MS / 60_000} min`)
  })
})

async function runModel(task: ModelTask): Promise<ModelResult> {
  const worker = new Worker(new URL('./support/model-worker.ts', import.meta.url), { workerData: task })
  try {
    const [result] = await once(worker, 'message')
    return result
  } finally {
    await worker.terminate()
  }
}

/** Everything that happens in a run, job ids by the order of their appearance. */
async function history(each: Play): Promise<string[]> {
  const lines: string[] = []
  await play(each, (text) => lines.push(text))
  const ids = new Map<string, string>()
  for (const [id] of lines.join().matchAll(/job_[0-9a-z]{26}/g)) if (!ids.has(id)) ids.set(id, `job ${ids.size}`)
  return lines.map((line) => line.replace(/job_[0-9a-z]{26}/g, (id) => ids.get(id) ?? id))
}
