import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, beforeEach, describe, it } from 'node:test'
import { createRevocation } from '../../../gateway/auth/revocation.ts'
import type { Principal } from '../../../gateway/http/principal.ts'
import { type Forwarded, forwardRequest } from '../../../gateway/reach/http-forward.ts'
import { createKeptConnections } from '../../../gateway/reach/kept-connections.ts'
import { systemClock } from '../../../node/clock.ts'
import type { Channel } from '../../../node/network/index.ts'
import { ReachError } from '../../../node/reach/index.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import { until } from '../../support/until.ts'

/** What a container says to the nth request of a connection, and to all that was sent on it so far. */
type Script = (socket: Socket, heard: { connection: number; request: number; text: string }) => void

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** A server that knows requests by the ends of their heads. */
async function openContainer() {
  const state = { script: ((socket) => socket.write(OK)) as Script, sockets: [] as Socket[], heads: 0 }
  const server = createServer((socket) => {
    const connection = state.sockets.push(socket)
    let [text, request] = ['', 0]
    socket.on('error', () => undefined) // the other side gave it up
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (const ends = text.split('\r\n\r\n').length - 1; request < ends; ) {
        request += 1
        state.heads += 1
        state.script(socket, { connection, request, text })
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { state, port, close: () => server.close() }
}

/** A socket as a tunnel's channel. */
function channelOf(socket: Socket): Channel {
  const chunks = socket.iterator({ destroyOnReturn: false })
  socket.on('error', () => undefined) // who reads hears of it
  return {
    send: async (bytes) => {
      await new Promise<void>((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())))
    },
    receive: async () => {
      const { done, value } = await chunks.next()
      return done === true ? null : (value as Buffer)
    },
    close: async () => void socket.end(),
    abort: () => socket.destroy(),
  }
}

function jobOf(fence: number): Pick<JobRecord, 'id' | 'state'> {
  const state = { status: 'running', lease: { provider: 'p', fence } } as never as JobRecord['state']
  return { id: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3', state }
}

function principal(keyId: string): Principal {
  const [owner = ''] = keyId.split('/')
  return { keyId, owner, grants: [], via: 'key' }
}

function asked(changes: Partial<Forwarded> = {}): Forwarded {
  const { signal } = new AbortController()
  return { method: 'GET', path: '/', headers: new Headers({ host: 'job' }), body: null, signal, ...changes }
}

describe('connections that are kept', async () => {
  const container = await openContainer()
  const { state } = container
  let revoked: Set<string>
  let refusals: number
  let revocation: ReturnType<typeof createRevocation>
  let kept: ReturnType<typeof createKeptConnections>
  beforeEach(() => {
    for (const socket of state.sockets.splice(0)) socket.destroy()
    Object.assign(state, { script: (socket: Socket) => socket.write(OK), heads: 0 })
    revoked = new Set()
    refusals = 0
    revocation = createRevocation({
      keys: { get: (id: string) => (revoked.has(id) ? undefined : { id }) as never },
      sessions: { isOver: () => false },
      streams: { review: () => undefined },
      clock: systemClock,
    })
    const tunnel = async (): Promise<Channel> => {
      if (refusals > 0) {
        refusals -= 1
        throw new ReachError('TOO_MANY', 'full')
      }
      const socket = connect(container.port, '127.0.0.1')
      await once(socket, 'connect')
      return channelOf(socket)
    }
    kept = createKeptConnections({ node: { reach: { tunnel, tunnelAtOnce: tunnel } }, revocation })
  })
  after(() => {
    container.close()
    for (const socket of state.sockets) socket.destroy()
  })

  async function ask(changes: Partial<Forwarded> = {}, key = 'a', fence = 1): Promise<string> {
    let hasEnded = false
    const over = Promise.withResolvers<void>()
    const response = await forwardRequest(kept.to(jobOf(fence), 80, principal(key)), asked(changes), () => {
      hasEnded = true
      over.resolve()
    })
    const text = await response.text()
    await over.promise
    assert.ok(hasEnded)
    return text
  }
  const connections = (): number => state.sockets.length
  const idle = async (count: number): Promise<void> => await until(async () => kept.idle() === count)

  it('carry one request after the other, of one key, lease and port', async () => {
    for (let i = 0; i < 5; i += 1) assert.equal(await ask(), 'ok')
    assert.equal(connections(), 1)
    await ask({}, 'b')
    assert.equal(connections(), 2)
    await ask({}, 'a', 2)
    assert.equal(connections(), 3)
    await idle(3)
  })

  it('carry many at once, and no more are kept than may be', async () => {
    await Promise.all(Array.from({ length: 40 }, () => ask()))
    await idle(16)
    const before = connections()
    await ask()
    assert.equal(connections(), before)
  })

  it('carry bodies both ways', async () => {
    state.script = (socket, { request }) => {
      if (request % 2 === 1) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      else socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n')
    }
    // Sent in chunks, so that its end is a head's, too.
    const post = () => ask({ method: 'POST', body: new Blob(['x'.repeat(100_000)]).stream() })
    assert.equal(await post(), 'all')
    assert.equal(await post(), 'all')
    assert.equal(connections(), 1)
  })

  it('end when the container says what was not asked for', async () => {
    const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'
    const cases: [string, Script][] = [
      ['with the answer', (socket) => socket.write(`${OK}${forged}`)],
      ['no HTTP with the answer', (socket) => socket.write(`${OK}\0\0`)],
      ['after it', (socket) => socket.write(OK, () => setImmediate(() => socket.write(forged)))],
      ['a length that is too short', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay')],
      ['to HEAD', (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n${forged}`)],
      ['after 204', (socket) => socket.write(`HTTP/1.1 204 No Content\r\n\r\n${forged}`)],
      [
        'two lengths',
        (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n${OK}`),
      ],
    ]
    for (const [name, script] of cases) {
      for (const socket of state.sockets.splice(0)) socket.destroy()
      state.script = script
      await ask(name === 'to HEAD' ? { method: 'HEAD' } : {}).catch(() => undefined)
      await once(state.sockets[0] as Socket, 'close').catch(() => undefined)
      await idle(0)
      state.script = (socket) => socket.write(OK)
      assert.equal(await ask(), 'ok', name)
      assert.equal(connections(), 2, name)
    }
  })

  it('end with a protocol that nobody asked for, and with answers that are none', async () => {
    state.script = (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    await assert.rejects(ask(), { code: 'PROVIDER_UNAVAILABLE', message: /changed the protocol/ })
    state.script = (socket) => {
      const flood = (): void => {
        if (socket.destroyed) return
        socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20), () => setImmediate(flood))
      }
      flood()
    }
    await assert.rejects(ask(), { code: 'PROVIDER_UNAVAILABLE', message: /only says that it will/ })
    await idle(0)
    await until(async () => state.sockets.every(({ destroyed }) => destroyed))
  })

  it('end with an answer to what was not read', async () => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('half')) })
    assert.equal(await ask({ method: 'POST', body }), 'ok')
    await once(state.sockets[0] as Socket, 'close')
    assert.equal(kept.idle(), 0)
  })

  it('that the container closes: a request that does nothing is sent again, another is not', async () => {
    state.script = (socket, { request }) => (request === 1 ? socket.write(OK) : socket.destroy())
    await ask()
    assert.equal(await ask(), 'ok')
    assert.deepEqual([connections(), state.heads], [2, 3])
    await assert.rejects(ask({ method: 'DELETE' }), { code: 'PROVIDER_UNAVAILABLE', message: /closed the connection/ })
    assert.deepEqual([connections(), state.heads], [2, 4])
    // Not for ever: what closes each time is not asked a third time.
    state.script = (socket) => socket.destroy()
    await assert.rejects(ask(), { code: 'PROVIDER_UNAVAILABLE' })
  })

  it('are closed when nothing comes, as soon as the container says', async () => {
    state.script = (socket) => socket.write(OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=1\r\n\r\n'))
    await ask()
    await once(state.sockets[0] as Socket, 'close')
    state.script = (socket) => socket.write(OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=2, max=9\r\n\r\n'))
    await ask()
    await idle(1)
    await once(state.sockets[1] as Socket, 'close')
    await idle(0)
  })

  it('end at once with the key behind them, idle or not, and nobody else’s do', async () => {
    await ask()
    await ask({}, 'b')
    await idle(2)
    state.script = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    const held = await forwardRequest(kept.to(jobOf(1), 80, principal('a')), asked())
    state.script = () => undefined
    const waiting = forwardRequest(kept.to(jobOf(1), 80, principal('a')), asked())
    await until(async () => connections() === 3)
    revoked.add('a')
    revocation.enforce()
    await assert.rejects(held.text())
    await assert.rejects(waiting, { code: 'UNAUTHORIZED' })
    await idle(1)
    await until(async () => state.sockets.filter(({ destroyed }) => destroyed).length === 2)
  })

  it('make room for one that is wanted', async () => {
    await ask()
    await idle(1)
    refusals = 1
    assert.equal(await ask({}, 'b'), 'ok')
    await until(async () => state.sockets[0]?.destroyed === true)
    refusals = 2
    await assert.rejects(ask({}, 'c'), { code: 'TOO_MANY' })
  })

  for (const open of ['tunnel', 'tunnelAtOnce'] as const) {
    it(`make room for one that is no HTTP: ${open}`, async () => {
      await ask()
      await idle(1)
      refusals = 1
      const channel = await kept[open](jobOf(1).id, { port: 80, protocol: 'TCP' }, new AbortController().signal)
      await until(async () => state.sockets[0]?.destroyed === true)
      channel.abort(new Error('enough'))
    })
  }

  it('make room for another owner’s where one owner has all places', async () => {
    const answers: (() => void)[] = []
    state.script = (socket) => void answers.push(() => socket.write(OK))
    const all = Array.from({ length: 256 }, (_, i) => ask({}, `many/${i % 16}`))
    await until(() => answers.length === 256)
    for (const answer of answers) answer()
    await Promise.all(all)
    state.script = (socket) => socket.write(OK)
    await ask({}, 'few/1')
    assert.equal(connections(), 257)
    await ask({}, 'few/1')
    assert.equal(connections(), 257)
  })

  it('wait for a client that does not read, and carry on for one that does', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let sent = 0
    state.script = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      const more = (): void => {
        if (socket.destroyed) return
        sent += chunk.length
        const isRoom = socket.write(Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')]))
        if (isRoom) setImmediate(more)
        else socket.once('drain', more)
      }
      more()
    }
    const gone = new AbortController()
    const response = await forwardRequest(kept.to(jobOf(1), 80, principal('a')), asked({ signal: gone.signal }))
    let last = -1
    await until(async () => {
      const isStill = sent === last
      last = sent
      await new Promise((resolve) => setTimeout(resolve, 200))
      return isStill
    })
    // What the kernel holds of both ends, and the little that a stream does.
    assert.ok(sent < 64 * 2 ** 20, `${sent}`)
    gone.abort()
    await assert.rejects(response.text())
    await until(async () => state.sockets[0]?.destroyed === true)
  })
})
