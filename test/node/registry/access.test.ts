import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { createRegistryAccess, type RegistryAccessInit } from '../../../node/registry/access.ts'
import { RegistryFailure } from '../../../node/registry/failure.ts'

describe('entry 4: where a provider goes for a registry', () => {
  let server: Server
  let port = 0
  let visits = 0
  before(async () => {
    server = createServer((_request, response) => response.end('here')).on('connection', () => {
      visits += 1
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  after(() => server.close())

  async function outcome(url: string, init: RegistryAccessInit = {}): Promise<string> {
    const { signal } = new AbortController()
    try {
      const answer = await createRegistryAccess(init).send(new URL(url), { method: 'GET', headers: {}, signal })
      answer.destroy()
      return String(answer.statusCode)
    } catch (error) {
      return error instanceof RegistryFailure ? error.reason : String(error)
    }
  }

  const ownAddresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
  const closed = [
    ...['127.0.0.1', '127.1.2.3', '0.0.0.0', '10.0.0.7', '172.16.0.1', '192.168.1.1', '169.254.169.254'],
    ...['100.100.100.200', '168.63.129.16', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
    ...['::1', '::', 'fe80::1', 'fd00:ec2::254', 'fc00::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::', ...ownAddresses],
  ]
  for (const address of closed) {
    it(`not to ${address}, literally or by a name`, async () => {
      const family = address.includes(':') ? 6 : 4
      const literal = family === 6 ? `[${address}]` : address
      const resolve = async () => [{ address, family }]
      assert.equal(await outcome(`https://${literal}:${port}/`), 'registry-not-allowed')
      assert.equal(await outcome(`https://registry.example:${port}/`, { resolve }), 'registry-not-allowed')
    })
  }

  it('to what was looked up for this connection, and nowhere else', async () => {
    let lookups = 0
    // Public at the check, inside at the use: there is one lookup for both.
    const resolve = async () => {
      lookups += 1
      return [{ address: lookups % 2 === 1 ? '127.0.0.1' : '1.1.1.1', family: 4 }]
    }
    assert.equal(await outcome(`https://rebinding.example:${port}/`, { resolve }), 'registry-not-allowed')
    assert.deepEqual([lookups, visits], [1, 0])
  })

  it('to the addresses of a name that are open, where others are not', async () => {
    const resolve = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '203.0.113.1', family: 4 },
    ]
    const reason = await outcome(`https://both.example:${port}/`, { resolve, answerMs: 300 })
    assert.match(reason, /registry-(too-slow|unreachable|not-allowed)/)
    assert.equal(visits, 0)
  })

  it('where its owner says so: with its port, and to no other', async () => {
    const allow = [`127.0.0.1:${port}`]
    assert.equal(await outcome(`http://127.0.0.1:${port}/`, { allow }), '200')
    assert.equal(await outcome(`http://localhost:${port}/`, { allow }), 'registry-not-allowed')
    assert.equal(await outcome(`http://127.0.0.1:${port}/`, { allow: ['127.0.0.1'] }), 'registry-not-allowed')
    assert.equal(await outcome(`http://127.0.0.1:${port}/`, { allow: ['127.0.0.1:1'] }), 'registry-not-allowed')
  })

  it('with TLS, unless its owner says otherwise or it is on loopback', () => {
    const access = createRegistryAccess({ allow: ['http://plain.lan:5000', 'registry.lan:5000'] })
    const cases: [host: string, api: string][] = [
      ['docker.io', 'https://registry-1.docker.io/v2/'],
      ['ghcr.io', 'https://ghcr.io/v2/'],
      ['registry.lan:5000', 'https://registry.lan:5000/v2/'],
      ['plain.lan:5000', 'http://plain.lan:5000/v2/'],
      ['127.0.0.1:5000', 'http://127.0.0.1:5000/v2/'],
      ['localhost:5000', 'http://localhost:5000/v2/'],
      ['localhost.evil.example', 'https://localhost.evil.example/v2/'],
    ]
    for (const [host, api] of cases) assert.equal(access.apiOf(host).href, api)
  })

  it('for no longer than it takes to begin an answer', async () => {
    const deaf = createServer(() => undefined)
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(deaf.address() as AddressInfo).port}`
    assert.equal(await outcome(`http://${host}/`, { allow: [host], answerMs: 200 }), 'registry-too-slow')
    deaf.close()
    deaf.closeAllConnections()
  })
})
