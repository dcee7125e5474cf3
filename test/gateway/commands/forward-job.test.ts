import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import type { CortexClient } from '../../../gateway/client/index.ts'
import { type Forwarding, forwardPorts } from '../../../gateway/commands/forward-job.ts'
import { until } from '../../support/until.ts'

type Open = (url: string, headers: object) => WebSocket

/** What an older gateway says to `tunnel/ahead`. */
const NO_PORT = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'

describe('cortex job forward', () => {
  let gateway: Server
  let forwarding: Forwarding
  let forward: () => Promise<void>

  beforeEach(async () => {
    gateway = createServer().listen(0, '127.0.0.1')
    await once(gateway, 'listening')
    const url = `ws://127.0.0.1:${(gateway.address() as AddressInfo).port}/`
    const job = { status: 'running', config: { ports: [{ port: 80 }] }, events: [] }
    const jobs = {
      get: async () => job,
      openTunnel: (_id: string, _rule: object, open: Open) => open(`${url}tunnel/80`, {}),
      openTunnels: (_id: string, open: Open) => open(`${url}tunnel/ahead`, {}),
      async *events(_id: string, { signal }: { signal: AbortSignal }) {
        yield { type: 'started' }
        await once(signal, 'abort')
      },
    }
    const client = { jobs } as never as CortexClient
    forward = async () => {
      forwarding = await forwardPorts(client, 'job', [{ host: '127.0.0.1', localPort: 0, port: 80, protocol: 'TCP' }])
      forwarding.ended.catch(() => undefined)
    }
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

  /** Takes sockets, and calls back with each. @param isOlder knows none that carry one connection after the other */
  function serve(onSocket: (socket: WebSocket) => void, isOlder = false): void {
    const server = new WebSocketServer({ noServer: true })
    gateway.on('upgrade', (request, socket, head) => {
      if (isOlder && request.url === '/tunnel/ahead') socket.end(NO_PORT)
      else server.handleUpgrade(request, socket, head, onSocket)
    })
  }

  const heard = async (socket: Socket): Promise<string> => {
    socket.on('error', () => undefined) // reset, as is right
    return await text(socket).catch(() => 'reset')
  }

  it('goes on where a connection is refused', async () => {
    gateway.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n'),
    )
    await forward()
    for (let i = 0; i < 2; i += 1) {
      const socket = dial().resume()
      socket.on('error', () => undefined) // reset, as is right
      await new Promise((resolve) => socket.once('close', resolve))
    }
  })

  it('carries one connection after the other over a socket, and needs another for two at once', async () => {
    let sockets = 0
    serve((socket) => {
      const at = ++sockets
      let said: string[] = []
      socket.on('message', (data) => {
        said.push(String(data))
        if (String(data) !== 'end') return
        socket.send(Buffer.from(`${at}: ${said.join(' ')}`))
        for (const text of ['end', 'over']) socket.send(text)
        said = []
      })
    })
    await forward()
    await until(async () => sockets === 1)
    for (const word of ['one', 'two']) assert.equal(await heard(dial(true).end(word)), `1: 80 ${word} end`)
    const both = ['three', 'four'].map(async (word) => await heard(dial(true).end(word)))
    assert.deepEqual((await Promise.all(both)).toSorted(), ['1: 80 three end', '2: 80 four end'])
  })

  it('holds up no connection by what the one before it has yet to read', async () => {
    let answers = 0
    serve((socket) => {
      socket.on('message', (data) => {
        if (String(data) !== 'end') return
        socket.send(answers === 0 ? Buffer.alloc(16 * 2 ** 20) : Buffer.from('next'))
        for (const text of ['end', 'over']) socket.send(text)
        answers += 1
      })
    })
    await forward()
    const slow = dial(true).end()
    await until(async () => slow.readableLength > 0)
    assert.equal(await heard(dial(true).end()), 'next')
    slow.destroy()
  })

  it('has another socket while the gateway still passes on what was sent over the first, and no harm of it', async () => {
    const used = new Set<WebSocket>()
    serve((socket) => {
      socket.on('message', (data) => {
        if (String(data) !== 'end') return
        for (const other of used) other.close(1011)
        used.add(socket)
        socket.send(Buffer.from('all'))
        socket.send('end')
      })
    })
    await forward()
    for (let i = 1; i <= 2; i += 1) {
      assert.equal(await heard(dial(true).end()), 'all')
      assert.equal(used.size, i)
    }
  })

  it('resets a connection that broke off, so that a part is not taken for the whole', async () => {
    serve((socket) => {
      socket.on('message', (data) => {
        if (String(data) !== 'end') return
        socket.send(Buffer.from('part'))
        socket.close(1011)
      })
    })
    await forward()
    assert.equal(await heard(dial(true).end()), 'reset')
  })

  it('has a socket for each connection where the gateway is an older one', async () => {
    serve((socket) => {
      socket.on('message', (data, isBinary) => {
        socket.send(data as Buffer, { binary: isBinary })
        if (!isBinary) socket.close(1000)
      })
    }, true)
    await forward()
    for (const word of ['one', 'two']) assert.equal(await heard(dial(true).end(word)), word)
  })

  it('ends a connection that the gateway cannot carry, and goes on', async () => {
    let sockets = 0
    serve((socket) => {
      sockets += 1
      socket.on('message', () => {
        socket.send('{"error":{"message":"Nothing answers"}}')
        socket.close(1011)
      })
    })
    await forward()
    for (let i = 0; i < 2; i += 1) assert.equal(await heard(dial()), 'reset')
    assert.ok(sockets >= 2)
  })

  it('ends a connection whose other half is broken off', async () => {
    serve((socket) => {
      socket.on('message', (_data, isBinary) => {
        if (isBinary) return socket.terminate()
        socket.send(Buffer.from('all'))
        socket.send('end')
      })
    })
    await forward()
    const socket = dial(true)
    let said = ''
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.on('error', () => undefined) // reset, as is right
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await once(socket, 'end')
    socket.write('more')
    // It hears so at the next that it says.
    const saying = setInterval(() => socket.write('more'), 20)
    await closed.finally(() => clearInterval(saying))
    assert.equal(said, 'all')
  })
})
