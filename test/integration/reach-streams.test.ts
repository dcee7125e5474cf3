import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { on, once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { CortexClient } from '../../gateway/client/index.ts'
import { type Forwarding, forwardPorts } from '../../gateway/commands/forward-job.ts'
import { MAX_DATAGRAM_BYTES, MAX_TUNNELS } from '../../protocol/limits.ts'
import { closeAll } from '../support/close-all.ts'
import { until } from '../support/until.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'
import { ensureServerImage, SERVER_COMMAND, SERVER_PORTS } from './support/server-image.ts'

const MIB = 2 ** 20
const never = new AbortController().signal

/** What the server in the container tells of itself. */
interface ServerState {
  /** Of its web server, so far. */
  connections: number
  open: number
  heldBytes: number
  unsentBytes: number
  closes: [number, string][]
  udpSenders: number
}

describe('datagrams and WebSockets of a container', () => {
  let market: TestMarket
  let api: Api
  let client: CortexClient
  let id: string
  const open: { close(): unknown }[] = []
  before(async () => {
    market = await openMarket()
    await market.addSeller({ agent: { udpIdleMs: 1_000 } })
    const image = await ensureServerImage(market.docker)
    api = await openApi(market)
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
    const wish = { ports: SERVER_PORTS, network: 'bridge' as const, memory: '192Mi', cpu: 500 }
    id = await api.submit({ ...market.job('', { ...wish, duration: 3_600 }), image, command: SERVER_COMMAND, args: [] })
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
  })
  after(async () => {
    await closeAll(...open.map((one) => async () => await one.close()), async () => await market?.close())
  })

  async function forwardUdp(): Promise<number> {
    const rule = { host: '127.0.0.1', localPort: 0, port: 7001, protocol: 'UDP' as const }
    const forwarding: Forwarding = await forwardPorts(client, id, [rule])
    open.push(forwarding)
    return JSON.parse(forwarding.lines(true)[0] ?? '').localPort
  }

  function sender(): Socket {
    const socket = createSocket('udp4')
    open.push(socket)
    return socket
  }

  /** Sends a datagram until it is answered, as programs on UDP have to; answers the answer. */
  async function echo(socket: Socket, port: number, datagram: Buffer): Promise<Buffer> {
    const answered = new AbortController()
    // What was sent twice is answered twice: the answer to one before may still come.
    const answer = (async () => {
      for await (const [bytes] of on(socket, 'message')) if (datagram.equals(bytes)) return bytes as Buffer
    })().finally(() => answered.abort())
    for (let tries = 0; tries < 300 && !answered.signal.aborted; tries += 1) {
      socket.send(datagram, port, '127.0.0.1')
      await delay(1_000, undefined, { signal: answered.signal }).catch(() => undefined) // answered
    }
    return (await answer) as Buffer
  }

  async function proxied(path: string): Promise<Response> {
    const headers = { Authorization: `Bearer ${api.key}` }
    return await fetch(`${api.url}/api/plugin-core/jobs/${id}/proxy/8080${path}`, { headers })
  }

  const serverState = async (): Promise<ServerState> => (await (await proxied('/state')).json()) as ServerState

  function webSocket(path: string, protocols: string[] = []): WebSocket {
    const url = `${api.url.replace('http', 'ws')}/api/plugin-core/jobs/${id}/proxy/8080${path}`
    const socket = new WebSocket(url, protocols, { headers: { Authorization: `Bearer ${api.key}` } })
    open.push({ close: () => socket.terminate() })
    return socket
  }

  /** Resolves when a number has stopped changing; answers it. */
  async function settled(read: () => number | Promise<number>): Promise<number> {
    let [last, same] = [await read(), 0]
    while (same < 5) {
      await delay(100)
      const now = await read()
      same = now === last ? same + 1 : 0
      last = now
    }
    return last
  }

  test('datagrams of every size keep their bounds, there and back', async () => {
    const port = await forwardUdp()
    for (const bytes of [0, 1, 512, 1_472, 1_473, 9_000, MAX_DATAGRAM_BYTES]) {
      const sent = Buffer.alloc(bytes, 'datagram ')
      // Each by a sender of its own: what a busy machine has sent twice is answered twice.
      assert.ok((await echo(sender(), port, sent)).equals(sent), `${bytes} bytes`)
    }
  })

  test('each of many senders hears what is its own', async () => {
    const port = await forwardUdp()
    const before = (await serverState()).udpSenders
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, number) => String(await echo(sender(), port, Buffer.from(`${number}`)))),
    )
    assert.deepEqual(
      answers,
      Array.from({ length: 60 }, (_, number) => String(number)),
    )
    assert.ok((await serverState()).udpSenders >= before + 60)
  })

  test('a flow that is idle ends, and the next datagram begins another', async () => {
    const flow = await market.node.reach.tunnel(id, { port: 7001, protocol: 'UDP' }, never)
    await flow.send(Buffer.from('here'))
    assert.equal(Buffer.from((await flow.receive()) ?? []).toString(), 'here')
    assert.equal(await flow.receive(), null)
    const port = await forwardUdp()
    const socket = sender()
    const before = (await serverState()).udpSenders
    assert.equal(String(await echo(socket, port, Buffer.from('first'))), 'first')
    // A busy machine looks whether a flow is idle a little later than it is.
    await until(async () => {
      await delay(1_500)
      assert.equal(String(await echo(socket, port, Buffer.from('second'))), 'second')
      return (await serverState()).udpSenders === before + 2
    })
  })

  test('a datagram that no network carries is lost, and its flow goes on', async () => {
    const headers = { Authorization: `Bearer ${api.key}` }
    const url = `${api.url.replace('http', 'ws')}/api/plugin-core/jobs/${id}/tunnel/7001?protocol=UDP`
    const socket = new WebSocket(url, { headers })
    open.push({ close: () => socket.terminate() })
    await once(socket, 'open')
    for (const bytes of [MAX_DATAGRAM_BYTES + 1, 1_000_000, 5]) socket.send(Buffer.alloc(bytes))
    const [answer] = await once(socket, 'message')
    assert.equal((answer as Buffer).length, 5)
    const [code] = await once(socket, 'close')
    assert.equal(code, 1000)
  })

  test('a WebSocket, its subprotocol, compressed and binary messages, and both closings', async () => {
    const socket = webSocket('/chat', ['chat.v1'])
    await once(socket, 'open')
    assert.equal(socket.protocol, 'chat.v1')
    assert.match(socket.extensions, /permessage-deflate/)
    for (const message of ['text '.repeat(10_000), Buffer.alloc(300_000, 7)]) {
      socket.send(message)
      const [answer, isBinary] = await once(socket, 'message')
      assert.deepEqual([isBinary, Buffer.from(message).equals(answer)], [Buffer.isBuffer(message), true])
    }
    socket.ping('still there')
    assert.equal(String((await once(socket, 'pong'))[0]), 'still there')
    socket.send('close, please')
    const [code, reason] = await once(socket, 'close')
    assert.deepEqual([code, String(reason)], [4001, 'as you wish'])
    const other = webSocket('/chat')
    await once(other, 'open')
    other.close(4002, 'enough')
    await once(other, 'close')
    await until(async () => (await serverState()).closes.some(([code, reason]) => code === 4002 && reason === 'enough'))
  })

  test('requests share connections to the container', async () => {
    const before = (await serverState()).connections
    for (let i = 0; i < 20; i += 1) await serverState()
    const made = (await serverState()).connections - before
    // One at a time, over whichever was left open; on a machine that lets each wait for seconds there are some more.
    assert.ok(made < 20, `${made} connections for 20 requests`)
  })

  test('a container that does not read is waited for', async () => {
    const socket = webSocket('/held')
    await once(socket, 'open')
    const piece = Buffer.alloc(MIB / 2)
    for (let sent = 0; sent < 48; sent += 1) socket.send(piece, { compress: false })
    const waiting = await settled(() => socket.bufferedAmount)
    assert.ok(waiting > 8 * MIB, `${waiting} bytes wait at the sender`)
    assert.equal((await serverState()).heldBytes, 0)
    let taken = ''
    socket.on('message', (data) => {
      taken = String(data)
    })
    await proxied('/go')
    await until(() => taken === String(24 * MIB))
    socket.close()
  })

  test('a client that does not read is waited for', async () => {
    const bytes = 24 * MIB
    const socket = webSocket(`/flood?bytes=${bytes}`)
    await once(socket, 'open')
    socket.pause()
    const waiting = await settled(async () => (await serverState()).unsentBytes)
    assert.ok(waiting > 8 * MIB, `${waiting} bytes wait in the container`)
    let [taken, wrong] = [0, 0]
    socket.on('message', (data: Buffer) => {
      if (data.some((byte) => byte !== (taken / data.length) % 256)) wrong += 1
      taken += data.length
    })
    socket.resume()
    await until(() => taken === bytes)
    assert.equal(wrong, 0)
    socket.close()
  })

  test('many WebSockets at once, and no more than one container is given', async () => {
    await until(async () => (await serverState()).open === 0)
    const outcomes = await Promise.all(
      Array.from({ length: MAX_TUNNELS + 20 }, async (_, number) => {
        const socket = webSocket('/chat')
        const opened = await Promise.race([
          once(socket, 'open').then(() => 101),
          once(socket, 'unexpected-response').then(([, { statusCode }]) => statusCode as number),
        ])
        return { socket, number, status: opened }
      }),
    )
    const statuses = new Set(outcomes.map(({ status }) => status))
    assert.deepEqual(statuses, new Set([101, 429]))
    const opened = outcomes.filter(({ status }) => status === 101)
    // Asking for the state takes a connection, too, but only for as long as it takes.
    assert.ok(opened.length <= MAX_TUNNELS && opened.length > MAX_TUNNELS - 20, `${opened.length} opened`)
    await Promise.all(
      opened.map(async ({ socket, number }) => {
        socket.send(`this is ${number}`)
        const [answer] = await once(socket, 'message')
        assert.equal(String(answer), `this is ${number}`)
      }),
    )
    for (const { socket } of opened) socket.close()
    await until(async () => (await proxied('/state')).ok && (await serverState()).open === 0)
  })
})
