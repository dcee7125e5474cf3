import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import { ExactResponse } from '../../gateway/http/exact-response.ts'

const RAW = Buffer.from([0xc3, 0xbc, 0x80, 0xff])
const bodies: Record<string, () => ConstructorParameters<typeof Response>[0]> = {
  '/text': () => 'ü text',
  '/bytes': () => Buffer.from('ü bytes'),
  '/stream': () => new Blob(['ü stream']).stream(),
  '/empty': () => null,
}

describe('entry 40: headers of an answer', () => {
  const server = createAdaptorServer({
    fetch: ({ url }: Request) =>
      new Response(bodies[new URL(url).pathname]?.() ?? null, { headers: { 'x-raw': RAW.toString('latin1') } }),
    createServer,
    serverOptions: { ServerResponse: ExactResponse },
  })
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => void server.close())

  for (const [path, body] of Object.entries(bodies)) {
    it(`keep their bytes before ${path}, and it keeps its own`, async () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      const answer = await buffer(socket)
      assert.ok(answer.includes(Buffer.concat([Buffer.from('x-raw: '), RAW, Buffer.from('\r\n')])), String(answer))
      assert.ok(answer.includes(await new Response(body()).text()))
    })
  }
})
