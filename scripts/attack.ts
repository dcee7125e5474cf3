/**
 * `npm run attack`: every hostile input of `test/attack`, thrown at a gateway and an agent on a real engine; with `--soak
 * MINUTES` all of them again and again beside honest jobs; with `--gvisor` once, the agent's jobs under gVisor. The last line
 * is one JSON object: how many were `tried`, how many `held` and how many `failed`; the exit code is 1 where one did not hold.
 */

import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { type EngineHandle, ensureEngine } from './engine.ts'
import { gvisorProblem, RUNSC, startGvisorEngine } from './gvisor.ts'
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

const { values } = parseArgs({ options: { soak: { type: 'string' }, gvisor: { type: 'boolean' } } })
const minutes = values.soak === undefined ? null : Number(values.soak)
if (minutes !== null && !(minutes > 0 && minutes <= 600)) throw new Error('Give --soak 0…600, in minutes')
if (values.gvisor === true && minutes !== null) throw new Error('Give --soak or --gvisor')
/** Ends what was made for this run, in reverse. */
await using stack = new AsyncDisposableStack()
/** Before the program that attacks: where the engine's networks are. */
const within: string[] = []
const engine = values.gvisor === true ? await gvisorEngine() : await ensureEngine()
process.env.DOCKER_HOST = `unix://${engine.socketPath}`
process.env.CORTEX_TEST_DOCKER_HOST = process.env.DOCKER_HOST
try {
  const { held, failed, figures } = minutes === null ? await runOnce() : await runSoak(minutes)
  process.stdout.write(`${JSON.stringify({ name: 'attack', tried: held + failed, held, failed, ...figures })}\n`)
  if (failed > 0) process.exitCode = 1
} finally {
  await engine.stop()
}

/** An engine whose bridges meet those of no other, and jobs under gVisor on it. */
async function gvisorEngine(): Promise<EngineHandle> {
  const problem = await gvisorProblem()
  if (problem !== null) throw new Error(`gVisor ${problem}`)
  const folder = await mkdtemp(join(tmpdir(), 'cortex-attack-'))
  stack.defer(async () => await rm(folder, { recursive: true, force: true }))
  const space = `cortex-attack-${process.pid}`
  const ip = async (...args: string[]) => await promisify(execFile)('ip', args)
  await ip('netns', 'add', space)
  stack.defer(async () => void (await ip('netns', 'del', space)))
  await ip('-n', space, 'link', 'set', 'lo', 'up')
  within.push('nsenter', `--net=/run/netns/${space}`)
  process.env.CORTEX_ATTACK_RUNTIME = RUNSC
  return await startGvisorEngine({ folder, within })
}

async function runOnce(): Promise<Outcome> {
  const root = join(import.meta.dirname, '..')
  let [held, failed] = [0, 0]
  for (const file of globSync('test/attack/*.test.ts', { cwd: root }).toSorted()) {
    const { tests, problems } = await runFile(join(root, file), {
      ...{ timeoutMs: TIMEOUT_MS, signal: stop.signal, command: within },
    })
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
