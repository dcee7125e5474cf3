import { createServer, type IncomingHttpHeaders } from 'node:http'
import { until } from '../../support/until.ts'

export interface Received {
  headers: IncomingHttpHeaders
  /** The bytes as they came. */
  text: string
}

/** What a receiver answers; `hang` never does. */
export type Behaviour = number | 'hang' | { redirect: string } | ((received: Received) => number)

/** An endpoint for webhooks that does as it is told. */
export async function openReceiver() {
  const received: Received[] = []
  let behaviour: Behaviour = 200

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const own = { headers: request.headers, text: Buffer.concat(chunks).toString('utf8') }
      received.push(own)
      if (behaviour === 'hang') return
      if (typeof behaviour === 'number') response.writeHead(behaviour)
      else if (typeof behaviour === 'function') response.writeHead(behaviour(own))
      else response.writeHead(302, { Location: behaviour.redirect })
      response.end('ok')
    })
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    answer(next: Behaviour): void {
      behaviour = next
    },
    /** Resolves when that many requests have come in all. */
    async count(count: number): Promise<void> {
      await until(() => received.length >= count)
    },
    async close(): Promise<void> {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  }
}
export type Receiver = Awaited<ReturnType<typeof openReceiver>>
