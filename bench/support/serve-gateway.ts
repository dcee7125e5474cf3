/**
 * A thread with a gateway over a store of so many jobs, and beside it a bare hono application that answers the same bytes
 * from memory. Tells where both are, and ends when it is told to.
 */

import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createGateway } from '../../gateway/index.ts'
import { startClientNode } from '../../node/client-node.ts'
import { silentLogger } from '../../node/logger.ts'
import { openDatabase } from '../../node/store/database.ts'
import { fillJobs, fillLog } from './fill-store.ts'

export interface ServeTask {
  folder: string
  jobs: number
  /** Lines of a further job's log. @default 0, and no such job */
  logLines?: number
}

export interface ServedGateway {
  gateway: Record<'job' | 'list', string>
  bare: Record<'job' | 'list', string>
  fillMs: number
  /** The gateway, its admin's key, and the job with the log; empty where there is none. */
  origin: string
  key: string
  logJob: string
}

const KEY = 'key-of-this-benchmark'
const LIST = '/api/plugin-core/jobs?status=completed,failed&label.team=research&sort=createdAt:desc&limit=20'

const { folder, jobs, logLines = 0 } = workerData as ServeTask
const begunMs = performance.now()
const database = await openDatabase(folder)
const id = await fillJobs(database, jobs)
const logJob = logLines > 0 ? await fillLog(database, logLines) : ''
await database.close()
// Makes the indexes of what was written.
const node = await startClientNode(
  { logger: silentLogger },
  { dataFolder: folder, networkName: 'bench', listen: [], bootstrap: [], mdns: false },
)
const fillMs = performance.now() - begunMs
const gateway = createGateway(
  { node, logger: silentLogger },
  {
    ...{ folder, port: 0, adminKey: KEY, rateLimits: { enforced: false } },
    // These jobs ended months ago: a minute after the start their output would go while somebody reads it.
    retention: { logsMs: null, metricsMs: null, eventsMs: null },
  },
)
await gateway.start()
const urls = { job: `${gateway.url()}/api/plugin-core/jobs/${id}`, list: gateway.url() + LIST }
const bodies = { job: await textOf(urls.job), list: await textOf(urls.list) }

const app = new Hono()
for (const name of ['job', 'list'] as const) {
  app.get(`/${name}`, (c) => c.body(bodies[name], 200, { 'Content-Type': 'application/json' }))
}
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
if (!server.listening) await once(server, 'listening')
const address = server.address()
const bare = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`
const served: ServedGateway = {
  ...{ gateway: urls, bare: { job: `${bare}/job`, list: `${bare}/list` }, fillMs },
  ...{ origin: gateway.url(), key: KEY, logJob },
}
parentPort?.postMessage(served)
if (parentPort !== null) await once(parentPort, 'message')
server.close()
await gateway.stop()
await node.stop()
process.exit()

async function textOf(url: string): Promise<string> {
  return await (await fetch(url, { headers: { Authorization: `Bearer ${KEY}` } })).text()
}
