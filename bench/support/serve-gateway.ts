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
import { type Database, openDatabase } from '../../node/store/database.ts'
import type { JobRecord } from '../../node/store/index.ts'
import { createTables, key } from '../../node/store/tables.ts'
import { type Operation, put } from '../../node/store/writer.ts'
import { newJobId } from '../../protocol/ids.ts'
import { jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'

export interface ServeTask {
  folder: string
  jobs: number
}

export interface ServedGateway {
  gateway: Record<'job' | 'list', string>
  bare: Record<'job' | 'list', string>
  fillMs: number
}

const KEY = 'key-of-this-benchmark'
const LIST = '/api/plugin-core/jobs?status=completed,failed&label.team=research&sort=createdAt:desc&limit=20'
const BATCH = 5_000

const { folder, jobs } = workerData as ServeTask
const begunMs = performance.now()
const database = await openDatabase(folder)
const id = await fill(database, jobs)
await database.close()
// Makes the indexes of what was written.
const node = await startClientNode(
  { logger: silentLogger },
  { dataFolder: folder, networkName: 'bench', listen: [], bootstrap: [], mdns: false },
)
const fillMs = performance.now() - begunMs
const gateway = createGateway(
  { node, logger: silentLogger },
  { folder, port: 0, adminKey: KEY, rateLimits: { enforced: false } },
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
const served: ServedGateway = { gateway: urls, bare: { job: `${bare}/job`, list: `${bare}/list` }, fillMs }
parentPort?.postMessage(served)
if (parentPort !== null) await once(parentPort, 'message')
server.close()
await gateway.stop()
await node.stop()
process.exit()

async function textOf(url: string): Promise<string> {
  return await (await fetch(url, { headers: { Authorization: `Bearer ${KEY}` } })).text()
}

/** Ended jobs, a quarter of them of the team that is listed, with their events, written as the store writes them. Answers the id of one in the middle. */
async function fill(database: Database, count: number): Promise<string> {
  const tables = createTables(database)
  const specOf = (team: string) =>
    splitSecrets(jobSubmissionSchema.parse({ image: 'busybox:1.36', command: ['true'], labels: { team } })).spec
  const [research, other] = [specOf('research'), specOf('web')]
  const firstMs = Date.UTC(2026, 0, 1)
  let middle = ''
  for (let from = 0; from < count; from += BATCH) {
    const operations: Operation[] = []
    for (let i = from; i < Math.min(from + BATCH, count); i += 1) {
      const job = endedJob(firstMs + i * 1_000, i % 4 === 0 ? research : other, i)
      if (i === Math.floor(count / 2)) middle = job.id
      operations.push(put(tables.jobs, job.id, job))
      for (const [k, type] of (['created', 'scheduled', 'started', 'completed'] as const).entries()) {
        const event = { seq: k + 1, type, timestampMs: job.createdAtMs + k, data: {} }
        operations.push(put(tables.events, key(job.id, event.seq), event))
      }
    }
    await database.batch(operations)
  }
  return middle
}

function endedJob(createdAtMs: number, spec: JobRecord['spec'], i: number): JobRecord {
  const provider = `provider-${i % 10}`
  const lease = {
    ...{ provider, addresses: [], fence: 1, requestId: '00', bidId: '00', requirementsDigest: '00' },
    ...{ pricePerHour: '10000000', bidValidMs: 5_000, awardedAt: { wallMs: createdAtMs, sinceBoot: null } },
    ...{ acceptedAtMs: createdAtMs, lastReport: 4, meteredMs: 1_000 * (i % 100), lastContactMs: createdAtMs },
    ...{ imageDigest: null, settled: true, receipt: null },
  }
  const times = { scheduledAtMs: createdAtMs + 1, startedAtMs: createdAtMs + 2, endedAtMs: createdAtMs + 3 }
  return {
    ...{ id: newJobId(createdAtMs), owner: 'admin', createdAtMs, spec, attempt: 1, fence: 1 },
    state: { status: 'completed', lease, ...times, exitCode: 0 },
    ...{ durationSeconds: spec.duration, cancelRequestedAtMs: null, extension: null, pastLeases: [] },
    logs: { lines: 0, bytes: 0, first: 1, offset: 0 },
    lastEvent: 4,
    origin: {},
  }
}
