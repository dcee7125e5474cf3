/**
 * 200 jobs that do nothing, submitted at once through a gateway to one agent, against dockerode alone at its best
 * concurrency and against a Swarm replicated job, all on the same engine: containers run to their end a second.
 */

import type Docker from 'dockerode'
import PQueue from 'p-queue'
import type { DemoApi } from '../scripts/demo/api.ts'
import type { BenchResult } from './run.ts'
import { benchNetwork } from './support/network.ts'
import { startRaw } from './support/raw-container.ts'
import { round } from './support/statistics.ts'
import { runSwarmJob } from './support/swarm-job.ts'

const CONCURRENCIES = [4, 8, 12]
const PROBE_JOBS = 48

export async function bench(args: string[]): Promise<BenchResult> {
  const jobs = Number(args[0] ?? 200)
  await using setup = await benchNetwork(1, ['--memory', '4Gi', '--storage', '8Gi'])
  const { docker, image, api } = setup
  let best = { concurrency: 0, perSecond: 0 }
  for (const concurrency of CONCURRENCIES) {
    const perSecond = await raw(docker, image, PROBE_JOBS, concurrency)
    say(`raw, ${PROBE_JOBS} jobs at concurrency ${concurrency}: ${round(perSecond, 2)}/s`)
    if (perSecond > best.perSecond) best = { concurrency, perSecond }
  }
  const rawPerSecond = await raw(docker, image, jobs, best.concurrency)
  say(`raw, ${jobs} jobs at concurrency ${best.concurrency}: ${round(rawPerSecond, 2)}/s`)
  const oursPerSecond = await ours(api, image, jobs)
  say(`ours, ${jobs} jobs: ${round(oursPerSecond, 2)}/s`)
  const swarmPerSecond = await runSwarmJob(docker, image, jobs, best.concurrency)
  say(
    `swarm replicated job, ${jobs} tasks: ${swarmPerSecond === null ? 'not possible here' : `${round(swarmPerSecond, 2)}/s`}`,
  )
  return {
    name: 'throughput',
    ratio: round(oursPerSecond / rawPerSecond, 3),
    goal: 0.9,
    jobs,
    oursPerSecond: round(oursPerSecond, 2),
    rawPerSecond: round(rawPerSecond, 2),
    rawConcurrency: best.concurrency,
    swarmPerSecond: swarmPerSecond === null ? null : round(swarmPerSecond, 2),
  }
}

async function raw(docker: Docker, image: string, jobs: number, concurrency: number): Promise<number> {
  const queue = new PQueue({ concurrency })
  const begin = performance.now()
  const task = async () => (await startRaw(docker, image, ['true'])).finish()
  await queue.addAll(Array.from({ length: jobs }, () => task))
  return jobs / ((performance.now() - begin) / 1000)
}

async function ours(api: DemoApi, image: string, jobs: number): Promise<number> {
  const job = { image, command: ['true'], cpu: 100, memory: '16Mi', storage: '16Mi', duration: 60, queueTimeout: 600 }
  const begin = performance.now()
  const submitted = await Promise.all(Array.from({ length: jobs }, () => api.submit(job)))
  await Promise.all(submitted.map(({ id }) => api.events(id, () => {})))
  const seconds = (performance.now() - begin) / 1000
  for (const { id } of submitted) {
    const { status } = await api.job(id)
    if (status !== 'completed') throw new Error(`${id} is ${status}`)
  }
  return jobs / seconds
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
