import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import type { CortexClient } from '../../../gateway/client/index.ts'
import { type Forwarding, forwardPorts } from '../../../gateway/commands/forward-job.ts'

describe('cortex job forward', () => {
  let gateway: Server
  let forwarding: Forwarding

  beforeEach(async () => {
    gateway = createServer().listen(0, '127.0.0.1')
    await once(gateway, 'listening')
    const url = `ws://127.0.0.1:${(gateway.address() as AddressInfo).port}/`
    const job = { status: 'running', config: { ports: [{ port: 80 }] }, events: [] }
    const jobs = {
      get: async () => job,
      openTunnel: (_id: string, _rule: object, open: (url: string, headers: object) => WebSocket) => open(url, {}),
      async *events(_id: string, { signal }: { signal: AbortSignal }) {
        yield { type: 'started' }
        await once(signal, 'abort')
      },
    }
    const client = { jobs } as never as CortexClient
    forwarding = await forwardPorts(client, 'job', [{ host: '127.0.0.1', localPort: 0, port: 80, protocol: 'TCP' }])
    forwarding.ended.catch(() => undefined)
  })

  afterEach(async () => {
    await forwarding.close()
    gateway.close()
    gateway.closeAllConnections()
  })

  function dial(allowHalfOpen = false) {
    const { localPort } = JSON.parse(forwarding.lines(true)[0] ?? '') as { localPort: number }
    return connect({ port: localPort, host: '127.0.0.1', allowHalfOpen })
  }

  it('goes on where a connection is refused', async () => {
    gateway.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n'),
    )
    for (let i = 0; i < 2; i += 1) {
      const socket = dial().resume()
      socket.on('error', () => undefined) // reset, as is right
      await new Promise((resolve) => socket.once('close', resolve))
    }
  })

  it('ends a connection whose other half is broken off', async () => {
    const server = new WebSocketServer({ server: gateway })
    server.on('connection', (socket) => {
      socket.send(Buffer.from('all'))
      socket.send('end')
      socket.on('message', () => socket.terminate())
    })
    const socket = dial(true)
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk
    })
    socket.on('error', () => undefined) // reset, as is right
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await once(socket, 'end')
    socket.write('more')
    // It hears so at the next that it says.
    const saying = setInterval(() => socket.write('more'), 20)
    await closed.finally(() => clearInterval(saying))
    assert.equal(heard, 'all')
  })
})
