/** The front of the gateway on real sockets: what asks for other protocols, opens too much, or says too little. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createGateway, type Gateway, type GatewayInit } from '../../gateway/index.ts'
import { silentLogger } from '../../node/logger.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { until } from '../support/until.ts'
import { openRaw, type Raw, requestText } from './support/raw.ts'
import { openTestNode, type TestNode } from './support/test-node.ts'

let folder: string
let test: TestNode
let gateway: Gateway
let raws: Raw[]

async function start(init: Partial<GatewayInit> = {}): Promise<void> {
  gateway = createGateway({ node: test.node, logger: silentLogger }, { folder, port: 0, ...init })
  await gateway.start()
}

async function raw(text = '', localAddress?: string): Promise<Raw> {
  const opened = await openRaw(gateway.url(), text, localAddress)
  raws.push(opened)
  return opened
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
  test = await openTestNode()
  raws = []
})
afterEach(async () => {
  await gateway.stop()
  for (const { socket } of raws) socket.destroy()
  await test.close()
  await rm(folder, { recursive: true })
})

describe('a request for another protocol', () => {
  const PROTOCOLS = [
    'h2c',
    'H2C',
    'HTTP/2.0',
    'TLS/1.0',
    'websocket',
    'WebSocket',
    'websocket, h2c',
    'h2c, websocket',
    'IRC/6.9, RTA/x11',
    'connect-udp',
    'x'.repeat(2000),
    '\t',
    '%00',
  ]
  const METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'QUERY', 'PROPFIND']
  const port = `80--job_01k8m3q7w9x2v5n4c6b8d0f1g3.localhost`

  it('entry 1: that is not known is answered as a plain one, whatever the method, the key and the host', async () => {
    await start()
    const key = { Authorization: `Bearer ${gateway.adminKey().text}` }
    for (const protocol of PROTOCOLS) {
      for (const [method, path, headers, status] of [
        ...METHODS.map((one) => [one, '/api/health', {}, one === 'GET' || one === 'HEAD' ? 200 : 404] as const),
        ['GET', '/api/plugin-core/jobs', {}, 401],
        ['GET', '/api/plugin-core/jobs', key, 200],
        ['GET', '/nothing', key, 404],
        ['GET', '/', { Host: port }, 401],
      ] as const) {
        const what = `${method} ${path} with ${JSON.stringify(protocol.slice(0, 40))}`
        const asked = await raw(
          requestText(method, path, { ...headers, Upgrade: protocol, Connection: 'Upgrade, close' }),
        )
        const text = await asked.ended()
        assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), what)
      }
    }
  })

  it('entry 1: with a body is answered for what the body says, and the connection goes on', async () => {
    await start()
    const key = { Authorization: `Bearer ${gateway.adminKey().text}`, 'Content-Type': 'application/json' }
    const upgrade = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
    const asked = await raw(requestText('POST', '/api/plugin-core/jobs', { ...key, ...upgrade }, '{"image":"busybox"}'))
    const text = await asked.answered()
    assert.match(text, /^HTTP\/1\.1 201 /)
    asked.send(requestText('GET', '/api/health', { Connection: 'close' }))
    assert.match(await asked.ended(), /"status":"ok"/)
  })

  it('entry 1: as a WebSocket where none may be opened, or half of one, ends with an answer', async () => {
    await start()
    const key = { Authorization: `Bearer ${gateway.adminKey().text}` }
    const upgrade = { Upgrade: 'websocket', Connection: 'Upgrade' }
    const whole = { ...upgrade, 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }
    const job = '/api/plugin-core/jobs/job_01k8m3q7w9x2v5n4c6b8d0f1g3'
    const cases: [string, Record<string, string>, number][] = [
      ['/ws', upgrade, 400],
      ['/ws', { ...whole, 'Sec-WebSocket-Version': '99' }, 400],
      ['/ws', { ...whole, 'Sec-WebSocket-Key': 'short' }, 400],
      [`${job}/exec/socket?code=x`, whole, 401],
      [`${job}/tunnel/80`, whole, 401],
      [`${job}/tunnel/80`, { ...whole, ...key }, 404],
      [`${job}/tunnel/ahead`, whole, 401],
      [`${job}/tunnel/ahead`, { ...whole, ...key }, 404],
      [`${job}/sftp`, whole, 401],
      [`${job}/sftp`, { ...whole, ...key }, 404],
      [`${job}/proxy/80/`, { ...whole, ...key }, 404],
      [`${job}/proxy/80/`, { ...upgrade, ...key }, 404],
      ['/', { ...whole, Host: port }, 401],
    ]
    for (const [path, headers, status] of cases) {
      const asked = await raw(requestText('GET', path, headers))
      assert.match(await asked.ended(), new RegExp(`^HTTP/1\\.1 ${status} `), `${path} ${JSON.stringify(headers)}`)
    }
  })

  it('entry 1: CONNECT, and what is no HTTP, is closed', async () => {
    await start()
    for (const text of [
      'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\x16\x03\x01',
    ]) {
      const asked = await raw(text)
      if (text.startsWith('\x16')) asked.socket.end()
      assert.doesNotMatch(await asked.ended(), /HTTP\/1\.1 2/)
    }
  })
})

describe('a request that somebody else may have sent', () => {
  it('with two hosts is refused', async () => {
    await start()
    for (const second of ['Host: evil.example', 'host: localhost']) {
      const one = await raw(`GET /ping HTTP/1.1\r\nHost: localhost\r\n${second}\r\n\r\n`)
      assert.match(await one.answered(), /^HTTP\/1.1 400 /)
    }
  })

  it('through a proxy is not of this machine', async () => {
    await start()
    const plain = await raw(requestText('GET', '/metrics'))
    await until(() => plain.text().startsWith('HTTP/1.1 200 '))
    for (const name of ['X-Forwarded-For', 'Via', 'Forwarded', 'X-Real-IP']) {
      const one = await raw(requestText('GET', '/metrics', { [name]: 'x' }))
      assert.match(await one.answered(), /^HTTP\/1.1 401 /, name)
    }
  })
})

describe('connections', () => {
  it('entry 1: that ask nothing make room for those that do, of one address and in all', async () => {
    await start({ connections: { all: 40, perAddress: 20 } })
    const silent: Raw[] = []
    for (let i = 0; i < 100; i += 1) silent.push(await raw('', `127.0.0.${1 + (i % 5)}`))
    const asked = await raw(requestText('GET', '/api/health', { Connection: 'close' }), '127.0.0.1')
    assert.match(await asked.ended(), /"status":"ok"/)
    await until(() => silent.filter(({ socket }) => !socket.closed).length <= 40)
    const open = (i: number): number => silent.filter((one, at) => at % 5 === i && !one.socket.closed).length
    for (let i = 0; i < 5; i += 1) assert.ok(open(i) <= 20, `${open(i)} of 127.0.0.${i + 1}`)
  })

  it('entry 1: at work are not displaced: a new one is told why, and other addresses get in', async () => {
    await start({ connections: { all: 40, perAddress: 5 } })
    const key = { Authorization: `Bearer ${gateway.adminKey().text}`, Accept: 'text/event-stream' }
    const streams: Raw[] = []
    for (let i = 0; i < 5; i += 1) streams.push(await raw(requestText('GET', '/api/plugin-core/events', key)))
    await until(() => streams.every((one) => one.text().includes('retry:')))
    const more = await raw(requestText('GET', '/api/health'))
    assert.match(await more.ended(), /^HTTP\/1\.1 429 .*RATE_LIMIT_EXCEEDED/s)
    const other = await raw(requestText('GET', '/api/health', { Connection: 'close' }), '127.0.0.2')
    assert.match(await other.ended(), /^HTTP\/1\.1 200 /)
    streams[0]?.socket.destroy()
    await until(async () => {
      const again = await raw(requestText('GET', '/api/health', { Connection: 'close' }))
      return /^HTTP\/1\.1 200 /.test(await again.ended())
    })
  })

  it('bounds: of addresses behind the largest make room as well, the one that rested for longest first', async () => {
    await start({ connections: { all: 132 } })
    const key = { Authorization: `Bearer ${gateway.adminKey().text}`, Accept: 'text/event-stream' }
    const streams: Raw[] = []
    for (let i = 0; i < 130; i += 1)
      streams.push(await raw(requestText('GET', '/api/plugin-core/events', key), `127.0.1.${1 + (i % 65)}`))
    await until(() => streams.every((one) => one.text().includes('retry:')))
    const silent = [await raw('', '127.0.0.2'), await raw('', '127.0.0.3')]
    const asked = await raw(requestText('GET', '/api/health', { Connection: 'close' }), '127.0.0.1')
    assert.match(await asked.ended(), /"status":"ok"/)
    await until(() => silent[0]?.socket.closed === true)
    assert.equal(silent[1]?.socket.closed, false)
    assert.ok(streams.every(({ socket }) => !socket.closed))
  })

  it('bounds: that ask a few things at once are answered in order, and one that asks thousands is ended', async () => {
    await start()
    const health = requestText('GET', '/api/health')
    const few = await raw(health.repeat(3) + requestText('GET', '/nothing', { Connection: 'close' }))
    const statuses = [...(await few.ended()).matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)
    assert.deepEqual(statuses, ['200', '200', '200', '404'])
    const many = await raw(health.repeat(3_000))
    const answers = (await many.ended()).match(/HTTP\/1\.1 /g) ?? []
    assert.ok(answers.length <= 8, `${answers.length} answers`)
    const other = await raw(requestText('GET', '/api/health', { Connection: 'close' }))
    assert.match(await other.ended(), /^HTTP\/1\.1 200 /)
  })

  it('bounds: that ask nothing are held to a number, those at work are not, and all that open at once are answered', async () => {
    await start({ connections: { atRest: 10, restMs: 0 } })
    const key = { Authorization: `Bearer ${gateway.adminKey().text}`, Accept: 'text/event-stream' }
    const streams = await Promise.all(
      Array.from({ length: 40 }, async () => await raw(requestText('GET', '/api/plugin-core/events', key))),
    )
    await until(() => streams.every((one) => one.text().includes('retry:')))
    const silent: Raw[] = []
    for (let i = 0; i < 30; i += 1) silent.push(await raw())
    await until(() => silent.filter(({ socket }) => !socket.closed).length <= 10)
    assert.ok(streams.every(({ socket }) => !socket.closed))
  })

  it('bounds: that are beyond the number at rest, and only came a moment ago, are answered all the same', async () => {
    await start({ connections: { atRest: 10, restMs: 600_000 } })
    const open = await Promise.all(Array.from({ length: 60 }, async () => await raw()))
    for (const times of [1, 2]) {
      const text = requestText('GET', '/api/health', times === 1 ? {} : { Connection: 'close' })
      for (const { send } of open) send(text)
      await until(() => open.every((one) => (one.text().match(/HTTP\/1\.1 200 /g) ?? []).length === times))
    }
  })

  it('entry 1: end when the gateway stops, whatever they are at', async () => {
    await start()
    const key = { Authorization: `Bearer ${gateway.adminKey().text}` }
    const socket = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' }
    const open = [
      await raw(),
      await raw('GET / HTTP/1.1\r\nHost: loc'),
      await raw(requestText('GET', '/api/plugin-core/events', key).repeat(3)),
      await raw(requestText('GET', '/', { Upgrade: 'h2c', Connection: 'Upgrade' })),
      await raw(requestText('GET', '/ws', { ...socket, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' })),
      await raw(requestText('GET', '/api/plugin-core/events', { ...key, Accept: 'text/event-stream' })),
      await raw(requestText('POST', '/api/plugin-core/jobs', { ...key, 'Content-Length': '100' })),
      await raw(
        requestText('POST', '/api/plugin-core/jobs/batch', {
          ...key,
          'Content-Type': 'application/json',
          'Content-Length': '9',
        }),
      ),
    ]
    await until(() => open[4]?.text().includes('101') === true && open[5]?.text().includes('retry:') === true)
    await gateway.stop()
    await Promise.all(open.map(async (one) => await one.ended()))
  })

  it('entry 40: are kept for longer than a minute after an answer', async () => {
    await start()
    const asked = await raw(requestText('GET', '/api/health'))
    assert.match(await asked.answered(), /keep-alive: timeout=(7[0-9]|[89]\d)/i)
  })
})

describe('streams and sockets', () => {
  it('entry 3: are so many of one key, and no more; others have theirs, and ended ones give room', async () => {
    await start()
    const key = { Authorization: `Bearer ${gateway.adminKey().text}`, Accept: 'text/event-stream' }
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    const { job } = await test.node.requester.submit({ owner: 'alice', spec })
    const path = `/api/plugin-core/jobs/${job.id}/events`
    const streams = await Promise.all(Array.from({ length: 256 }, async () => await raw(requestText('GET', path, key))))
    await until(() => streams.every((one) => one.text().includes('retry:')))
    const beyond = await raw(requestText('GET', path, { ...key, Connection: 'close' }))
    assert.match(await beyond.ended(), /^HTTP\/1\.1 429 .*RATE_LIMIT_EXCEEDED.*256 event streams and sockets/s)
    for (const asked of ['HEAD', 'HEAD']) {
      const head = await raw(requestText(asked, path, { ...key, Connection: 'close' }))
      assert.match(await head.ended(), /^HTTP\/1\.1 200 /)
    }
    const plain = await fetch(`${gateway.url()}${path.replace('/events', '')}`, {
      headers: { Authorization: key.Authorization },
    })
    assert.equal(plain.status, 200)
    for (const one of streams.slice(0, 10)) one.socket.destroy()
    await until(async () => {
      const again = await raw(requestText('GET', path, key))
      await until(() => again.text().includes('\r\n\r\n'))
      return again.text().startsWith('HTTP/1.1 200')
    })
  })
})
