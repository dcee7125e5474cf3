import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { GatewayAppInit } from '../../../gateway/app.ts'
import { openTestGateway, type TestGateway } from './test-gateway.ts'

export interface ServedGateway extends TestGateway {
  url: string
  /** Requests so far, as `GET /path?query`. */
  requests: string[]
  /** Breaks every connection, as a network does. */
  cut(): void
}

/** The whole API over a real store and a real socket. */
export async function serveTestGateway(init: Partial<GatewayAppInit> = {}): Promise<ServedGateway> {
  const gateway = await openTestGateway(init)
  const requests: string[] = []
  const listener = getRequestListener(gateway.app.fetch, { hostname: '127.0.0.1' })
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    void listener(request, response)
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    ...gateway,
    url: `http://127.0.0.1:${port}`,
    requests,
    cut: () => server.closeAllConnections(),
    async close() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
      await gateway.close()
    },
  }
}
