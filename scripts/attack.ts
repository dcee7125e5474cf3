/**
 * `npm run attack`: every hostile input of `test/attack`, thrown at a gateway and an agent on a real engine; with `--soak
 * MINUTES` all of them again and again beside honest jobs. The last line is one JSON object: how many were `tried`, how many
 * `held` and how many `failed`; the exit code is 1 where one did not hold.
 */

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureEngine } from './engine.ts'
import { runFile } from './testing/run-file.ts'

/** For one file, in ms. */
const TIMEOUT_MS = 40 * 60_000

interface Outcome {
  held: number
  failed: number
  figures?: Record<string, unknown>
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())

const { values } = parseArgs({ options: { soak: { type: 'string' } } })
const minutes = values.soak === undefined ? null : Number(values.soak)
if (minutes !== null && !(minutes > 0 && minutes <= 600)) throw new Error('Give --soak 0…600, in minutes')
const engine = await ensureEngine()
process.env.DOCKER_HOST = `unix://${engine.socketPath}`
process.env.CORTEX_TEST_DOCKER_HOST = process.env.DOCKER_HOST
try {
  const { held, failed, figures } = minutes === null ? await runOnce() : await runSoak(minutes)
  process.stdout.write(`${JSON.stringify({ name: 'attack', tried: held + failed, held, failed, ...figures })}\n`)
  if (failed > 0) process.exitCode = 1
} finally {
  await engine.stop()
}

async function runOnce(): Promise<Outcome> {
  const root = join(import.meta.dirname, '..')
  let [held, failed] = [0, 0]
  for (const file of globSync('test/attack/*.test.ts', { cwd: root }).toSorted()) {
    const { tests, problems } = await runFile(join(root, file), { timeoutMs: TIMEOUT_MS, signal: stop.signal })
    for (const { type, name, reason } of tests) {
      if (type === 'passed') held += 1
      if (type !== 'failed') continue
      failed += 1
      say(`✖ ${name}\n${reason}`)
    }
    for (const problem of problems) say(`✖ ${file}: ${problem}`)
    failed += problems.length
  }
  return { held, failed }
}

async function runSoak(length: number): Promise<Outcome> {
  const { soak } = await import('./attack/soak.ts')
  const { held, tried, failed, problems, figures } = await soak(length, say)
  for (const [name, reason] of Object.entries(failed)) say(`✖ ${name}\n${reason}`)
  for (const problem of problems) say(`✖ ${problem}`)
  return { held, failed: tried - held + problems.length, figures }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
