/**
 * Submit to `running` through a gateway, over real TCP to an agent in a process of its own: under gVisor, against the same
 * agent's jobs in containers, both with prepared sandboxes. Alternating in one run of 30 pairs, on an engine of its own in a
 * network namespace of its own.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gvisorProblem, installRunsc, RUNSC, startGvisorEngine } from '../scripts/gvisor.ts'
import type { BenchResult } from './run.ts'
import { benchNetwork } from './support/network.ts'
import { settled } from './support/settled.ts'
import { median, quantile, round } from './support/statistics.ts'

const JOB = { command: ['sleep'], args: ['0.5'], cpu: 1000, memory: '64Mi', storage: '64Mi', duration: 60 }
const WARM_UP = 2
const SANDBOXES = 1
const CLASSES = ['container', 'gvisor'] as const
/** The first argument of the process that runs in the namespace. */
const INSIDE = 'inside'

export async function bench(args: string[]): Promise<BenchResult> {
  const problem = await gvisorProblem()
  if (problem !== null) throw new Error(`gVisor ${problem}`)
  if (args[0] !== INSIDE) {
    await installRunsc() // In the namespace there is nothing to fetch it from.
    return await runInside(args)
  }
  const pairs = Number(args[1] ?? 30)
  return { name: 'isolation', goal: 1.5, pairs, ...(await measure(pairs)) }
}

/** The agent must reach its containers, and the bridges of two engines must not meet. */
async function runInside(args: string[]): Promise<BenchResult> {
  const script = join(import.meta.dirname, 'run.ts')
  const child = spawn(
    'unshare',
    [
      '--net',
      'sh',
      '-c',
      'ip link set lo up && exec "$@"',
      'sh',
      process.execPath,
      script,
      'isolation',
      INSIDE,
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exit = once(child, 'exit')
  const lines = (await text(child.stdout)).trim().split('\n')
  const [code] = await exit
  if (code !== 0) throw new Error(`it ended with ${code}`)
  return JSON.parse(lines.at(-1) ?? '') as BenchResult
}

async function measure(pairs: number) {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-isolation-'))
  try {
    const flags = ['--memory', '4Gi', '--storage', '8Gi', '--sandboxes', String(SANDBOXES)]
    const sold = ['--isolation', `gvisor=${RUNSC}`]
    await using setup = await benchNetwork(1, [...flags, ...sold], {
      startEngine: async () => await startGvisorEngine({ folder }),
    })
    const { docker, image, api } = setup
    const owners = (await api.providers()).map(({ id }) => id)
    const times: Record<(typeof CLASSES)[number], number[]> = { container: [], gvisor: [] }
    const pooled = { container: 0, gvisor: 0 }
    for (let i = -WARM_UP; i < pairs; i += 1) {
      for (const isolation of CLASSES) {
        await settled(docker, owners, SANDBOXES)
        const begin = performance.now()
        const { id } = await api.submit({ image, ...JOB, isolation })
        await api.events(id, async ({ type }) => {
          if (type !== 'started') return
          const took = performance.now() - begin
          const { HostConfig: config } = await docker.getContainer(`cortex-${id}-1`).inspect()
          const isGvisor = (config as { Runtime?: string }).Runtime === RUNSC
          if (isGvisor !== (isolation === 'gvisor')) throw new Error(`a job under ${isolation} was not`)
          if (i < 0) return
          times[isolation].push(took)
          if (config.NetworkMode?.startsWith('container:')) pooled[isolation] += 1
        })
      }
    }
    const [runc, runsc] = [times.container, times.gvisor]
    return {
      ratio: round(median(runsc) / median(runc), 3),
      containerMs: round(median(runc)),
      gvisorMs: round(median(runsc)),
      containerP90Ms: round(quantile(runc, 0.9)),
      gvisorP90Ms: round(quantile(runsc, 0.9)),
      // Share of each that were put into a sandbox.
      pooled: { container: round(pooled.container / pairs, 2), gvisor: round(pooled.gvisor / pairs, 2) },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
