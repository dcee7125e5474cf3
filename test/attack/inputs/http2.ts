/** What may be sent by HTTP/2: frames without a request, requests that are taken back, heads without end, windows that stay shut. */

import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import { setTimeout as delay } from 'node:timers/promises'
import { block, FLAG, FRAME, frame, get, openRawHttp2, type RawHttp2, uint32 } from '../../support/raw-http2.ts'
import { until } from '../../support/until.ts'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

const WHOLE = FLAG.endHeaders | FLAG.endStream
const HEALTH = get('/api/health')
const LARGE = '/api/openapi.json'

async function healthy({ securePort }: AttackTarget): Promise<void> {
  const session = connect(`https://127.0.0.1:${securePort}`, { rejectUnauthorized: false, servername: 'localhost' })
  session.on('error', () => undefined)
  try {
    const asked = session.request({ ':path': '/api/health', ':authority': 'localhost' })
    asked.on('error', () => undefined)
    const status = await new Promise((resolve) => {
      asked.once('response', (headers) => resolve(headers[':status']))
      asked.once('close', () => resolve(`closed by ${asked.rstCode}`))
      asked.resume()
    })
    assert.equal(status, 200)
  } finally {
    session.destroy()
  }
}

function times(count: number, make: (i: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))
}

const idOf = (i: number): number => 1 + 2 * i
const head = (i: number, text: Buffer = HEALTH, flags = WHOLE): Buffer => frame(FRAME.headers, flags, idOf(i), text)

/** Connections that are gone afterwards, whatever became of them. */
async function withMany(
  { securePort }: AttackTarget,
  count: number,
  use: (open: RawHttp2[]) => Promise<void>,
  settings?: Buffer,
): Promise<void> {
  const open: RawHttp2[] = []
  try {
    for (let i = 0; i < count; i += 1) open.push(await openRawHttp2(securePort, settings))
    await use(open)
  } finally {
    for (const { socket } of open) socket.destroy()
  }
}

/** @param sent one after the other on one connection, without a pause */
function flood(what: string, sent: () => Buffer): HostileInput {
  return {
    name: `bounds: HTTP/2: ${what} end the connection, and no other`,
    async attempt(target) {
      await withMany(target, 1, async ([raw]) => {
        raw?.send(sent())
        await raw?.ended
      })
      await healthy(target)
    },
  }
}

const EMPTY = Buffer.alloc(0)
const POST = get('/api/plugin-core/jobs', [], 'POST')
const floods: HostileInput[] = [
  flood('5,000 requests that are taken back at once', () =>
    times(5_000, (i) => Buffer.concat([head(i), frame(FRAME.reset, 0, idOf(i), uint32(8))])),
  ),
  flood('5,000 requests that make the gateway take them back', () =>
    times(5_000, (i) => Buffer.concat([head(i, POST, FLAG.endHeaders), frame(FRAME.window, 0, idOf(i), uint32(0))])),
  ),
  flood('a head in 10,000 empty pieces', () =>
    Buffer.concat([head(0, HEALTH, 0), times(10_000, () => frame(FRAME.continuation, 0, 1, EMPTY))]),
  ),
  flood('a head in 10,000 pieces of a byte', () =>
    Buffer.concat([head(0, HEALTH, 0), times(10_000, () => frame(FRAME.continuation, 0, 1, Buffer.from([0x82])))]),
  ),
  flood('a head of 8 MB', () =>
    Buffer.concat([head(0, HEALTH, 0), times(500, () => frame(FRAME.continuation, 0, 1, Buffer.alloc(16_384, 0x82)))]),
  ),
  flood('10,000 settings', () => times(10_000, () => frame(FRAME.settings, 0, 0))),
  flood('10,000 settings of a new window', () =>
    times(10_000, (i) => frame(FRAME.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(i)]))),
  ),
  flood('10,000 pings', () => times(10_000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)))),
  flood('10,000 answers to pings that nobody sent', () =>
    times(10_000, () => frame(FRAME.ping, FLAG.ack, 0, Buffer.alloc(8))),
  ),
  flood('10,000 priorities', () => times(10_000, (i) => frame(FRAME.priority, 0, idOf(i), Buffer.alloc(5, 1)))),
  flood('10,000 frames of a kind that there is not', () => times(10_000, () => frame(0xbb, 0, 0, Buffer.alloc(8)))),
  flood('10,000 windows that open by a byte', () => times(10_000, () => frame(FRAME.window, 0, 0, uint32(1)))),
  flood('10,000 empty parts of a body', () =>
    Buffer.concat([head(0, POST, FLAG.endHeaders), times(10_000, () => frame(FRAME.data, 0, 1))]),
  ),
  flood('10,000 parts of a body that are padding alone', () =>
    Buffer.concat([
      head(0, POST, FLAG.endHeaders),
      times(10_000, () => frame(FRAME.data, FLAG.padded, 1, Buffer.from([0]))),
    ]),
  ),
]

/** What is no HTTP/2. */
const BROKEN: [what: string, sent: Buffer][] = [
  ['a frame of 16 MB', frame(FRAME.data, 0, 1, EMPTY, 0xffffff)],
  ['a body of no request', frame(FRAME.data, 0, 0, Buffer.alloc(10))],
  ['a body of a request that never was', frame(FRAME.data, 0, 1, Buffer.alloc(10))],
  ['a head of no request', frame(FRAME.headers, WHOLE, 0, HEALTH)],
  ['a request with an even number', frame(FRAME.headers, WHOLE, 2, HEALTH)],
  ['requests that go back', Buffer.concat([head(5), head(1)])],
  ['a promise', frame(FRAME.push, FLAG.endHeaders, 1, Buffer.concat([uint32(2), HEALTH]))],
  ['a request that never was, taken back', frame(FRAME.reset, 0, 9, uint32(8))],
  ['half a setting', frame(FRAME.settings, 0, 0, Buffer.alloc(5))],
  ['a setting that may not be', frame(FRAME.settings, 0, 0, Buffer.concat([Buffer.from([0, 5]), uint32(1)]))],
  ['a window beyond any', times(3, () => frame(FRAME.window, 0, 0, uint32(0x7fffffff)))],
  ['a piece of no head', frame(FRAME.continuation, FLAG.endHeaders, 1, HEALTH)],
  [
    'something between two pieces of a head',
    Buffer.concat([head(0, HEALTH, 0), frame(FRAME.ping, 0, 0, Buffer.alloc(8))]),
  ],
  ['a head that is none', frame(FRAME.headers, WHOLE, 1, Buffer.alloc(100, 0xff))],
  ['an index of nothing', frame(FRAME.headers, WHOLE, 1, Buffer.from([0xff, 0xff, 0xff, 0x7f]))],
  [
    'a table of headers of 16 MB',
    frame(FRAME.headers, WHOLE, 1, Buffer.concat([Buffer.from([0x3f, 0xe1, 0xff, 0xff, 7]), HEALTH])),
  ],
  ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(100))],
  ['padding longer than its frame', frame(FRAME.data, FLAG.padded, 1, Buffer.from([200, 0]))],
  ['the end, and then a request', Buffer.concat([frame(FRAME.goaway, 0, 0, Buffer.alloc(8)), head(0)])],
]
const broken: HostileInput[] = BROKEN.map(([what, sent]) => ({
  name: `bounds: HTTP/2: ${what} harms nobody`,
  async attempt(target) {
    await withMany(target, 1, async ([raw]) => {
      raw?.send(sent)
      await Promise.race([raw?.ended, delay(1_000)])
    })
    await healthy(target)
  },
}))

/** Heads that are none of a request here: reset, or answered with a refusal. */
const HEADS: [what: string, head: Buffer][] = [
  ['two hosts', get('/api/health', [['host', 'evil.example']])],
  [
    'a host and its user',
    block([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'a@localhost'],
      [':path', '/'],
    ]),
  ],
  [
    'no host',
    block([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/api/health'],
    ]),
  ],
  [
    'no path',
    block([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'localhost'],
    ]),
  ],
  ['two paths', get('/api/health', [[':path', '/']])],
  ['an absolute path', get('http://evil.example/api/health')],
  ['a path of two words', get('/api/health HTTP/1.1')],
  ['a path of two lines', get('/api/health\r\nhost: evil.example')],
  [
    'plain HTTP',
    block([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'localhost'],
      [':path', '/api/health'],
    ]),
  ],
  ['a method of two words', get('/api/health', [], 'GET /')],
  ['CONNECT', get('/api/health', [], 'CONNECT')],
  ['CONNECT for a WebSocket', get('/ws', [[':protocol', 'websocket']], 'CONNECT')],
  ['chunks', get('/api/health', [['transfer-encoding', 'chunked']])],
  ['a connection to be closed', get('/api/health', [['connection', 'close']])],
  ['a connection to be kept', get('/api/health', [['keep-alive', 'timeout=5']])],
  ['an upgrade', get('/ws', [['upgrade', 'websocket']])],
  ['capitals', get('/api/health', [['X-Own', 'a']])],
  ['a length and nothing', get('/api/health', [['content-length', '5']])],
  [
    'two lengths',
    get('/api/health', [
      ['content-length', '0'],
      ['content-length', '0'],
    ]),
  ],
  ['a length that is none', get('/api/health', [['content-length', '-1']])],
  [
    'more headers than any request has',
    get(
      '/api/health',
      Array.from({ length: 500 }, (_, i) => [`a${i}`, 'b']),
    ),
  ],
  ['a pseudo-header of its own', get('/api/health', [[':own', 'a']])],
]
const heads: HostileInput[] = HEADS.map(([what, text]) => ({
  name: `bounds: HTTP/2: a head with ${what} is no request`,
  async attempt(target) {
    await withMany(target, 1, async ([raw]) => {
      raw?.send(head(0, text))
      const answers = () => raw?.frames().filter(({ stream, type }) => stream === 1 && ENDS.has(type)) ?? []
      await Promise.race([raw?.ended, until(() => answers().length > 0)])
      for (const { type, payload } of answers()) {
        // 0x8c is `:status: 400`, as every client knows it.
        assert.ok(type === FRAME.reset || payload[0] === 0x8c, `${what}: ${payload.toString('latin1')}`)
      }
    })
    await healthy(target)
  },
}))

const EXPECTING = get('/api/plugin-core/jobs', [['expect', '100-continue']], 'POST')
/** The code of no error leaves a stream closed before it is destroyed. */
const withdrawn: HostileInput = {
  name: 'bounds: HTTP/2: heads of every kind that are taken back at once, without an error, harm nobody',
  async attempt(target) {
    const all: [what: string, head: Buffer][] = [...HEADS, ['all that it needs', HEALTH], ['an expectation', EXPECTING]]
    for (const [what, text] of all) {
      await withMany(target, 1, async ([raw]) => {
        raw?.send(frame(FRAME.settings, FLAG.ack, 0))
        await delay(20) // nothing waits to be sent
        for (const [i, flags] of [WHOLE, FLAG.endHeaders].entries()) {
          const body = flags === WHOLE ? EMPTY : times(6, () => frame(FRAME.data, 0, idOf(i), Buffer.alloc(16_384)))
          raw?.send(Buffer.concat([head(i, text, flags), body, frame(FRAME.reset, 0, idOf(i), uint32(0))]))
        }
        await Promise.race([raw?.ended, delay(50)])
      })
      await healthy(target).catch((error: Error) => assert.fail(`${what}: ${error.message}`))
    }
  },
}

/** Frames that answer a request, one way or the other. */
const ENDS = new Set([FRAME.headers, FRAME.reset])

const many = (
  what: string,
  count: number,
  attempt: (open: RawHttp2[], target: AttackTarget) => Promise<void>,
  settings?: Buffer,
): HostileInput => ({
  name: `bounds: HTTP/2: ${what}`,
  attempt: async (target) => await withMany(target, count, async (open) => await attempt(open, target), settings),
})

/** Windows of which none opens by itself. */
const SHUT = Buffer.concat([Buffer.from([0, 4]), uint32(0)])
const slow: HostileInput[] = [
  many('a small head that unpacks to 60 MB is no request', 1, async ([raw], target) => {
    const long = Buffer.concat([Buffer.from([0x40, 1, 0x61, 127, 0xa1, 0x1e]), Buffer.alloc(4_000, 0x62)])
    const again = Buffer.alloc(12_000, 0xbe) // the newest of the headers that are remembered
    for (let i = 0; i < 50; i += 1) raw?.send(head(i, Buffer.concat([HEALTH, long, again])))
    await Promise.race([raw?.ended, delay(2_000)])
    assert.equal(raw?.frames().filter(({ type }) => type === FRAME.headers).length, 0)
    await healthy(target)
  }),
  many(
    'large answers whose windows stay shut hold up nobody',
    4,
    async (open, target) => {
      for (const raw of open) raw.send(times(5, (i) => head(i, get(LARGE))))
      await healthy(target)
    },
    SHUT,
  ),
  many('large answers on a connection that is never read', 1, async ([raw], target) => {
    raw?.socket.pause()
    raw?.send(
      frame(FRAME.window, 0, 0, uint32(2 ** 30)),
      times(5, (i) => head(i, get(LARGE))),
    )
    for (let i = 0; i < 20; i += 1) {
      raw?.send(times(20, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))))
      await delay(20)
    }
    await healthy(target)
  }),
  many('10 connections with 30 bodies each that never come keep nobody out', 10, async (open, target) => {
    for (const raw of open) raw.send(times(30, (i) => head(i, POST, FLAG.endHeaders)))
    await healthy(target)
  }),
  many('20,000 parts of a body of a byte each, and others have their turn', 1, async ([raw], target) => {
    raw?.send(
      head(0, POST, FLAG.endHeaders),
      times(20_000, () => frame(FRAME.data, 0, 1, Buffer.from('x'))),
    )
    await healthy(target)
  }),
  many('3,000 requests at once over each of 8 connections', 8, async (open, target) => {
    for (const raw of open) raw.send(times(3_000, (i) => head(i)))
    await Promise.all(open.map(async ({ ended }) => await Promise.race([ended, delay(3_000)])))
    await healthy(target)
  }),
  many('60 connections that have begun, or have half a head, keep nobody out', 60, async (open, target) => {
    for (const raw of open.slice(30)) raw.send(head(0, HEALTH, FLAG.endStream))
    await healthy(target)
  }),
]

export const inputs: HostileInput[] = [...floods, ...broken, ...heads, withdrawn, ...slow]
