/** A thread with a bare hono application that sends so many events to each who listens once it is told `go`. */

import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

const { lines } = workerData as { lines: number }
const go = Promise.withResolvers<void>()
const app = new Hono()
app.get('/logs', (c) =>
  streamSSE(c, async (stream) => {
    await stream.writeSSE({ data: 'ready' })
    await go.promise
    for (let i = 1; i <= lines; i += 1) {
      const line = { line: String(i), number: i, stream: 'stdout', timestamp: new Date(0).toISOString() }
      await stream.writeSSE({ id: String(i), data: JSON.stringify(line) })
    }
  }),
)
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
if (!server.listening) await once(server, 'listening')
const address = server.address()
parentPort?.postMessage(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}/logs`)
if (parentPort !== null) await once(parentPort, 'message')
go.resolve()
if (parentPort !== null) await once(parentPort, 'message')
process.exit()
