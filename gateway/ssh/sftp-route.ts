import { WebSocketServer } from 'ws'
import type { ClientNode } from '../../node/index.ts'
import type { Logger } from '../../node/logger.ts'
import type { JobSftp } from '../../node/ssh/sftp.ts'
import { JobStateError } from '../../node/store/index.ts'
import { type Revocation, takeSocket } from '../auth/index.ts'
import { createBinarySocket } from '../http/binary-socket.ts'
import { principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { assertPermission } from '../http/principal.ts'
import type { Shares } from '../http/shares.ts'
import { streamOfSocket } from '../http/socket-stream.ts'
import { takePlace } from '../http/upgrades.ts'
import { visibleJob } from '../jobs/index.ts'

/** What {@link addSftpRoute} works with. */
export interface SftpRouteComponents {
  node: Pick<ClientNode, 'store'>
  sftp: Pick<JobSftp, 'serve'>
  revocation: Pick<Revocation, 'watch'>
  shares: Shares
  logger: Logger
}

/** The largest message a client may send, in bytes. */
const MAX_MESSAGE_BYTES = 1024 * 1024

/**
 * `GET …/jobs/{id}/sftp`: a session of SFTP in the running container as a WebSocket, for `cortex ssh`. Binary messages are
 * pieces of the stream; the text `end` ends one direction.
 */
export function addSftpRoute(api: Api, { node, sftp, revocation, shares, logger }: SftpRouteComponents): void {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  api.get('/plugin-core/jobs/:id/sftp', async (c) => {
    const principal = principalOf(c)
    if (principal.via !== 'key') throw new GatewayError('FORBIDDEN', 'SFTP is opened with a key in the header only')
    assertPermission(principal, 'jobs:write')
    const { id, state } = await visibleJob(c, node.store, c.req.param('id'))
    if (state.status !== 'running') throw new JobStateError(state.status, ['running'])
    takePlace(c, shares, principal)
    const over = new AbortController()
    return takeSocket(c, { server, principal, revocation, over }, (client) => {
      const stream = streamOfSocket(client, createBinarySocket(client))
      sftp
        .serve(stream, { jobId: id, owner: principal.owner }, over.signal)
        .then(() => stream.end())
        .catch((error: unknown) => {
          logger.debug({ jobId: id, error: String(error) }, 'a session of SFTP broke')
          client.close(1011, 'the session broke')
        })
    })
  })
}
