/**
 * `cortex run` in a folder of its own, on a market that it has never been on: from the start of the process to its node
 * having joined and asked, and to its job being placed, which is after the first bid. The goal is 3 s; the ratio is to that.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { BenchResult } from './run.ts'
import { benchNetwork } from './support/network.ts'
import { median, quantile, round } from './support/statistics.ts'

const PROGRAM = join(import.meta.dirname, '../bin/cortex.ts')
const GOAL_MS = 3_000
const SMALL = ['--cpu', '100', '--memory', '16Mi', '--storage', '16Mi', '--duration', '60']

export async function bench(args: string[]): Promise<BenchResult> {
  const times = Number(args[0] ?? 10)
  await using setup = await benchNetwork(2, [])
  const [asked, placed]: [number[], number[]] = [[], []]
  for (let i = 0; i < times; i += 1) {
    const where = ['--data', join(setup.folder, `join-${i}`), '--bootstrap', setup.peer, '--no-mdns']
    const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
    const seen = await run(['run', ...where, ...listen, ...SMALL, setup.image, '--', 'true'])
    asked.push(seen.submitted)
    placed.push(seen.scheduled)
  }
  const p50 = median(placed)
  const figures = {
    times,
    askedMs: round(median(asked)),
    placedMs: round(p50),
    placedP90Ms: round(quantile(placed, 0.9)),
  }
  return { name: 'join', ratio: round(p50 / GOAL_MS, 3), goal: 1, ...figures }
}

/** When it said so, in ms from its start. */
async function run(args: string[]): Promise<{ submitted: number; scheduled: number }> {
  const begin = performance.now()
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const seen = { submitted: Number.NaN, scheduled: Number.NaN }
  const words: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    words.push(line)
    for (const step of ['submitted', 'scheduled'] as const) {
      if (line.includes(` ${step} `)) seen[step] = performance.now() - begin
    }
  })
  const [code] = await once(child, 'close')
  if (code !== 0 || Number.isNaN(seen.scheduled)) throw new Error(`cortex run failed:\n${words.join('\n')}`)
  return seen
}
