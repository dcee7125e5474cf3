import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { carryInTurn, type OpenTunnel } from '../../../gateway/reach/carry-in-turn.ts'
import { ReachError } from '../../../node/reach/index.ts'
import { createChannelPair, type MemoryEnd } from '../../support/memory-channel.ts'
import { until } from '../../support/until.ts'

const LIMIT = 1024 * 1024

describe('connections one after the other over a socket', () => {
  let server: WebSocketServer
  let open: OpenTunnel
  let gone: AbortController
  let opened: { port: number; container: MemoryEnd }[]
  let client: WebSocket
  let heard: string[]

  before(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', (socket) => {
      carryInTurn(socket, async (port, signal) => await open(port, signal), gone.signal).catch(() => socket.close(1011))
    })
    await once(server, 'listening')
  })
  after(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  beforeEach(async () => {
    gone = new AbortController()
    opened = []
    heard = []
    open = async (port, signal) => {
      const link = { carry: async () => undefined, tooLong: () => undefined }
      const [own, container] = createChannelPair([LIMIT, LIMIT], [link, link])
      signal.addEventListener('abort', () => own.abort(signal.reason), { once: true })
      opened.push({ port, container })
      return own
    }
    client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    client.on('message', (data) => void heard.push(String(data)))
    await once(client, 'open')
  })

  const container = async (at: number): Promise<MemoryEnd> => {
    await until(async () => opened.length > at)
    return opened[at]?.container as MemoryEnd
  }
  const textFrom = async (end: MemoryEnd): Promise<string | null> => {
    const message = await end.receive()
    return message === null ? null : Buffer.from(message).toString()
  }

  for (const first of ['client', 'container']) {
    it(`are each whole, whichever ends first: the ${first}`, async () => {
      for (const [at, port] of [80, 81, 80].entries()) {
        client.send(String(port))
        client.send(Buffer.from(`to ${at}`))
        const end = await container(at)
        assert.equal(await textFrom(end), `to ${at}`)
        await end.send(Buffer.from(`from ${at}`))
        if (first === 'client') {
          client.send('end')
          assert.equal(await textFrom(end), null)
          await end.close()
        } else {
          await end.close()
          await until(async () => heard.length === 3 * at + 2)
          client.send('end')
        }
        await until(async () => heard.length === 3 * (at + 1))
      }
      assert.deepEqual(
        opened.map(({ port }) => port),
        [80, 81, 80],
      )
      const each = [0, 1, 2].map((at) => [`from ${at}`, 'end', 'over'])
      assert.deepEqual(heard, each.flat())
      client.terminate()
    })
  }

  it('are over once the container has all of one, though both sides ended it before', async () => {
    client.send('80')
    const pieces = 16
    for (let at = 0; at < pieces; at += 1) client.send(Buffer.alloc(65_536))
    const end = await container(0)
    await end.close()
    client.send('end')
    await until(async () => heard.length > 0)
    assert.deepEqual(heard, ['end'])
    let bytes = 0
    for (let piece = await end.receive(); piece !== null; piece = await end.receive()) bytes += piece.length
    assert.equal(bytes, pieces * 65_536)
    await until(async () => heard.length > 1)
    assert.deepEqual(heard, ['end', 'over'])
    client.terminate()
  })

  it('say why there is none, whatever was sent to it meanwhile', async () => {
    open = async () => {
      throw new ReachError('NOT_LISTENING', 'Nothing answers on port 9')
    }
    client.send('9')
    client.send(Buffer.from('lost'))
    const [code] = await once(client, 'close')
    assert.deepEqual([code, heard], [1011, ['{"error":{"message":"Nothing answers on port 9"}}']])
  })

  it('say that one broke', async () => {
    client.send('80')
    ;(await container(0)).abort(new Error('the container is gone'))
    const [code] = await once(client, 'close')
    assert.deepEqual([code, heard], [1011, ['{"error":{"message":"the connection broke"}}']])
  })

  for (const [what, messages] of [
    ['a piece that belongs to none', [Buffer.from('lost')]],
    ['what is no port', ['ahead']],
    ['a port while another one is open', ['80', '81']],
  ] as const) {
    it(`end with ${what}`, async () => {
      for (const message of messages) client.send(message)
      assert.equal((await once(client, 'close'))[0], 1011)
      assert.ok(opened.length < 2)
      gone.abort(new Error('The client is gone'))
      if (opened.length > 0) await assert.rejects((await container(0)).receive(), { code: 'CHANNEL_BROKEN' })
    })
  }

  it('begin no more where nobody is behind them any more', async () => {
    client.send('80')
    await (await container(0)).close()
    await until(async () => heard.length === 1)
    gone.abort(new Error('revoked'))
    // The socket is being closed, and what a client still sends is heard until it answers that.
    client.send('end')
    client.send('81')
    client.send(Buffer.from('too late'))
    client.close(1000)
    await once(client, 'close')
    assert.deepEqual([opened.length, heard], [1, ['end']])
  })

  it('end where nobody is behind them any more', async () => {
    client.send('80')
    const end = await container(0)
    gone.abort(new Error('revoked'))
    await assert.rejects(end.receive(), { code: 'CHANNEL_BROKEN' })
    client.terminate()
  })
})
