import { streamOf } from '../../node/network/channel-stream.ts'
import type { JobRecord } from '../../node/store/index.ts'
import { revokedError } from '../auth/index.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { assertPermission, type Principal } from '../http/principal.ts'
import { takeOver, wantsSocket } from '../http/upgrades.ts'
import { visibleJob } from '../jobs/index.ts'
import { endToEnd, forwardRequest, forwardUpgrade } from './http-forward.ts'
import type { KeptConnections } from './kept-connections.ts'
import { takeOutAtGateway } from './own-headers.ts'
import { bodyOf } from './request-body.ts'
import { portOf, type TunnelComponents } from './tunnel-route.ts'

const PREFIX = /^(.*\/plugin-core\/jobs\/[^/]+\/proxy\/[^/]+)(\/.*)?$/

/** What requests to ports are passed on with. */
export interface ProxyComponents extends Pick<TunnelComponents, 'revocation' | 'shares'> {
  kept: KeptConnections
}

/** `ANY …/jobs/{id}/proxy/{port}/*`: HTTP and WebSocket to a port that the job exposes, for programs. */
export function addPortProxy(api: Api, components: TunnelComponents & ProxyComponents): void {
  const serve = async (c: GatewayContext): Promise<Response> => {
    const principal = principalOf(c)
    if (principal.via !== 'key') {
      const message = 'With the session cookie a port is opened at an origin of its own: ask for one with POST …/links'
      throw new GatewayError('FORBIDDEN', message)
    }
    assertPermission(principal, 'jobs:write')
    const job = await visibleJob(c, components.node.store, c.req.param('id') ?? '')
    const port = portOf(c.req.param('port') ?? '')
    const { pathname, search } = new URL(c.req.url)
    const [, prefix = '', rest = '/'] = PREFIX.exec(pathname) ?? []
    const headers = endToEnd(c.req.raw.headers)
    for (const name of ['authorization', 'cookie', 'host']) headers.delete(name)
    headers.set('host', `localhost:${port}`)
    headers.set('x-forwarded-prefix', prefix)
    const what = { path: `${rest}${search}`, headers }
    return await forward(c, { ...components, principal }, { job, port }, what, asPrograms)
  }
  api.all('/plugin-core/jobs/:id/proxy/:port', serve)
  api.all('/plugin-core/jobs/:id/proxy/:port/*', serve)
}

/**
 * Passes a request of any kind on to a container's port, for as long as its principal stands.
 * @param clean mends the answer's headers
 */
export async function forward(
  c: GatewayContext,
  components: ProxyComponents & { principal: Principal },
  to: { job: JobRecord; port: number },
  what: { path: string; headers: Headers },
  clean: (headers: Headers) => void,
): Promise<Response> {
  const { kept, principal, shares } = components
  const giveBack = shares.take(c, principal)
  try {
    if (wantsSocket(c)) return await forwardSocket(c, components, { ...to, giveBack }, what, clean)
    const { method, raw } = c.req
    const forwarded = { method, ...what, body: bodyOf(c), signal: raw.signal }
    const response = await forwardRequest(kept.to(to.job, to.port, principal), forwarded, giveBack)
    clean(response.headers)
    return response
  } catch (error) {
    giveBack()
    throw error
  }
}

/** Over a connection of its own, which becomes the other protocol's. */
async function forwardSocket(
  c: GatewayContext,
  { kept, revocation, principal }: ProxyComponents & { principal: Principal },
  { job, port, giveBack }: { job: JobRecord; port: number; giveBack: () => void },
  what: { path: string; headers: Headers },
  clean: (headers: Headers) => void,
): Promise<Response> {
  const { method, raw } = c.req
  const over = new AbortController()
  const { signal } = over
  raw.signal.addEventListener('abort', () => over.abort(raw.signal.reason), { once: true })
  const stream = streamOf(await kept.tunnel(job.id, { port, protocol: 'TCP' }, signal))
  stream.on('error', () => undefined) // whoever reads the answer hears of it
  const end = (): void => {
    over.abort(revokedError())
    stream.destroy()
  }
  stream.once('close', revocation.watch(principal, end))
  stream.once('close', giveBack)
  try {
    return takeOver(c, (socket, head) => {
      socket.once('close', () => over.abort(new Error('The client is gone')))
      const forwarded = { method, ...what, signal }
      forwardUpgrade(stream, forwarded, { socket, head }, clean).catch(() => {
        socket.destroy()
        stream.destroy()
      })
    })
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** An answer that a browser shows, if it must, as a page of nobody: no scripts, no cookies, no name. */
function asPrograms(headers: Headers): void {
  takeOutAtGateway(headers)
  headers.set('content-security-policy', 'sandbox')
}
