import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { onAbort } from '../../../node/abort.ts'
import { type ExecEvent, type ExecSession, ReachError } from '../../../node/reach/index.ts'
import { SshRefusedError, type SshTarget } from '../../../node/ssh/index.ts'
import { type CortexClient, CortexError } from '../../client/index.ts'
import { type BinarySocket, createBinarySocket } from '../../http/binary-socket.ts'
import { sendAll, streamOfSocket } from '../../http/socket-stream.ts'
import { TunnelRefusedError, tunnelSocket } from '../tunnel-socket.ts'

/** A job whose files are reached, too. */
export interface ClientTarget extends SshTarget {
  /** A session of SFTP, which the gateway serves. @throws {SshRefusedError} */
  sftp(signal: AbortSignal): Promise<Duplex>
}

/** A job as it is reached through a gateway's API, with a key. */
export function clientTarget(client: CortexClient, id: string): ClientTarget {
  async function streamTo(socket: WebSocket, signal: AbortSignal): Promise<Duplex> {
    const binary = createBinarySocket(socket)
    await opened(socket, signal)
    return streamOfSocket(socket, binary)
  }

  return {
    async exec({ command, terminal = false, columns = 0, rows = 0 }, signal) {
      const size = columns > 0 && rows > 0 ? { columns, rows } : {}
      const { url } = await client.jobs.openExec(id, { command, terminal, ...size }, { signal }).catch(refused)
      signal.throwIfAborted()
      const socket = tunnelSocket(url, {})
      const binary = createBinarySocket(socket)
      await opened(socket, signal)
      return execSession(socket, binary)
    },
    tunnel: async (port, signal) => await streamTo(client.jobs.openTunnel(id, { port }, tunnelSocket), signal),
    sftp: async (signal) => await streamTo(client.jobs.openSftp(id, tunnelSocket), signal),
  }
}

function refused(error: unknown): never {
  if (error instanceof CortexError) throw new SshRefusedError(error.message, { cause: error })
  throw error
}

/** Waits for it; the signal ends it then and later. @throws {ReachError} @throws {SshRefusedError} */
async function opened(socket: WebSocket, signal: AbortSignal): Promise<void> {
  const end = (): void => socket.terminate()
  onAbort(signal, end)
  socket.once('close', () => signal.removeEventListener('abort', end))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('open', () => {
    socket.pause() // until somebody reads
    resolve()
  })
  socket.once('error', (error: Error) => {
    const reason = error instanceof TunnelRefusedError ? error.reason : undefined
    const isOfPort = reason === 'PORT_NOT_EXPOSED' || reason === 'NOT_LISTENING'
    reject(isOfPort ? new ReachError(reason, error.message) : new SshRefusedError(error.message, { cause: error }))
  })
  socket.once('close', () => reject(new SshRefusedError('the gateway broke off')))
  try {
    await promise
  } catch (error) {
    end()
    throw error
  }
}

/** See `gateway/reach/exec-socket.ts` for what goes over it. */
function execSession(socket: WebSocket, binary: BinarySocket): ExecSession {
  const send = async (message: object): Promise<void> => await binary.send(JSON.stringify(message))

  async function* output(): AsyncGenerator<ExecEvent> {
    let next = Promise.withResolvers<ExecEvent>()
    let taken = Promise.withResolvers<void>()
    binary
      .each(async (data, isBinary) => {
        next.resolve(eventOf(data, isBinary))
        await taken.promise
      })
      .then(
        () => next.reject(new SshRefusedError('the connection to the command was lost')),
        (error) => next.reject(error),
      )
    try {
      for (;;) {
        const event = await next.promise
        next = Promise.withResolvers()
        next.promise.catch(() => undefined) // whoever reads on hears of it
        yield event
        if (event.type === 'exited') return
        taken.resolve()
        taken = Promise.withResolvers()
      }
    } finally {
      socket.terminate()
    }
  }

  return {
    output,
    write: async (data) => await sendAll(binary, data),
    end: async () => await send({ type: 'end' }),
    resize: async (columns, rows) => await send({ type: 'resize', columns, rows }),
    close: () => socket.terminate(),
  }
}

function eventOf(data: RawData, isBinary: boolean): ExecEvent {
  if (isBinary) {
    const bytes = data as Buffer
    return { type: bytes[0] === 2 ? 'stderr' : 'stdout', data: bytes.subarray(1) }
  }
  const { type, exitCode, error } = JSON.parse(String(data)) as {
    type: string
    exitCode?: number
    error?: { code?: string; message?: string }
  }
  if (type === 'exit') return { type: 'exited', exitCode: exitCode ?? 0 }
  const message = error?.message ?? 'the gateway broke off'
  // The words are ours: what is wrong with them is that there is no such program.
  throw error?.code === 'VALIDATION_ERROR' ? new ReachError('BAD_COMMAND', message) : new SshRefusedError(message)
}
