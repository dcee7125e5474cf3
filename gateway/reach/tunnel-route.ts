import { type WebSocket, WebSocketServer } from 'ws'
import type { ClientNode } from '../../node/index.ts'
import type { Logger } from '../../node/logger.ts'
import type { Channel } from '../../node/network/index.ts'
import { MAX_DATAGRAM_BYTES, MAX_REACH_CHUNK_BYTES } from '../../protocol/limits.ts'
import { type Revocation, takeSocket } from '../auth/index.ts'
import { createBinarySocket } from '../http/binary-socket.ts'
import { principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { assertPermission, type Principal } from '../http/principal.ts'
import type { Shares } from '../http/shares.ts'
import { END } from '../http/socket-stream.ts'
import { takePlace } from '../http/upgrades.ts'
import { visibleJob } from '../jobs/index.ts'
import type { KeptConnections } from './kept-connections.ts'

/** What a connection to a job's port needs. */
export interface TunnelComponents {
  node: Pick<ClientNode, 'store' | 'reach'>
  revocation: Revocation
  shares: Shares
  logger: Logger
}

/** The largest message a client may send, in bytes. */
export const MAX_MESSAGE_BYTES = 1024 * 1024

/**
 * `GET …/jobs/{id}/tunnel/{port}?protocol=TCP|UDP`: one connection to a port as a WebSocket, for `cortex job forward` and
 * programs. Binary messages are pieces of the stream, or datagrams; the text `end` ends one direction.
 */
export function addTunnelRoute(
  api: Api,
  { node, kept, revocation, shares, logger }: TunnelComponents & { kept: Pick<KeptConnections, 'tunnel'> },
): void {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  api.get('/plugin-core/jobs/:id/tunnel/:port', async (c) => {
    const principal = principalOf(c)
    assertMayTunnel(principal)
    const job = await visibleJob(c, node.store, c.req.param('id'))
    const protocol = c.req.query('protocol') === 'UDP' ? 'UDP' : 'TCP'
    const port = portOf(c.req.param('port'))
    takePlace(c, shares, principal)
    const over = new AbortController()
    const channel = await kept.tunnel(job.id, { port, protocol }, over.signal)
    try {
      return takeSocket(c, { server, principal, revocation, over }, (client) => {
        join(client, channel, protocol).catch((error: unknown) => {
          logger.debug({ jobId: job.id, port, error: String(error) }, 'a tunnel broke')
          client.close(1011, 'the connection broke')
          over.abort(new Error('The tunnel broke'))
        })
      })
    } catch (error) {
      channel.abort(new Error('Not opened as a WebSocket'))
      throw error
    }
  })
}

/** @throws {GatewayError} */
export function assertMayTunnel(principal: Principal): void {
  if (principal.via !== 'key') throw new GatewayError('FORBIDDEN', 'Tunnels are opened with a key in the header only')
  assertPermission(principal, 'jobs:write')
}

async function join(client: WebSocket, channel: Channel, protocol: 'TCP' | 'UDP'): Promise<void> {
  const socket = createBinarySocket(client)
  const send = protocol === 'UDP' ? sendDatagram : sendPiece
  let isEnded = false
  const up = socket.each(async (data, isBinary) => {
    if (isBinary) return await send(channel, data as Buffer)
    if (String(data) !== END) throw new Error('Not a message of a tunnel')
    isEnded = true
    await channel.close()
  })
  up.catch(() => channel.abort(new Error('The client broke off')))
  for (let piece = await channel.receive(); piece !== null; piece = await channel.receive()) {
    await socket.send(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
  }
  await socket.send(END)
  // The other direction goes on until the client has ended it, too; a flow of datagrams has but one end.
  if (isEnded || protocol === 'UDP') client.close(1000)
  await up
  if (!isEnded) channel.abort(new Error('The client left'))
}

/** As many messages to the provider as it takes. */
export async function sendPiece(channel: Channel, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += MAX_REACH_CHUNK_BYTES) {
    await channel.send(bytes.subarray(at, at + MAX_REACH_CHUNK_BYTES))
  }
}

/** What no network would carry is lost here already. */
async function sendDatagram(channel: Channel, bytes: Buffer): Promise<void> {
  if (bytes.length <= MAX_DATAGRAM_BYTES) await channel.send(bytes)
}

/** @throws {GatewayError} */
export function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw new GatewayError('VALIDATION_ERROR', `${text} is no port: write 1 to 65535`)
  return port
}
