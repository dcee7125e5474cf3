import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import type { ClientNode } from '../../node/index.ts'
import type { Logger } from '../../node/logger.ts'
import { type ExecEvent, type ExecRequest, type ExecSession, ReachError } from '../../node/reach/index.ts'
import { JobStateError } from '../../node/store/index.ts'
import { MAX_TERMINAL_SIZE } from '../../protocol/limits.ts'
import { type Revocation, takeSocket } from '../auth/index.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { TAKEN_CLOSE } from '../contract/exec-closes.ts'
import { type BinarySocket, createBinarySocket } from '../http/binary-socket.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import type { Principal } from '../http/principal.ts'
import { reachErrorOf } from '../http/reach-error.ts'
import type { Shares } from '../http/shares.ts'
import { takePlace } from '../http/upgrades.ts'
import type { OneTimeCodes } from '../records/one-time-codes.ts'
import { createKeptCommands, type KeptCommand, type KeptCommands } from './kept-commands.ts'

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
  /** Whether the command waits for who lost the socket to it. */
  keep: boolean
}

interface ExecSocketComponents {
  reach: Reach
  revocation: Revocation
  shares: Shares
  logger: Logger
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
 * ones `{type:"exit",exitCode}` or `{type:"error",error}`; then the socket closes. Where the command is kept, `{type:"kept",
 * code}` comes first, with the code of the next socket to it, and `{type:"told"}` after what is told again.
 */
export function addExecSocket(api: Api, components: ExecSocketComponents, tickets: OneTimeCodes<ExecTicket>): void {
  const { reach, revocation, shares, logger } = components
  const kept = createKeptCommands()
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  api.get('/plugin-core/jobs/:id/exec/socket', (c) => {
    const code = c.req.query('code') ?? ''
    const command = kept.find(code)
    const ticket = command ?? tickets.redeem(code)
    if (ticket === undefined || ticket.jobId !== c.req.param('id') || !revocation.isValid(ticket.principal)) {
      throw new GatewayError('UNAUTHORIZED', 'This address was used or is too old: ask for another with POST …/exec')
    }
    takePlace(c, shares, ticket.principal)
    const { principal } = ticket
    const over = new AbortController()
    return takeSocket(c, { server, principal, revocation, over }, (client) => {
      if (command !== undefined) {
        // Not before: whoever is not let in may come again.
        if (kept.redeem(code) === undefined) client.close(1008, 'this code was used')
        else connect(client, createBinarySocket(client), command)
        return
      }
      const asked = ticket as ExecTicket
      const serving = asked.keep ? serveKept(client, components, kept, asked) : serve(client, reach, asked, over.signal)
      serving.catch((error: unknown) => {
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
    readAll(client, socket, session)
    for await (const event of session.output()) await socket.send(messageOf(event))
  } catch (error) {
    if (gone.aborted) return
    await socket.send(errorMessage(error))
  }
  client.close(1000)
}

/** The same for a command that outlives its socket: it is read on, so that who comes back sees how it goes. */
async function serveKept(
  client: WebSocket,
  { reach, revocation }: ExecSocketComponents,
  kept: KeptCommands,
  ticket: ExecTicket,
): Promise<void> {
  const socket = createBinarySocket(client)
  const gone = new AbortController()
  const release = revocation.watch(ticket.principal, () => gone.abort(new Error('The key is no more')))
  let command: KeptCommand | null = null
  try {
    const session = await reach.exec(ticket.jobId, ticket.request, gone.signal)
    gone.signal.addEventListener('abort', () => session.close(), { once: true })
    command = kept.keep({ ...ticket, session }, () => gone.abort(new Error('Nobody came back')))
    connect(client, socket, command)
    for await (const event of session.output()) await command.tell(messageOf(event))
  } catch (error) {
    if (command !== null) await command.tell(errorMessage(error))
    else if (!gone.signal.aborted) await socket.send(errorMessage(error)).catch(() => undefined)
  } finally {
    release()
    if (command === null) client.close(1000)
    else command.finish()
  }
}

/** Closes without which a client says that it will not come back: 1000, or none at all. A page that is left says 1001. */
const MEANT = new Set([1000, 1005])

function connect(client: WebSocket, socket: BinarySocket, command: KeptCommand): void {
  const own = { send: socket.send, close: (isTaken: boolean) => client.close(isTaken ? TAKEN_CLOSE : 1000) }
  command.attach(own)
  readAll(client, socket, command.session)
  client.once('close', (code) => command.leave(own, MEANT.has(code)))
  if (client.readyState > client.OPEN) command.leave(own, false)
}

function readAll(client: WebSocket, socket: BinarySocket, session: KeptCommand['session']): void {
  const reading = socket.each(async (data, isBinary) => await toCommand(session, data, isBinary))
  reading.catch(() => client.close(1008, 'not a message of this socket'))
}

function messageOf(event: ExecEvent): Buffer | string {
  if (event.type === 'exited') return JSON.stringify({ type: 'exit', exitCode: event.exitCode })
  return Buffer.concat([Buffer.from([STREAM[event.type]]), event.data])
}

function errorMessage(error: unknown): string {
  const { code, message } = told(error)
  return JSON.stringify({ type: 'error', error: { code, message } })
}

/** What a client hears of a command that broke. */
export function told(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof ReachError) return reachErrorOf(error)
  if (error instanceof JobStateError) return error
  return { code: 'INTERNAL_ERROR', message: 'The command’s connection broke' }
}

async function toCommand(session: KeptCommand['session'], data: RawData, isBinary: boolean): Promise<void> {
  if (isBinary) return await session.write(data as Buffer)
  const control = controlSchema.parse(JSON.parse(String(data)))
  if (control.type === 'resize') await session.resize(control.columns, control.rows)
  else await session.end()
}
