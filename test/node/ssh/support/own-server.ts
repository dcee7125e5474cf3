import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { silentLogger } from '../../../../node/logger.ts'
import { loadHostKey } from '../../../../node/ssh/host-key.ts'
import type { SshTarget } from '../../../../node/ssh/index.ts'
import { createSshServer } from '../../../../node/ssh/serve.ts'

/** What the library's client has inside, by which a test speaks as no client does. */
interface Inside {
  _protocol: Protocol & { _handlers: Record<string, (protocol: unknown, ...rest: never[]) => void> }
}

/** Messages of a client, as it sends them. */
export interface Protocol {
  parse(data: Buffer, at: number, end: number): void
  rekey(): void
  session(channel: number, window: number, packetSize: number): void
  directTcpip(
    channel: number,
    window: number,
    packetSize: number,
    to: { srcIP: string; srcPort: number; dstIP: string; dstPort: number },
  ): void
  pty(channel: number, rows: number, columns: number, height: number, width: number, term: string): void
  exec(channel: number, command: string): void
  windowChange(channel: number, rows: number, columns: number, height: number, width: number): void
  signal(channel: number, name: string): void
  channelClose(channel: number): void
  channelWindowAdjust(channel: number, amount: number): void
}

/** What came of a channel. */
export interface Heard {
  type: 'confirmed' | 'refused' | 'success' | 'stdout' | 'stderr' | 'closed'
  /** The client's own number of the channel. */
  channel: number
  /** The server's number of it, of `confirmed`. */
  theirs?: number
  data?: Buffer
}

/** A client that sends what it is told to, and answers nothing by itself. */
export interface RawClient {
  protocol: Protocol
  /** Called of all that comes, in its order. */
  onHeard(handler: (heard: Heard) => void): void
  /** Resolves with the first that comes from now on and is meant. */
  next(is: (heard: Heard) => boolean): Promise<Heard>
  /** Opens a session. @returns the server's number of it */
  open(channel: number, window?: number): Promise<number>
  /** Resolves when the connection is over. */
  closed: Promise<unknown>
}

/**
 * A server at a port of this machine that lets everybody in to one target.
 * @param init.addressEach each connection counts as one of another address
 */
export async function ownServer(
  target: SshTarget,
  { addressEach = false } = {},
): Promise<{ port: number; client(): Promise<RawClient>; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-ssh-'))
  const hostKey = await loadHostKey(join(folder, 'host.key'))
  const door = {
    open: () => ({ name: 'anybody', target, watch: () => () => undefined }),
    admit: async () => null,
    refused: async () => undefined,
    failed: () => undefined,
  }
  const server = createSshServer({ logger: silentLogger }, { hostKey, door })
  let connections = 0
  const listener = createServer({ noDelay: true }, (socket) => {
    connections += 1
    server.serve(socket, `${addressEach ? connections : ''}`)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const clients = new Set<ssh2.Client>()
  return {
    port,
    async client() {
      const client = new ssh2.Client()
      client.on('error', () => undefined) // those that are cut off
      clients.add(client)
      client.connect({ host: '127.0.0.1', port, username: 'job' })
      const closed = once(client, 'close')
      await once(client, 'ready')
      client.setNoDelay(true)
      return raw(client, closed)
    },
    async stop() {
      for (const client of clients) client.destroy()
      server.stop()
      listener.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function raw(client: ssh2.Client, closed: Promise<unknown>): RawClient {
  const { _protocol: protocol } = client as unknown as Inside
  const handlers = new Set<(heard: Heard) => void>()
  const hear = (heard: Heard): void => {
    for (const handler of [...handlers]) handler(heard)
  }
  Object.assign(protocol._handlers, {
    CHANNEL_OPEN_CONFIRMATION: (_: unknown, info: { recipient: number; sender: number }) =>
      hear({ type: 'confirmed', channel: info.recipient, theirs: info.sender }),
    CHANNEL_OPEN_FAILURE: (_: unknown, channel: number) => hear({ type: 'refused', channel }),
    CHANNEL_DATA: (_: unknown, channel: number, data: Buffer) =>
      hear({ type: 'stdout', channel, data: Buffer.from(data) }),
    CHANNEL_EXTENDED_DATA: (_: unknown, channel: number, data: Buffer) =>
      hear({ type: 'stderr', channel, data: Buffer.from(data) }),
    CHANNEL_CLOSE: (_: unknown, channel: number) => hear({ type: 'closed', channel }),
    CHANNEL_REQUEST: () => undefined,
    CHANNEL_SUCCESS: (_: unknown, channel: number) => hear({ type: 'success', channel }),
    CHANNEL_FAILURE: () => undefined,
    CHANNEL_EOF: () => undefined,
  })
  const next: RawClient['next'] = async (is) => {
    const { promise, resolve } = Promise.withResolvers<Heard>()
    const handler = (heard: Heard): void => {
      if (is(heard)) resolve(heard)
    }
    handlers.add(handler)
    const heard = await promise
    handlers.delete(handler)
    return heard
  }
  return {
    ...{ protocol, next, closed },
    onHeard: (handler) => void handlers.add(handler),
    async open(channel, window = 2 ** 21) {
      const confirmed = next((heard) => heard.type === 'confirmed' && heard.channel === channel)
      protocol.session(channel, window, 32_768)
      return (await confirmed).theirs as number
    },
  }
}
