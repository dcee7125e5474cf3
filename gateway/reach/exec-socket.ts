import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import type { ClientNode } from '../../node/index.ts'
import type { Logger } from '../../node/logger.ts'
import { type ExecRequest, type ExecSession, ReachError } from '../../node/reach/index.ts'
import { JobStateError } from '../../node/store/index.ts'
import { MAX_TERMINAL_SIZE } from '../../protocol/limits.ts'
import { type Revocation, takeSocket } from '../auth/index.ts'
import { createBinarySocket } from '../http/binary-socket.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import type { Principal } from '../http/principal.ts'
import { reachErrorOf } from '../http/reach-error.ts'
import type { Shares } from '../http/shares.ts'
import { takePlace } from '../http/upgrades.ts'
import type { OneTimeCodes } from '../records/one-time-codes.ts'

/** The largest message a client may send, in bytes: what is pasted into a terminal. */
const MAX_MESSAGE_BYTES = 1024 * 1024

type Reach = Pick<ClientNode['reach'], 'exec'>

/** First byte of a message of output. */
const STREAM = { stdout: 1, stderr: 2 } as const

/** What an address of a socket stands for. */
export interface ExecTicket {
  jobId: string
  request: ExecRequest
  /** Who asked for it, and on whose behalf it stays open. */
  principal: Principal
}

const controlSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('resize'),
    columns: z.int().min(1).max(MAX_TERMINAL_SIZE),
    rows: z.int().min(1).max(MAX_TERMINAL_SIZE),
  }),
  z.strictObject({ type: z.literal('end') }),
])

/**
 * `GET …/jobs/{id}/exec/socket?code=…`: binary messages to the command are its input, text ones `{type:"resize",columns,
 * rows}` or `{type:"end"}`. Binary messages from it are output after a byte that is 1 for stdout and 2 for stderr, text
 * ones `{type:"exit",exitCode}` or `{type:"error",error}`; then the socket closes.
 */
export function addExecSocket(
  api: Api,
  { reach, revocation, shares, logger }: { reach: Reach; revocation: Revocation; shares: Shares; logger: Logger },
  tickets: OneTimeCodes<ExecTicket>,
): void {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  api.get('/plugin-core/jobs/:id/exec/socket', (c) => {
    const ticket = tickets.redeem(c.req.query('code') ?? '')
    if (ticket === undefined || ticket.jobId !== c.req.param('id') || !revocation.isValid(ticket.principal)) {
      throw new GatewayError('UNAUTHORIZED', 'This address was used or is too old: ask for another with POST …/exec')
    }
    takePlace(c, shares, ticket.principal)
    const { principal } = ticket
    const over = new AbortController()
    return takeSocket(c, { server, principal, revocation, over }, (client) => {
      serve(client, reach, ticket, over.signal).catch((error: unknown) => {
        logger.debug({ jobId: ticket.jobId, error: String(error) }, 'a command’s socket broke')
        client.terminate()
      })
    })
  })
}

async function serve(client: WebSocket, reach: Reach, ticket: ExecTicket, gone: AbortSignal): Promise<void> {
  const socket = createBinarySocket(client)
  let session: ExecSession | null = null
  gone.addEventListener('abort', () => session?.close(), { once: true })
  try {
    session = await reach.exec(ticket.jobId, ticket.request, gone)
    const current = session
    const reading = socket.each(async (data, isBinary) => await toCommand(current, data, isBinary))
    reading.catch(() => client.close(1008, 'not a message of this socket'))
    for await (const event of current.output()) {
      if (event.type === 'exited') await socket.send(JSON.stringify({ type: 'exit', exitCode: event.exitCode }))
      else await socket.send(Buffer.concat([Buffer.from([STREAM[event.type]]), event.data]))
    }
  } catch (error) {
    if (gone.aborted) return
    const { code, message } = told(error)
    await socket.send(JSON.stringify({ type: 'error', error: { code, message } }))
  }
  client.close(1000)
}

/** What a client hears of a command that broke. */
export function told(error: unknown): { code: string; message: string } {
  if (error instanceof ReachError) return reachErrorOf(error)
  if (error instanceof JobStateError) return error
  return { code: 'INTERNAL_ERROR', message: 'The command’s connection broke' }
}

async function toCommand(session: ExecSession, data: RawData, isBinary: boolean): Promise<void> {
  if (isBinary) return await session.write(data as Buffer)
  const control = controlSchema.parse(JSON.parse(String(data)))
  if (control.type === 'resize') await session.resize(control.columns, control.rows)
  else await session.end()
}
