/**
 * Submit to `running` through a gateway, over real TCP to agents in processes of their own, against dockerode alone
 * making the same network and container and starting it. Alternating in one run; 50 pairs with 1 and with 4 agents.
 */

import type { BenchResult } from './run.ts'
import { benchNetwork } from './support/network.ts'
import { startRaw } from './support/raw-container.ts'
import { settled } from './support/settled.ts'
import { median, quantile, round } from './support/statistics.ts'

const COMMAND = ['sleep', '0.5']
const JOB = {
  command: COMMAND.slice(0, 1),
  args: COMMAND.slice(1),
  cpu: 1000,
  memory: '64Mi',
  storage: '64Mi',
  duration: 60,
}
const WARM_UP = 2
/** What each agent keeps ready. */
const SANDBOXES = 1

export async function bench(args: string[]): Promise<BenchResult> {
  const pairs = Number(args[0] ?? 50)
  const one = await measure(1, pairs)
  const four = await measure(4, pairs)
  return { name: 'start-latency', ratio: one.ratio, goal: 0.6, pairs, oneAgent: one, fourAgents: four }
}

async function measure(agents: number, pairs: number) {
  await using setup = await benchNetwork(agents, [
    '--memory',
    '4Gi',
    '--storage',
    '8Gi',
    '--sandboxes',
    String(SANDBOXES),
  ])
  const { docker, image, api } = setup
  const owners = (await api.providers()).map(({ id }) => id)
  const [ours, raw]: [number[], number[]] = [[], []]
  const steps: Record<string, number[]> = {}
  let pooled = 0
  await settled(docker, owners, SANDBOXES)
  for (let i = -WARM_UP; i < pairs; i += 1) {
    const begin = performance.now()
    const begunAt = performance.timeOrigin + begin
    const { id } = await api.submit({ image, ...JOB })
    let running = 0
    const seen: Record<string, number> = { submitted: performance.now() - begin }
    await api.events(id, async ({ type, timestamp }) => {
      seen[type] = Date.parse(timestamp) - begunAt
      if (type !== 'started') return
      running = performance.now() - begin
      const { HostConfig: config } = await docker.getContainer(`cortex-${id}-1`).inspect()
      if (i >= 0 && config.NetworkMode?.startsWith('container:')) pooled += 1
    })
    await settled(docker, owners, SANDBOXES)
    const container = await startRaw(docker, image, COMMAND)
    await container.finish()
    if (i < 0) continue
    ours.push(running)
    raw.push(container.startedAfterMs)
    for (const [step, ms] of Object.entries(seen)) steps[step] = [...(steps[step] ?? []), ms]
  }
  const figures = {
    ratio: round(median(ours) / median(raw), 3),
    oursMs: round(median(ours)),
    rawMs: round(median(raw)),
    oursP90Ms: round(quantile(ours, 0.9)),
    rawP90Ms: round(quantile(raw, 0.9)),
    // Share of ours that were put into a sandbox.
    pooled: round(pooled / pairs, 2),
    // Each step's time since the submission began, median.
    path: Object.fromEntries(Object.entries(steps).map(([step, ms]) => [step, round(median(ms))])),
  }
  process.stdout.write(`${agents} agent${agents === 1 ? '' : 's'}: ${JSON.stringify(figures)}\n`)
  return figures
}
