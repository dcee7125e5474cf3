/** HTTPS on real sockets: what is served, renewed and refused, and whose word on clients is taken. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { connect as connectPlainly } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { WebSocket } from 'ws'
import { createGateway, type Gateway, type GatewayInit } from '../../../gateway/index.ts'
import { type Logger, silentLogger } from '../../../node/logger.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { expire, type MadeCertificate, makeCertificate } from '../../support/certificate.ts'
import { until } from '../../support/until.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'

let folder: string
let test: TestNode
let gateway: Gateway
let made: MadeCertificate
/** What the gateway warned of. */
let warnings: string[]
const NAMES = 'DNS:localhost,IP:127.0.0.1'

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cortex-tls-'))
  test = await openTestNode()
  made = makeCertificate(folder, NAMES)
})
afterEach(async () => {
  await gateway?.stop()
  await test.close()
  await rm(folder, { recursive: true })
})

async function start(init: Partial<GatewayInit> = {}): Promise<void> {
  warnings = []
  const logger: Logger = Object.create(silentLogger)
  logger.warn = ((fields: { problem?: string }) => void warnings.push(fields.problem ?? '')) as Logger['warn']
  gateway = createGateway({ node: test.node, logger }, { folder, port: 0, ...init })
  await gateway.start()
}

async function startSecurely(init: Partial<GatewayInit> = {}): Promise<void> {
  await start({ tls: { cert: made.certPath, key: made.keyPath }, ...init })
}

/** @param headers besides the admin key */
async function ask(path: string, init: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  const url = new URL(path, gateway.url())
  const { method = 'GET', headers = {}, body } = init
  const send = url.protocol === 'https:' ? secureRequest : plainRequest
  const asked = send(url, { method, headers, ca: made.cert, agent: false, family: 4 })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

function bearer(): Record<string, string> {
  return { authorization: `Bearer ${gateway.adminKey().text}` }
}

describe('a gateway with a certificate', () => {
  it('serves API, pages and WebSockets by HTTPS', async () => {
    await startSecurely()
    assert.match(gateway.url(), /^https:\/\/localhost:\d+$/)
    assert.match(gateway.signInLink(), /^https:/)
    assert.equal((await ask('/api/health')).status, 200)
    const address = `${gateway.url().replace('https', 'wss')}/ws`
    const socket = new WebSocket(address, { ca: made.cert, headers: bearer(), family: 4 })
    await once(socket, 'open')
    socket.terminate()
    // Of a browser's own pages, the session's changes are taken.
    const { text: key } = gateway.adminKey()
    const origin = new URL(gateway.url()).origin
    const json = { 'content-type': 'application/json', origin }
    const signedIn = await ask('/api/v1/auth/session', { method: 'POST', headers: json, body: JSON.stringify({ key }) })
    assert.equal(signedIn.status, 201, signedIn.body)
    const [cookie = ''] = signedIn.headers['set-cookie'] ?? []
    assert.match(cookie, /^__Host-cortex_session=.*; Secure/)
  })

  it('serves a renewed certificate to new connections, and keeps the former while the new one is bad', async () => {
    await startSecurely()
    const served = async (): Promise<string> => {
      const socket = connect({
        port: Number(new URL(gateway.url()).port),
        host: '127.0.0.1',
        rejectUnauthorized: false,
      })
      await once(socket, 'secureConnect')
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    }
    const first = await served()
    await writeFile(made.certPath, 'nonsense')
    await until(() => warnings.length > 0)
    assert.match(warnings[0] ?? '', /--tls-cert .* holds no certificate in PEM/)
    assert.equal(await served(), first)
    const next = makeCertificate(folder, NAMES)
    await until(async () => (await served()) !== first)
    made = next
    assert.equal((await ask('/api/health')).status, 200)
  })

  it('takes a certificate whose link is made to point elsewhere, as certbot does', async () => {
    await startSecurely()
    const other = makeCertificate(await mkdtemp(join(folder, 'next-')), NAMES)
    await rename(other.certPath, made.certPath)
    await rename(other.keyPath, made.keyPath)
    made = { ...made, cert: other.cert }
    await until(
      async () =>
        await ask('/api/health').then(
          ({ status }) => status === 200,
          () => false,
        ),
    )
  })

  it('leads plain HTTP on another port to the same place, and to no other host', async () => {
    const port = await freePort()
    await startSecurely({ redirectPort: port })
    const asked = plainRequest(`http://127.0.0.1:${port}/api/health?a=b`, { agent: false, method: 'POST' }).end('x')
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(answer.statusCode, 308)
    assert.equal(answer.headers.location, `https://127.0.0.1:${new URL(gateway.url()).port}/api/health?a=b`)
    answer.resume()
    const elsewhere = plainRequest(`http://127.0.0.1:${port}/`, {
      agent: false,
      headers: { host: 'evil.example' },
    }).end()
    const [refused] = (await once(elsewhere, 'response')) as [IncomingMessage]
    assert.equal(refused.statusCode, 400)
    assert.equal(refused.headers.location, undefined)
    refused.resume()
  })

  it('outlives whatever is no handshake, and holds nobody up for it', async () => {
    await startSecurely({ connections: { all: 8 } })
    const port = Number(new URL(gateway.url()).port)
    const hello = Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3])
    const odd = ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', randomBytes(600), hello, Buffer.alloc(100_000, 0x16), '']
    const sockets = [...odd, ...odd, ...odd].map((bytes) => {
      const socket = connectPlainly(port, '127.0.0.1')
      socket.on('error', () => undefined)
      if (bytes !== '') socket.write(bytes)
      return socket
    })
    assert.equal((await ask('/api/health')).status, 200)
    for (const socket of sockets) socket.destroy()
    assert.equal((await ask('/api/health')).status, 200)
  })

  it('counts a connection once, before its handshake and after', async () => {
    await startSecurely({ connections: { perAddress: 2 } })
    const port = Number(new URL(gateway.url()).port)
    const open = async () => {
      const socket = connect({ port, host: '127.0.0.1', ca: made.cert, servername: 'localhost' })
      socket.on('error', () => undefined)
      await once(socket, 'secureConnect')
      return socket
    }
    const first = await open()
    const second = await open()
    const gone = once(first, 'close')
    const third = await open()
    await gone
    assert.equal(second.destroyed, false)
    for (const socket of [second, third]) socket.destroy()
  })
})

describe('certificates that cannot be served', () => {
  const BAD = [
    { name: 'no file', spoil: async () => await rm(made.certPath), expected: /--tls-cert .* cannot be read/ },
    { name: 'no key', spoil: async () => await rm(made.keyPath), expected: /--tls-key .* cannot be read/ },
    {
      name: 'no certificate',
      spoil: async () => await writeFile(made.certPath, 'x'),
      expected: /--tls-cert .* holds no certificate in PEM/,
    },
    {
      name: 'a certificate for a key',
      spoil: async () => await writeFile(made.keyPath, made.cert),
      expected: /--tls-key .* holds no unencrypted private key/,
    },
    {
      name: 'the key of another',
      spoil: async () => {
        const other = makeCertificate(await mkdtemp(join(folder, 'other-')), NAMES)
        await writeFile(made.keyPath, other.key)
      },
      expected: /--tls-key .* is not the key of the first certificate/,
    },
    {
      name: 'one that has expired',
      spoil: async () => expire(made),
      expected: /expired on .*: renew it/,
    },
  ]
  for (const { name, spoil, expected } of BAD) {
    it(`${name}: says which, and listens nowhere`, async () => {
      await spoil()
      await chmod(folder, 0o700)
      await assert.rejects(startSecurely(), expected)
    })
  }
})

describe('a proxy in front', () => {
  const forwarded = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }
  /** What the audit says of who asked last. */
  const seenFrom = async (headers: Record<string, string>): Promise<string> => {
    const made = { method: 'POST', headers: { 'content-type': 'application/json', ...bearer(), ...headers } }
    const created = await ask('/api/v1/plugin-core/jobs/templates', { ...made, body: TEMPLATE() })
    assert.equal(created.status, 201, created.body)
    const { body } = await ask('/api/v1/system/audit?limit=1', { headers: bearer() })
    return JSON.parse(body).data[0].address
  }
  const TEMPLATE = () => JSON.stringify({ name: randomBytes(8).toString('hex'), config: { image: 'busybox' } })

  it('is believed where its operator trusts it, and nobody else is', async () => {
    await start()
    assert.equal(await seenFrom(forwarded), '127.0.0.1')
    await gateway.stop()
    await start({ trustedProxies: ['127.0.0.0/8'] })
    assert.equal(await seenFrom(forwarded), '203.0.113.9')
    // What a client made up stands before what the proxy added.
    assert.equal(await seenFrom({ 'x-forwarded-for': '10.9.9.9, 203.0.113.7' }), '203.0.113.7')
    for (const odd of ['', 'nonsense', '<script>', ', ,', 'unknown', '127.0.0.1:80', '999.1.1.1']) {
      assert.equal(await seenFrom({ 'x-forwarded-for': odd }), '127.0.0.1', odd)
    }
  })

  it('that ends TLS: changes of the dashboard’s pages are taken, of others’ not', async () => {
    await start({ trustedProxies: ['loopback'] })
    const { host } = new URL(gateway.url())
    const json = { 'content-type': 'application/json', ...forwarded }
    const body = JSON.stringify({ key: gateway.adminKey().text })
    const signedIn = await ask('/api/v1/auth/session', { method: 'POST', headers: json, body })
    assert.equal(signedIn.status, 201, signedIn.body)
    const [cookie = ''] = (signedIn.headers['set-cookie'] ?? []).map((text) => text.split(';')[0])
    assert.match(cookie, /^__Host-/)
    const change = async (origin: string, headers: Record<string, string>) => {
      const sent = { 'content-type': 'application/json', cookie, origin, ...headers }
      return (await ask('/api/v1/plugin-core/jobs/templates', { method: 'POST', headers: sent, body: TEMPLATE() }))
        .status
    }
    assert.equal(await change(`https://${host}`, forwarded), 201)
    assert.equal(await change(`https://${host}`, {}), 403)
    assert.equal(await change('https://evil.example', forwarded), 403)
  })
})
