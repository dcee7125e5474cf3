import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ownVersion } from '../../../node/version.ts'
import { type Cortex, openCortex } from '../../gateway/support/cortex.ts'

describe('cortex version', () => {
  let cortex: Cortex
  let server: Server
  let url: string
  let own: string
  let answer: { status: number; body: string } = { status: 200, body: '' }
  const asked: string[] = []

  before(async () => {
    cortex = await openCortex()
    own = await ownVersion()
    server = createServer((request, response) => {
      asked.push(request.url ?? '')
      if (answer.status === 0) return // says nothing
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await cortex.close()
  })

  it('asks nobody unless it is told to', async () => {
    const { code, out } = await cortex.run(['version'], { env: { npm_config_registry: url } })
    assert.deepEqual([code, out], [0, `cortex ${own}\n`])
    assert.deepEqual(asked, [])
  })

  const answers: [name: string, status: number, body: string, code: number, said: RegExp][] = [
    [
      'a newer one',
      200,
      '{"version":"99.10.0"}',
      0,
      /^cortex 99\.10\.0 is there, and this is .*: npm install -g cortex-node@99\.10\.0$/,
    ],
    ['an older one', 200, '{"version":"0.0.9"}', 0, /^cortex \S+ is up to date$/],
    ['none of that name', 404, '{}', 1, /has no cortex-node: give another --registry$/],
    ['a failure', 503, '', 1, /answers 503: try again later/],
    ['a page', 200, '<html>', 1, /answers as no registry does/],
    ['a version that is none', 200, '{"version":"\\u001b[2J"}', 1, /answers as no registry does/],
    ['too much', 200, ' '.repeat(2 ** 20 + 1), 1, /answers as no registry does/],
  ]
  for (const [name, status, body, code, said] of answers) {
    it(`says so where the registry has ${name}`, async () => {
      answer = { status, body }
      const ran = await cortex.run(['version', '--check', '--registry', `${url}/`])
      assert.equal(ran.code, code, ran.err)
      assert.match((code === 0 ? ran.out : ran.err).trimEnd(), said)
      assert.equal(asked.at(-1), '/cortex-node/latest')
    })
  }

  it('says it to programs', async () => {
    answer = { status: 200, body: JSON.stringify({ version: own }) }
    const { out } = await cortex.run(['version', '--check', '--json'], { env: { npm_config_registry: url } })
    assert.deepEqual(JSON.parse(out), { version: own, latest: own, isNewer: false })
  })

  it('gives up on one that says nothing', async () => {
    answer = { status: 0, body: '' }
    const { code, err } = await cortex.run(['version', '--check', '--registry', url, '--timeout', '1'])
    assert.equal(code, 1)
    assert.match(err, /did not answer within 1 s: check the network/)
  })

  it('says where nobody listens, and what is no URL', async () => {
    const nobody = await cortex.run(['version', '--check', '--registry', 'http://127.0.0.1:9'])
    assert.equal(nobody.code, 1)
    assert.match(nobody.err, /^cortex: http:\/\/127\.0\.0\.1:9 is not reached \(.+\): check the network/)
    const none = await cortex.run(['version', '--check', '--registry', 'npm'])
    assert.match(none.err, /Give a URL such as/)
  })
})
