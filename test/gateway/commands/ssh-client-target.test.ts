import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import type { CortexClient } from '../../../gateway/client/index.ts'
import { clientTarget } from '../../../gateway/commands/ssh/client-target.ts'

/** What a gateway takes in one message, in bytes. */
const MAX_MESSAGE_BYTES = 1024 * 1024
const MUCH = Buffer.alloc(5_000_000, 'x')

describe('a job for ssh, as a gateway has it', () => {
  let server: Server
  let url: string
  const sockets: WebSocket[] = []
  const bytesTo = new Map<WebSocket, number>()
  before(async () => {
    const accepting = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
    server = createServer()
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/refused') {
        const body = JSON.stringify({ success: false, error: { message: 'All places are taken' } })
        socket.end(`HTTP/1.1 429 x\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
        return
      }
      accepting.handleUpgrade(request, socket, head, (client) => {
        sockets.push(client)
        client.setMaxListeners(0)
        client.on('error', () => undefined)
        client.on('message', (data) => bytesTo.set(client, (bytesTo.get(client) ?? 0) + (data as Buffer).length))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    for (const socket of sockets) socket.terminate()
    server.close()
  })

  const target = (path = '/') =>
    clientTarget(
      {
        jobs: {
          openExec: async () => ({ url: url + path }),
          openTunnel: (_id: string, _to: object, open: (url: string, headers: object) => WebSocket) =>
            open(url + path, {}),
        },
      } as unknown as CortexClient,
      'job_1',
    )
  const command = { command: ['sh'], input: true }

  test('what is written at once goes in messages that a gateway takes', async () => {
    const { signal } = new AbortController()
    const session = await target().exec(command, signal)
    await session.write(MUCH)
    session.write(Buffer.from('end')).catch(() => undefined)
    const socket = sockets.at(-1) as WebSocket
    while (socket.readyState === socket.OPEN && (bytesTo.get(socket) ?? 0) < MUCH.length + 3) {
      await Promise.race([once(socket, 'message'), once(socket, 'close')])
    }
    assert.equal(bytesTo.get(socket), MUCH.length + 3)
    session.close()

    const stream = await target().tunnel(80, signal)
    stream.on('error', () => undefined)
    stream.end(MUCH)
    const tunnel = sockets.at(-1) as WebSocket
    while (tunnel.readyState === tunnel.OPEN && (bytesTo.get(tunnel) ?? 0) < MUCH.length) {
      await Promise.race([once(tunnel, 'message'), once(tunnel, 'close')])
    }
    assert.ok((bytesTo.get(tunnel) ?? 0) >= MUCH.length)
    stream.destroy()
  })

  test('why a command or a port is refused is told', async () => {
    const { signal } = new AbortController()
    await assert.rejects(target('/refused').exec(command, signal), /All places are taken/)
    await assert.rejects(target('/refused').tunnel(80, signal), /All places are taken/)
  })

  test('a command and a connection are let go of when the client is gone', async () => {
    for (const open of ['exec', 'tunnel'] as const) {
      const gone = new AbortController()
      const opening = open === 'exec' ? target().exec(command, gone.signal) : target().tunnel(80, gone.signal)
      const opened = await opening
      if ('on' in opened) opened.on('error', () => undefined)
      const socket = sockets.at(-1) as WebSocket
      const closed = once(socket, 'close')
      gone.abort(new Error('gone'))
      await closed
    }
  })
})
