import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { onAbort } from '../../../node/abort.ts'
import { type ExecEvent, type ExecSession, ReachError } from '../../../node/reach/index.ts'
import { SshRefusedError, type SshTarget } from '../../../node/ssh/index.ts'
import { type CortexClient, CortexError } from '../../client/index.ts'
import { type BinarySocket, createBinarySocket } from '../../http/binary-socket.ts'
import { TunnelRefusedError, tunnelSocket } from '../tunnel-socket.ts'

/** Bytes of one message, at most: a gateway takes 1 MiB, and a client's channel hands over 2 MiB at once. */
const MAX_MESSAGE_BYTES = 256 * 1024

/** A job as it is reached through a gateway's API, with a key. */
export function clientTarget(client: CortexClient, id: string): SshTarget {
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
    async tunnel(port, signal) {
      const socket = client.jobs.openTunnel(id, { port }, (url, headers) => tunnelSocket(url, headers))
      const binary = createBinarySocket(socket)
      await opened(socket, signal)
      return tunnelStream(socket, binary)
    },
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

/** As many messages as it takes. */
async function sendAll(binary: BinarySocket, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; at += MAX_MESSAGE_BYTES) {
    await binary.send(Buffer.from(data.subarray(at, at + MAX_MESSAGE_BYTES)))
  }
}

/** Bytes, and `end` for the end of one direction. */
function tunnelStream(socket: WebSocket, binary: BinarySocket): Duplex {
  let wanted = Promise.withResolvers<void>()
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => wanted.resolve(),
    write: (chunk: Buffer, _encoding, done) => void sendAll(binary, chunk).then(() => done(), done),
    final: (done) => void binary.send('end').then(() => done(), done),
    destroy(error, done) {
      wanted.resolve()
      socket.terminate()
      done(error)
    },
  })
  const take = async (data: RawData, isBinary: boolean): Promise<void> => {
    if (!isBinary) return void stream.push(null)
    wanted = Promise.withResolvers<void>()
    if (!stream.push(data as Buffer)) await wanted.promise
  }
  binary.each(take).then(
    () => stream.destroy(),
    (error: Error) => stream.destroy(error),
  )
  return stream
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
