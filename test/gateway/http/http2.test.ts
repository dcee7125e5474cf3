/** HTTP/2 on real sockets, by the client of Node and by curl: what each request of a connection gets. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { after, afterEach, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'
import { createGateway, type Gateway, type GatewayInit } from '../../../gateway/index.ts'
import { type Logger, silentLogger } from '../../../node/logger.ts'
import { type MadeCertificate, makeCertificate } from '../../support/certificate.ts'
import { block, FRAME, frame, get, openRawHttp2, uint32 } from '../../support/raw-http2.ts'
import { until } from '../../support/until.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'

const API = '/api/v1/plugin-core'
const MIB = 2 ** 20

let folder: string
let test: TestNode
let gateway: Gateway
let made: MadeCertificate
let sessions: ClientHttp2Session[] = []
/** What was logged of requests. */
let logged: { protocol: string; path: string; status: number }[]

async function start(init: Partial<GatewayInit> = {}): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'cortex-http2-'))
  made = makeCertificate(folder, 'DNS:localhost,DNS:*.jobs.localhost,IP:127.0.0.1')
  test = await openTestNode()
  logged = []
  const logger: Logger = Object.create(silentLogger)
  logger.info = ((fields: (typeof logged)[0], what: string) => {
    if (what === 'request') logged.push(fields)
  }) as Logger['info']
  const tls = { cert: made.certPath, key: made.keyPath }
  const rateLimits = { enforced: false }
  gateway = createGateway({ node: test.node, logger }, { folder, port: 0, tls, rateLimits, ...init })
  await gateway.start()
}

async function stop(): Promise<void> {
  await gateway.stop()
  await test.close()
  await rm(folder, { recursive: true })
}

function open(): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port()}`, { ca: made.cert, servername: 'localhost' })
  session.on('error', () => undefined)
  sessions.push(session)
  return session
}

const port = (): string => new URL(gateway.url()).port
const bearer = (): { authorization: string } => ({ authorization: `Bearer ${gateway.adminKey().text}` })

/** @param body sent at once; null where the request has none, undefined where it is sent by the caller */
function begin(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer | null,
): ClientHttp2Stream {
  const all = { ':authority': `localhost:${port()}`, ...headers }
  const stream = session.request(all, { endStream: body === null })
  stream.on('error', () => undefined)
  if (typeof body === 'string' || Buffer.isBuffer(body)) stream.end(body)
  return stream
}

/** @throws where it is reset before it was answered */
async function headOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & { ':status'?: number }> {
  const closed = once(stream, 'close').then(() => {
    throw new Error(`It was closed by ${stream.rstCode}`)
  })
  closed.catch(() => undefined)
  const [head] = (await Promise.race([once(stream, 'response'), closed])) as [IncomingHttpHeaders]
  return head
}

async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body: string | Buffer | null = null) {
  const stream = begin(session, headers, body)
  const answer = await headOf(stream)
  return { status: answer[':status'], headers: answer, body: await text(stream) }
}

afterEach(() => {
  for (const session of sessions) session.destroy()
  sessions = []
})

describe('HTTP/2', () => {
  before(async () => await start())
  after(async () => await stop())

  it('is there for those who offer it, and HTTP/1.1 for all others', async () => {
    const session = open()
    const answer = await ask(session, { ':path': '/api/health' })
    assert.equal(session.alpnProtocol, 'h2')
    assert.equal(answer.status, 200)
    assert.match(answer.body, /"status":"ok"/)
    assert.equal(answer.headers.connection, undefined)
    assert.equal(logged.at(-1)?.protocol, 'HTTP/2')
    const asked = request({
      ...{ host: '127.0.0.1', port: port(), path: '/api/health' },
      ca: made.cert,
      agent: false,
    }).end()
    const [older] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(older.httpVersion, '1.1')
    assert.match(await text(older), /"status":"ok"/)
    assert.equal(logged.at(-1)?.protocol, 'HTTP/1.1')
  })

  it('takes every method and its body, and answers HEAD without one', async () => {
    const session = open()
    const json = { ...bearer(), 'content-type': 'application/json' }
    const body = JSON.stringify({ name: 'one', config: { image: 'busybox' } })
    const path = `${API}/jobs/templates`
    const created = await ask(session, { ':path': path, ':method': 'POST', ...json }, body)
    assert.equal(created.status, 201, created.body)
    const { id } = JSON.parse(created.body).data
    const patch = { ':path': `${path}/${id}`, ':method': 'PUT', ...json }
    const changed = await ask(session, patch, body.replace('one', 'two'))
    assert.equal(changed.status, 200, changed.body)
    const head = await ask(session, { ':path': `${path}/${id}`, ':method': 'HEAD', ...bearer() })
    assert.deepEqual([head.status, head.body], [200, ''])
    assert.equal((await ask(session, { ':path': `${path}/${id}`, ':method': 'DELETE', ...bearer() })).status, 200)
    assert.equal((await ask(session, { ':path': `${path}/${id}`, ...bearer() })).status, 404)
  })

  it('takes cookies in pieces, and changes from its own origin alone', async () => {
    const session = open()
    const origin = `https://localhost:${port()}`
    const json = { 'content-type': 'application/json', origin }
    const key = JSON.stringify({ key: gateway.adminKey().text })
    const signedIn = await ask(session, { ':path': '/api/v1/auth/session', ':method': 'POST', ...json }, key)
    assert.equal(signedIn.status, 201, signedIn.body)
    const [cookie = ''] = (signedIn.headers['set-cookie'] ?? []).map((one) => one.split(';')[0])
    const change = { ':path': `${API}/jobs/templates`, ':method': 'POST', cookie: ['theme=dark', cookie] }
    const body = (name: string) => JSON.stringify({ name, config: { image: 'busybox' } })
    assert.equal((await ask(session, { ...change, ...json }, body('by cookie'))).status, 201)
    assert.equal((await ask(session, { ...change, ...json, origin: 'https://evil.example' }, body('no'))).status, 403)
  })

  it('has 50 event streams and as many requests on one connection', async () => {
    const session = open()
    const headers = { ':path': `${API}/events`, accept: 'text/event-stream', ...bearer() }
    const streams = Array.from({ length: 50 }, () => begin(session, headers, null))
    const first = streams.map(async (stream) => {
      assert.equal((await headOf(stream))[':status'], 200)
      const [chunk] = (await once(stream, 'data')) as [Buffer]
      return chunk.length
    })
    for (const length of await Promise.all(first)) assert.ok(length > 0)
    const others = Array.from({ length: 50 }, async () => await ask(session, { ':path': '/api/health' }))
    for (const { status } of await Promise.all(others)) assert.equal(status, 200)
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
    // Each place is given back at once.
    const again = Array.from({ length: 100 }, async () => await ask(session, { ':path': '/api/health' }))
    for (const { status } of await Promise.all(again)) assert.equal(status, 200)
  })

  it('answers to the names it was given, by :authority', async () => {
    const session = open()
    const at = async (headers: OutgoingHttpHeaders) =>
      await ask(session, { ':path': '/api/health', ...headers }).then(
        ({ status }) => status,
        (error: Error) => error.message,
      )
    assert.equal(await at({ ':authority': 'evil.example' }), 403)
    assert.equal(await at({ ':authority': `LOCALHOST:${port()}` }), 200)
    assert.equal(await at({ ':authority': `localhost:${port()}`, host: `localhost:${port()}` }), 200)
    assert.equal(await at({ ':authority': 'localhost', host: 'evil.example' }), 400)
    assert.equal(await at({ ':authority': 'evil.example', host: 'localhost' }), 400)
    assert.match(String(await at({ ':authority': 'a@localhost' })), /PROTOCOL_ERROR/)
    // The origin of a port of a job asks for its own sign-in.
    assert.equal(await at({ ':authority': '80--job_01k8m3q7w9x2v5n4c6b8d0f1g3.localhost' }), 401)
  })

  it('reads a body as a body, and never as another request', async () => {
    const session = open()
    const hidden = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'
    for (const method of ['GET', 'DELETE', 'POST', 'PUT', 'OPTIONS', 'PATCH']) {
      const { status } = await ask(session, { ':path': '/api/health', ':method': method }, hidden.repeat(3))
      assert.ok((status ?? 0) < 500, method)
    }
    for (const length of ['5', '0', '900']) {
      const headers = { ':path': '/api/health', ':method': 'POST', 'content-length': length }
      await assert.rejects(ask(open(), headers, hidden), length)
    }
    assert.equal((await ask(session, { ':path': '/api/health' })).status, 200)
    assert.deepEqual(
      logged.filter(({ path }) => path.includes('smuggled')),
      [],
    )
  })

  it('says at once that a body is too large, and the connection goes on', async () => {
    const session = open()
    const path = `${API}/jobs`
    const large = await ask(session, { ':path': path, ':method': 'POST', ...bearer() }, Buffer.alloc(8 * MIB))
    assert.equal(large.status, 413)
    assert.equal((await ask(session, { ':path': '/api/health' })).status, 200)
  })

  it('brings uploads of any size, and what is read of them is the same', async () => {
    const session = open()
    const chunk = randomBytes(MIB)
    const hash = createHash('sha256')
    const stream = begin(session, { ':path': `${API}/uploads`, ':method': 'POST', ...bearer() })
    const answer = headOf(stream)
    await pipeline(
      Readable.from(
        (function* () {
          for (let i = 0; i < 48; i += 1) {
            hash.update(chunk)
            yield chunk
          }
        })(),
      ),
      stream,
    )
    assert.equal((await answer)[':status'], 201)
    assert.equal(JSON.parse(await text(stream)).data.digest, `sha256:${hash.digest('hex')}`)
  })

  it('ends what a client takes back', async () => {
    const session = open()
    const headers = { ':path': `${API}/events`, accept: 'text/event-stream', ...bearer() }
    for (let i = 0; i < 3; i += 1) {
      const streams = Array.from({ length: 50 }, () => begin(session, headers, null))
      await Promise.all(streams.map(headOf))
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
    }
    // 256 of a key are open at a time: were they kept, these would be refused.
    for (let i = 0; i < 3; i += 1) {
      const one = open()
      const streams = Array.from({ length: 50 }, () => begin(one, headers, null))
      for (const head of await Promise.all(streams.map(headOf))) assert.equal(head[':status'], 200)
      one.destroy()
    }
  })

  it('hands few of 5,000 requests on that are taken back at once, and ends their connection', async () => {
    const before = logged.length
    const raw = await openRawHttp2(Number(port()))
    const both = (id: number) => [frame(FRAME.headers, 5, id, get('/api/health')), frame(FRAME.reset, 0, id, uint32(8))]
    raw.send(...Array.from({ length: 5_000 }, (_, i) => both(1 + 2 * i)).flat())
    await raw.ended
    assert.equal((await ask(open(), { ':path': '/api/health' })).status, 200)
    assert.ok(logged.length - before <= 200, `${logged.length - before} reached a handler`)
  })

  it('drops what is taken back without an error, and goes on', async () => {
    const plain = block([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'localhost'],
      [':path', '/api/health'],
    ])
    const expecting = get(
      `${API}/jobs`,
      [
        ['expect', '100-continue'],
        ['authorization', bearer().authorization],
      ],
      'POST',
    )
    for (const [head, flags] of [
      [plain, 5],
      [plain, 4],
      [get('/api/health'), 5],
      [expecting, 4],
    ] as const) {
      const raw = await openRawHttp2(Number(port()))
      raw.send(frame(FRAME.settings, 1, 0))
      await until(() => raw.frames().some(({ type, flags: of }) => type === FRAME.settings && of === 1))
      for (let id = 1; id < 16; id += 2) {
        const body = flags === 5 ? [] : Array.from({ length: 5 }, () => frame(FRAME.data, 0, id, Buffer.alloc(16_384)))
        raw.send(frame(FRAME.headers, flags, id, head), ...body, frame(FRAME.reset, 0, id, uint32(0)))
      }
      assert.equal((await ask(open(), { ':path': '/api/health' })).status, 200)
      raw.socket.destroy()
    }
  })

  it('leaves WebSockets to a connection of their own', async () => {
    const session = open()
    const [settings] = (await once(session, 'remoteSettings')) as [{ enableConnectProtocol: boolean }]
    assert.equal(settings.enableConnectProtocol, false)
    const socket = new WebSocket(`wss://localhost:${port()}/ws`, { ca: made.cert, headers: bearer(), family: 4 })
    await once(socket, 'open')
    socket.terminate()
  })

  it('is what curl speaks with it', async () => {
    const path = join(folder, 'body')
    const curl = async (...rest: string[]): Promise<string> => {
      const how = ['-sS', '--cacert', made.certPath, '--resolve', `localhost:${port()}:127.0.0.1`, '-H']
      const flags = [
        ...how,
        `Authorization: ${bearer().authorization}`,
        '-o',
        path,
        '-w',
        '%{http_version} %{http_code}',
      ]
      return (await promisify(execFile)('curl', [...flags, ...rest])).stdout
    }
    const url = `https://localhost:${port()}`
    assert.equal(await curl('--http2', `${url}/api/health`), '2 200')
    assert.equal(await curl('--http1.1', `${url}/api/health`), '1.1 200')
    assert.equal(await curl('--http2', '-I', `${url}/api/health`), '2 200')
    // A file by `Expect: 100-continue`, as curl sends large ones.
    const file = join(folder, 'file')
    await promisify(execFile)('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=16'])
    const upload = ['-X', 'POST', '-H', 'Expect: 100-continue', '--data-binary', `@${file}`, `${url}${API}/uploads`]
    assert.equal(await curl('--http2', ...upload), '2 201')
  })
})

describe('HTTP/2 of a gateway that', () => {
  afterEach(async () => await stop())

  it('closes: requests under way end, and no further one is taken', async () => {
    await start()
    const session = open()
    const large = begin(session, { ':path': '/api/openapi.json' }, null)
    const events = begin(session, { ':path': `${API}/events`, accept: 'text/event-stream', ...bearer() }, null)
    await Promise.all([headOf(large), headOf(events)])
    const goaway = once(session, 'goaway')
    const closed = once(session, 'close')
    events.resume()
    const [read] = await Promise.all([text(large), gateway.stop()])
    assert.ok(JSON.parse(read).openapi.startsWith('3'))
    assert.equal((await goaway)[0], constants.NGHTTP2_NO_ERROR)
    await closed
  })

  it('has few places counts each request as a connection, and says so', async () => {
    await start({ connections: { perAddress: 6 } })
    const session = open()
    const headers = { ':path': `${API}/events`, accept: 'text/event-stream', ...bearer() }
    const streams = Array.from({ length: 5 }, () => begin(session, headers, null))
    for (const head of await Promise.all(streams.map(headOf))) assert.equal(head[':status'], 200)
    const refused = await ask(session, { ':path': '/api/health' })
    assert.equal(refused.status, 429, refused.body)
    assert.match(refused.body, /Too many connections are open/)
    streams[0]?.close(constants.NGHTTP2_CANCEL)
    await until(async () => (await ask(session, { ':path': '/api/health' })).status === 200)
  })

  it('ends who takes nothing of an answer: the one, and the connection goes on', async () => {
    await start({ connections: { stalledMs: 300 } })
    const session = open()
    const large = begin(session, { ':path': '/api/openapi.json' }, null)
    await headOf(large) // and reads no more of it: its window stays shut
    await once(large, 'close')
    assert.notEqual(large.rstCode, constants.NGHTTP2_NO_ERROR)
    assert.equal((await ask(session, { ':path': '/api/health' })).status, 200)
  })

  it('ends who takes nothing of an answer, whatever else it asks for', async () => {
    await start({ connections: { stalledMs: 300 } })
    const shut = Buffer.concat([Buffer.from([0, 4]), uint32(0)])
    const raw = await openRawHttp2(Number(port()), shut)
    raw.send(frame(FRAME.headers, 5, 1, get('/api/health')))
    const isOver = () => raw.frames().some(({ type, stream }) => type === FRAME.reset && stream === 1)
    await until(async () => {
      raw.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8)))
      return isOver()
    })
    raw.socket.destroy()
  })
})
