import { createServer, type Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { type ConnectionLimits, createConnections } from './connections.ts'
import type { GatewayEnv } from './context.ts'
import { hostCheck, oneHost } from './host-check.ts'
import { HEAD_MS } from './limits.ts'
import { createListener } from './listener.ts'

/** From where to where plain HTTP is led. */
export interface RedirectInit {
  host: string
  /** Where plain HTTP is heard. */
  port: number
  /** Port of HTTPS, once it listens. */
  to: () => number
  /** What is answered to an authority that asks for these tokens; see {@link keepAcmeCertificate}. */
  challenges: ReadonlyMap<string, string>
  /** Names besides addresses and `localhost`. */
  allowedHosts: readonly string[]
  connections: ConnectionLimits
}

/** Leads whoever comes by plain HTTP to the same path by HTTPS (308, so that a method and its body stay). @throws {ListenError} */
export async function startRedirect(init: RedirectInit) {
  const { host, port, to, allowedHosts, challenges, connections } = init
  const app = new Hono<GatewayEnv>()
    .use(oneHost)
    .use(hostCheck(allowedHosts))
    .get('/.well-known/acme-challenge/:token', async (c, next) => {
      const answer = challenges.get(c.req.param('token'))
      return answer === undefined ? await next() : c.text(answer)
    })
    .all('*', (c) => {
      const url = new URL(c.req.url)
      url.protocol = 'https:'
      url.port = String(to())
      return c.redirect(url.href, 308)
    })
    .onError((error, c) => c.text(`${error.message}\n`, 400))
  const serverOptions = { headersTimeout: HEAD_MS, requestTimeout: HEAD_MS, keepAliveTimeout: HEAD_MS }
  const server = createAdaptorServer({ fetch: app.fetch, createServer, hostname: host, serverOptions }) as Server
  server.on('upgrade', (_, socket) => socket.destroy()) // WebSockets begin where HTTPS is
  const listener = createListener(server, createConnections(server, connections))
  await listener.listen(host, port)
  return listener
}
