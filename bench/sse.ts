/**
 * One job's output to 1,000 and to 5,000 listeners of the gateway's event stream, against a bare hono application that sends
 * as many events to as many: deliveries a second, from the moment when the lines are let go.
 */

import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { BenchResult } from './run.ts'
import { openListeners } from './support/listeners.ts'
import { benchNetwork } from './support/network.ts'
import { round } from './support/statistics.ts'

const SIZES = [1_000, 5_000]
const LINES = 20

export async function bench(args: string[]): Promise<BenchResult> {
  const sizes = args.length > 0 ? args.map(Number) : SIZES
  await using setup = await benchNetwork(1, ['--memory', '4Gi', '--storage', '8Gi'], {
    gatewayFlags: ['--max-streams', '65536'],
  })
  const rows: { listeners: number; ratio: number; oursPerSecond: number; barePerSecond: number }[] = []
  for (const listeners of sizes) {
    const oursMs = await ours(setup, listeners)
    const bareMs = await bare(listeners)
    const perSecond = (ms: number): number => round((listeners * LINES * 1000) / ms, 0)
    rows.push({
      ...{ listeners, ratio: round(bareMs / oursMs, 3) },
      ...{ oursPerSecond: perSecond(oursMs), barePerSecond: perSecond(bareMs) },
    })
    process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`)
  }
  return { name: 'sse', ratio: Math.min(...rows.map(({ ratio }) => ratio)), lines: LINES, sizes: rows }
}

async function ours({ docker, image, api, url, key }: Awaited<ReturnType<typeof benchNetwork>>, listeners: number) {
  const script = `while [ ! -e /go ]; do sleep 0.1; done; seq 1 ${LINES}; sleep 30`
  const job = { image, command: ['sh', '-c'], args: [script], network: 'none', cpu: 200, memory: '32Mi' }
  const { id } = await api.submit({ ...job, storage: '32Mi', duration: 300, stopGraceSeconds: 0 })
  while ((await api.job(id)).status !== 'running') await delay(50)
  const all = await openListeners(`${url}/api/plugin-core/jobs/${id}/logs`, key, listeners)
  const go = await docker.getContainer(`cortex-${id}-1`).exec({ Cmd: ['touch', '/go'] })
  const beganMs = performance.now()
  await go.start({})
  await all.all(LINES)
  const ms = performance.now() - beganMs
  all.close()
  await fetch(`${url}/api/plugin-core/jobs/${id}/cancel`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}` },
  })
  return ms
}

async function bare(listeners: number): Promise<number> {
  const worker = new Worker(new URL('support/serve-sse.ts', import.meta.url), { workerData: { lines: LINES } })
  const [url] = (await once(worker, 'message')) as [string]
  const all = await openListeners(url, '', listeners)
  const beganMs = performance.now()
  worker.postMessage('go')
  await all.all(LINES)
  const ms = performance.now() - beganMs
  all.close()
  worker.postMessage('stop')
  await once(worker, 'exit')
  return ms
}
