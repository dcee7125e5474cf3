import type { ClientNode } from '../../node/index.ts'
import { streamOf } from '../../node/network/channel-stream.ts'
import { revokedError } from '../auth/index.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { assertPermission, type Principal } from '../http/principal.ts'
import { takeOver, wantsSocket } from '../http/upgrades.ts'
import { visibleJob } from '../jobs/index.ts'
import { endToEnd, forwardRequest, forwardUpgrade } from './http-forward.ts'
import { takeOutAtGateway } from './own-headers.ts'
import { portOf, type TunnelComponents } from './tunnel-route.ts'

const PREFIX = /^(.*\/plugin-core\/jobs\/[^/]+\/proxy\/[^/]+)(\/.*)?$/

/** `ANY …/jobs/{id}/proxy/{port}/*`: HTTP and WebSocket to a port that the job exposes, for programs. */
export function addPortProxy(api: Api, { node, revocation, shares }: TunnelComponents): void {
  const serve = async (c: GatewayContext): Promise<Response> => {
    const principal = principalOf(c)
    if (principal.via !== 'key') {
      const message = 'With the session cookie a port is opened at an origin of its own: ask for one with POST …/links'
      throw new GatewayError('FORBIDDEN', message)
    }
    assertPermission(principal, 'jobs:write')
    const { id } = await visibleJob(c, node.store, c.req.param('id') ?? '')
    const port = portOf(c.req.param('port') ?? '')
    const { pathname, search } = new URL(c.req.url)
    const [, prefix = '', rest = '/'] = PREFIX.exec(pathname) ?? []
    const headers = endToEnd(c.req.raw.headers)
    for (const name of ['authorization', 'cookie', 'host']) headers.delete(name)
    headers.set('host', `localhost:${port}`)
    headers.set('x-forwarded-prefix', prefix)
    return await forward(
      c,
      { node, revocation, shares, principal },
      { id, port },
      { path: `${rest}${search}`, headers },
      asPrograms,
    )
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
  {
    node,
    revocation,
    shares,
    principal,
  }: Pick<TunnelComponents, 'revocation' | 'shares'> & {
    node: Pick<ClientNode, 'reach'>
    principal: Principal
  },
  to: { id: string; port: number },
  what: { path: string; headers: Headers },
  clean: (headers: Headers) => void,
): Promise<Response> {
  const { method, raw } = c.req
  const over = new AbortController()
  const { signal } = over
  const isSocket = wantsSocket(c)
  const giveBack = shares.take(c, principal)
  raw.signal.addEventListener('abort', () => over.abort(raw.signal.reason), { once: true })
  const channel = await node.reach.tunnel(to.id, { port: to.port, protocol: 'TCP' }, signal).catch((error: unknown) => {
    giveBack()
    throw error
  })
  const stream = streamOf(channel)
  stream.on('error', () => undefined) // whoever reads the answer hears of it
  const end = (): void => {
    over.abort(revokedError())
    stream.destroy()
  }
  stream.once('close', revocation.watch(principal, end))
  stream.once('close', giveBack)
  if (!isSocket) {
    const response = await forwardRequest(stream, { method, ...what, body: raw.body, signal })
    clean(response.headers)
    return response
  }
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
