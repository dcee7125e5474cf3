import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type RawData, WebSocket } from 'ws'
import { CliError } from '../../node/commands/cli-error.ts'
import type { CortexClient } from '../client/index.ts'
import { cannotListen, HIGH_WATER_BYTES, type Listener } from './forward-listener.ts'
import { listenUdp } from './forward-udp.ts'
import type { ForwardRule } from './job-reach.ts'

/** How often it is looked whether the job still runs, in ms. */
const LOOK_MS = 5_000

export interface Forwarding {
  /** What is reached where, for people or as JSON. */
  lines(json: boolean): string[]
  /** Rejects when the job has ended. */
  ended: Promise<void>
  close(): Promise<void>
}

/** Listens here, and carries each connection through the gateway to the job's port. */
export async function forwardPorts(client: CortexClient, id: string, rules: ForwardRule[]): Promise<Forwarding> {
  const { status } = await client.jobs.get(id)
  if (status !== 'running') throw new CliError(`The job is ${status}: ports are reached while it runs`, 1)
  const over = new AbortController()
  const listeners: Listener[] = []
  for (const rule of rules) {
    const open = (): WebSocket => client.jobs.openTunnel(id, rule, (url, headers) => tunnelSocket(url, headers))
    listeners.push(rule.protocol === 'UDP' ? await listenUdp(rule, open) : await listenTcp(rule, open))
  }
  return {
    ended: untilEnded(client, id, over.signal),
    lines: (json) =>
      listeners.map(({ rule, localPort }) => {
        const { host, port, protocol } = rule
        if (json) return JSON.stringify({ host, localPort, port, protocol })
        return `${host}:${localPort} -> ${port}${protocol === 'UDP' ? '/udp' : ''}`
      }),
    async close() {
      over.abort()
      await Promise.all(listeners.map(async (listener) => await listener.close()))
    },
  }
}

function tunnelSocket(url: string, headers: Record<string, string>): WebSocket {
  return new WebSocket(url, { headers, perMessageDeflate: false })
}

async function untilEnded(client: CortexClient, id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined) // closed: the loop ends
    if (signal.aborted) return
    const { status } = await client.jobs.get(id)
    if (status !== 'running') throw new CliError(`The job is ${status}`, 1)
  }
}

async function listenTcp(rule: ForwardRule, open: () => WebSocket): Promise<Listener> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    carry(socket, open())
  })
  server.listen(rule.localPort, rule.host)
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw cannotListen(rule, error)
  })
  return {
    rule,
    localPort: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Joins a local connection to a tunnel; each direction waits for the other's reader, and ends by itself. */
function carry(socket: Socket, tunnel: WebSocket): void {
  const fail = (error: Error): void => {
    process.stderr.write(`a connection failed: ${error.message}\n`)
    socket.destroy()
  }
  socket.pause()
  tunnel.once('open', () => socket.resume())
  socket.on('data', (chunk: Buffer) => {
    tunnel.send(chunk, () => {
      if (tunnel.bufferedAmount <= HIGH_WATER_BYTES) socket.resume()
    })
    if (tunnel.bufferedAmount > HIGH_WATER_BYTES) socket.pause()
  })
  socket.once('end', () => {
    if (tunnel.readyState === WebSocket.OPEN) tunnel.send('end')
  })
  socket.once('close', () => tunnel.terminate())
  socket.on('error', () => tunnel.terminate())
  tunnel.on('message', (data: RawData, isBinary: boolean) => {
    if (!isBinary) socket.end()
    else if (!socket.write(data as Buffer)) {
      tunnel.pause()
      socket.once('drain', () => tunnel.resume())
    }
  })
  tunnel.once('error', fail)
  tunnel.once('close', () => {
    if (!socket.writableEnded) socket.destroy()
  })
}
