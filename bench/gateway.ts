/**
 * GET of one job and LIST of a filtered page of 20, through the whole gateway over a real LevelDB with 1,000, 100,000 and
 * 1,000,000 jobs, against a bare hono application that answers the same bytes from memory. Alternating in one run over
 * one connection each; the servers have a thread of their own. `npm run -s bench -- gateway 1000 100000` takes other sizes.
 */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { BenchResult } from './run.ts'
import type { ServedGateway, ServeTask } from './support/serve-gateway.ts'
import { median, quantile, round } from './support/statistics.ts'

const SIZES = [1_000, 100_000, 1_000_000]
const ROUNDS = 40
/** Requests to one server before the other's turn. */
const BLOCK = 50

export async function bench(args: string[]): Promise<BenchResult> {
  const sizes = args.length > 0 ? args.map(Number) : SIZES
  const rows: Awaited<ReturnType<typeof measure>>[] = []
  for (const jobs of sizes) {
    const row = await measure(jobs)
    process.stdout.write(`${JSON.stringify(row)}\n`)
    rows.push(row)
  }
  const ratios = rows.flatMap(({ getOne, list }) => [getOne.ratio, list.ratio])
  return { name: 'gateway', ratio: Math.max(...ratios), sizes: rows }
}

async function measure(jobs: number) {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-bench-'))
  const workerData: ServeTask = { folder, jobs }
  const worker = new Worker(new URL('support/serve-gateway.ts', import.meta.url), { workerData })
  try {
    const [served] = (await once(worker, 'message')) as [ServedGateway]
    const getOne = await compare(served.gateway.job, served.bare.job)
    const list = await compare(served.gateway.list, served.bare.list)
    return { jobs, fillSeconds: round(served.fillMs / 1000), getOne, list }
  } finally {
    worker.postMessage('stop')
    await once(worker, 'exit')
    await rm(folder, { recursive: true })
  }
}

async function compare(ours: string, bare: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times: { ours: number[]; bare: number[] } = { ours: [], bare: [] }
  const [first, second] = [await ask(ours, agent), await ask(bare, agent)]
  if (first.body !== second.body) throw new Error(`${ours} does not answer the same bytes as ${bare}`)
  for (let i = -2; i < ROUNDS; i += 1) {
    for (const [which, url] of [
      ['ours', ours],
      ['bare', bare],
    ] as const) {
      for (let k = 0; k < BLOCK; k += 1) {
        const { ms } = await ask(url, agent)
        if (i >= 0) times[which].push(ms)
      }
    }
  }
  agent.destroy()
  return {
    ratio: round(median(times.ours) / median(times.bare), 2),
    oursMs: round(median(times.ours), 3),
    bareMs: round(median(times.bare), 3),
    oursP99Ms: round(quantile(times.ours, 0.99), 3),
    bareP99Ms: round(quantile(times.bare, 0.99), 3),
    bytes: first.body.length,
  }
}

function ask(url: string, agent: Agent): Promise<{ ms: number; body: string }> {
  const begunMs = performance.now()
  const headers = { Authorization: 'Bearer key-of-this-benchmark' }
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (piece) => {
        body += piece
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 200) resolve({ ms: performance.now() - begunMs, body })
        else reject(new Error(`${url} was answered ${response.statusCode}: ${body}`))
      })
    }).once('error', reject)
  })
}
