import type { Duplex } from 'node:stream'
import type { ServerChannel } from 'ssh2'
import { onAbort, whenAborted } from '../../abort.ts'
import { type ExecSession, ReachError } from '../../reach/index.ts'
import { SshRefusedError, type SshTarget } from '../index.ts'
import type { Carrier } from './carry.ts'
import { HANG_UP } from './library.ts'
import { dialWords, hostWithin } from './words.ts'

/** How long what a client sent may still be on its way when it has closed its channel, in ms. */
const LINGER_MS = 5_000

/** A connection that was made on a client's behalf. */
interface Connected {
  /** What comes from there, until it ends. */
  output: AsyncIterable<Uint8Array>
  write(data: Uint8Array): Promise<void>
  /** Nothing more is written. */
  end(): Promise<void>
  close(): void
}

/** Joins a channel to a port as the container sees it; resolves when both directions are over. */
export async function serveForward(
  { target, carrier, signal: connection }: { target: SshTarget; carrier: Carrier; signal: AbortSignal },
  to: { host: string; port: number },
  accept: () => ServerChannel | undefined,
): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([connection, over.signal])
  const connected = await dial(target, to, signal)
  const channel = accept()
  if (channel === undefined) return connected.close()
  const end = (): void => over.abort(new Error('The connection was closed'))
  // What its client sent before it closed the channel is on its way for a while; then nothing is waited for.
  let lingering: NodeJS.Timeout | undefined
  const onHangUp = (): void => {
    lingering = setTimeout(end, LINGER_MS)
  }
  channel.once('close', end).once(HANG_UP, onHangUp).on('error', end)
  onAbort(signal, () => connected.close())
  const up = async (): Promise<void> => {
    for await (const chunk of carrier.read(channel)) await connected.write(chunk)
    await connected.end()
  }
  const down = async (): Promise<void> => {
    for await (const piece of connected.output) await carrier.write(channel, piece, signal)
    channel.eof()
  }
  // Each direction ends by itself; where one breaks, both are over.
  try {
    const upward = up()
    upward.catch(() => undefined)
    await down()
    await Promise.race([upward, whenAborted(signal)])
  } finally {
    clearTimeout(lingering)
    connected.close()
    channel.end()
  }
}

/** What a job exposes is reached through its provider; everything else from within the container, and as far as it may. */
async function dial(
  target: SshTarget,
  { host, port }: { host: string; port: number },
  signal: AbortSignal,
): Promise<Connected> {
  const within = hostWithin(host)
  if (within === null || port < 1 || port > 65_535) throw new SshRefusedError('there is no such host or port')
  if (within === '127.0.0.1') {
    try {
      return ofStream(await target.tunnel(port, signal))
    } catch (error) {
      const mayBeWithin = error instanceof ReachError && ['PORT_NOT_EXPOSED', 'NOT_LISTENING'].includes(error.code)
      if (!mayBeWithin) throw error
    }
  }
  const session = await target.exec({ command: dialWords(within, port), input: true }, signal)
  onAbort(signal, () => session.close())
  return await fromWithin(session)
}

function ofStream(stream: Duplex): Connected {
  stream.on('error', () => undefined) // whoever reads it hears of it
  return {
    output: stream.iterator({ destroyOnReturn: false }),
    async write(data) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      stream.write(data, (error) => (error == null ? resolve() : reject(error)))
      await promise
    },
    async end() {
      stream.end()
    },
    close: () => void stream.destroy(),
  }
}

/** Waits until the relay says that it is connected. */
async function fromWithin(session: ExecSession): Promise<Connected> {
  const events = session.output()[Symbol.asyncIterator]()
  let first: Uint8Array | null = null
  while (first === null || first.length === 0) {
    const { value, done } = await events.next()
    if (done === true || value.type === 'exited') {
      throw new SshRefusedError('nothing in the container answers there, or its image has nothing to connect with')
    }
    if (value.type === 'stdout') first = value.data
  }
  const rest = first.subarray(1)
  return {
    output: stdoutOf(rest, events),
    write: async (data) => await session.write(data),
    end: async () => await session.end(),
    close: () => session.close(),
  }
}

async function* stdoutOf(
  first: Uint8Array,
  events: AsyncIterator<Awaited<ReturnType<AsyncIterator<{ type: string; data?: Uint8Array }>['next']>>['value']>,
): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  for (;;) {
    const { value, done } = await events.next()
    if (done === true || value.type === 'exited') return
    if (value.type === 'stdout') yield value.data
  }
}
