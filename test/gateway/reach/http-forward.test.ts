import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Duplex, Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayContext } from '../../../gateway/http/context.ts'
import { type Forwarded, forwardRequest, forwardUpgrade } from '../../../gateway/reach/http-forward.ts'
import { bodyOf } from '../../../gateway/reach/request-body.ts'

/** Every byte that a header may hold, in a name's own spelling, besides those of controls. */
const RAW = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte >= 33 && byte !== 127))

/** Says this to each connection, after the end of its request's head, and keeps what it heard. */
async function openContainer(answer: (socket: Socket, heard: Buffer) => void) {
  const heard: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // the other side gave it up
    socket.on('data', (chunk) => {
      heard.push(chunk)
      answer(socket, Buffer.concat(heard))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    heard: () => Buffer.concat(heard),
    connect: () => connect((server.address() as AddressInfo).port, '127.0.0.1'),
    close: () => void server.close(),
  }
}

function asked(changes: Partial<Forwarded> = {}): Forwarded {
  const signal = new AbortController().signal
  return { method: 'GET', path: '/', headers: new Headers({ host: 'job' }), body: null, signal, ...changes }
}

describe('entry 40: a request to a container', () => {
  const latin = RAW.toString('latin1')
  const head = Buffer.concat([Buffer.from('X-Raw: '), RAW, Buffer.from('\r\n\r\n')])
  let container: Awaited<ReturnType<typeof openContainer>>
  before(async () => {
    container = await openContainer((socket, heard) => {
      if (!heard.includes('\r\n\r\n')) return
      const isUpgrade = heard.includes('upgrade: ')
      const status = isUpgrade ? '101 Switching Protocols' : '200 OK'
      const more = isUpgrade ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : 'Content-Length: 0\r\n'
      socket.write(Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${more}`), head]))
    })
  })
  after(() => container.close())

  it('has the bytes of its headers as they are, both ways', async () => {
    const response = await forwardRequest(container.connect(), asked({ headers: new Headers({ 'x-own': latin }) }))
    assert.equal(response.headers.get('x-raw'), latin)
    assert.ok(container.heard().includes(Buffer.concat([Buffer.from('x-own: '), RAW])))
  })

  it('has them so, too, where it changes the protocol', async () => {
    const written: Buffer[] = []
    const socket = new Duplex({
      read() {},
      write(chunk, encoding, done) {
        written.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk, encoding))
        done()
      },
    })
    const serving = forwardUpgrade(
      container.connect(),
      asked({ headers: new Headers({ host: 'job', upgrade: 'websocket' }) }),
      { socket, head: Buffer.alloc(0) },
      () => undefined,
    )
    while (!Buffer.concat(written).includes('\r\n\r\n')) await delay(5)
    assert.ok(Buffer.concat(written).includes(Buffer.concat([Buffer.from('x-raw: '), RAW])))
    socket.destroy()
    await serving
  })
})

describe('entry 40: an upload to a container', () => {
  /** `count` chunks with a pause before each; then it stalls, or ends. */
  function slowly(count: number, stalls: boolean): ReadableStream<Uint8Array> {
    let sent = 0
    return new ReadableStream({
      async pull(controller) {
        if (sent === count && stalls) return await new Promise(() => undefined)
        if (sent === count) return controller.close()
        await delay(250)
        sent += 1
        controller.enqueue(Buffer.alloc(1_000, 'x'))
      },
    })
  }

  it('takes as long as it needs while bytes flow, and no longer', async () => {
    const container = await openContainer((socket, heard) => {
      if (heard.includes('\r\n0\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nread')
    })
    const silent = await openContainer(() => undefined)
    try {
      // Three seconds in all, where none may pass for nothing of two.
      const upload = { method: 'POST', body: slowly(12, false), headMs: 2_000 }
      const response = await forwardRequest(container.connect(), asked(upload))
      assert.equal(await response.text(), 'read')
      await assert.rejects(forwardRequest(silent.connect(), asked({ ...upload, body: slowly(1, true), headMs: 500 })), {
        code: 'PROVIDER_UNAVAILABLE',
        message: /did not answer in time/,
      })
    } finally {
      container.close()
      silent.close()
    }
  })
})

describe('where the body of a request to a container ends', () => {
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: job\r\n\r\n'
  const given = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream()
  const incoming = (method: string, headers: object, text: string): GatewayContext => {
    const raw = new Request('http://job/', { method })
    return { req: { raw }, env: { incoming: Object.assign(Readable.from([Buffer.from(text)]), { headers }) } } as never
  }

  async function heardOf(changes: Partial<Forwarded>, end: string): Promise<string> {
    const container = await openContainer((socket, heard) => {
      if (heard.includes(end)) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    try {
      await forwardRequest(container.connect(), asked(changes))
      return String(container.heard())
    } finally {
      container.close()
    }
  }

  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST']) {
    it(`is said to it: ${method}`, async () => {
      const heard = await heardOf({ method, body: given(smuggled) }, '/smuggled')
      assert.match(heard, /\r\ntransfer-encoding: chunked\r\n/i)
      assert.match(heard, /\r\n\r\n[0-9a-f]+\r\nGET \/smuggled/)
      const long = { method, body: given('12345'), headers: new Headers({ host: 'job', 'content-length': '5' }) }
      assert.match(await heardOf(long, '12345'), /content-length: 5\r\n(?:.*\r\n)*\r\n12345$/)
      const none = await heardOf({ method, headers: new Headers({ host: 'job', 'content-length': '5' }) }, '\r\n\r\n')
      assert.doesNotMatch(none, /content-length: 5/i)
    })
  }

  it('is the body that the client sent, of GET too', async () => {
    const sent = bodyOf(incoming('GET', { 'content-length': '5' }, '12345'))
    assert.equal(sent === null ? null : await new Response(sent).text(), '12345')
    assert.notEqual(bodyOf(incoming('HEAD', { 'transfer-encoding': 'chunked' }, '1')), null)
    for (const headers of [{}, { 'content-length': '0' }]) assert.equal(bodyOf(incoming('GET', headers, '')), null)
  })

  it('is not looked for behind a 205', async () => {
    let closed = false
    const container = await openContainer((socket) => {
      socket.once('close', () => {
        closed = true
      })
      socket.write('HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n')
      const more = (): void => void (socket.destroyed || socket.write('1\r\nx\r\n', () => setImmediate(more)))
      more()
    })
    try {
      await forwardRequest(container.connect(), asked())
      while (!closed) await delay(5)
    } finally {
      container.close()
    }
  })
})
