import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { isLoopbackAddress, isLoopbackName } from '../../gateway/http/loopback.ts'
import { ADMIN_KEY, openTestGateway, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER } from './support/test-node.ts'

let gateway: TestGateway

describe('loopback', () => {
  it('is known in every form', () => {
    for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1']) {
      assert.equal(isLoopbackAddress(address), true, address)
    }
    for (const address of [
      '',
      '10.0.0.1',
      '128.0.0.1',
      '::2',
      '::ffff:10.0.0.1',
      'localhost',
      '127.0.0.1.evil.example',
    ]) {
      assert.equal(isLoopbackAddress(address), false, address)
    }
    for (const name of ['localhost', '80--job.localhost', '127.0.0.1', '[::1]']) {
      assert.equal(isLoopbackName(name), true, name)
    }
    for (const name of ['localhost.evil.example', 'evil.example', '127.0.0.1.evil.example']) {
      assert.equal(isLoopbackName(name), false, name)
    }
  })
})

describe('every request', () => {
  afterEach(async () => {
    await gateway.close()
  })

  it('is answered to known hosts only', async () => {
    gateway = await openTestGateway({ allowedHosts: ['cortex.example'] })
    const cases: [string, number][] = [
      ['http://localhost:13000', 200],
      ['http://127.0.0.1:13000', 200],
      ['http://[::1]:13000', 200],
      ['http://192.168.1.5:13000', 200],
      ['http://cortex.example', 200],
      ['http://CORTEX.example', 200],
      ['http://evil.example:13000', 403],
      ['http://localhost.evil.example', 403],
    ]
    for (const [origin, status] of cases) {
      const answer = await gateway.ask('GET', `${origin}/api/health`, { key: null })
      assert.equal(answer.status, status, origin)
    }
  })

  it('bears a request id, the client’s own where it is harmless', async () => {
    gateway = await openTestGateway()
    const own = await gateway.ask('GET', '/api/health', { headers: { 'X-Request-Id': 'corr-1' } })
    assert.equal(own.headers.get('x-request-id'), 'corr-1')
    const odd = await gateway.ask('GET', '/api/nothing', { headers: { 'X-Request-Id': 'a b' } })
    assert.match(odd.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/)
  })

  it('tells admins alone whom it is connected with', async () => {
    gateway = await openTestGateway()
    const { data } = await gateway.ask('GET', '/api/system/peers')
    assert.deepEqual(data, [{ peer: PROVIDER, receivedBytes: 3_000, sentBytes: 500 }])
    const other = await gateway.ask('GET', '/api/system/peers', { key: await gateway.keyFor('other') })
    assert.equal(other.status, 403)
  })

  it('counts per key, tells in headers, and refuses what is beyond', async () => {
    gateway = await openTestGateway({ rateLimits: { perMinute: 3, enforced: true } })
    const other = await gateway.keyFor('other')
    const nowSeconds = Math.floor(Date.now() / 1000)
    for (const remaining of ['2', '1', '0']) {
      const { headers, status } = await gateway.ask('GET', '/api/plugin-core/jobs')
      assert.deepEqual([status, headers.get('x-ratelimit-remaining')], [200, remaining])
      assert.equal(headers.get('x-ratelimit-limit'), '3')
      const reset = Number(headers.get('x-ratelimit-reset'))
      assert.ok(reset >= nowSeconds && reset <= nowSeconds + 62)
    }
    const beyond = await gateway.ask('GET', '/api/plugin-core/jobs')
    assert.deepEqual([beyond.status, beyond.code], [429, 'RATE_LIMIT_EXCEEDED'])
    assert.ok(Number(beyond.headers.get('retry-after')) >= 1)
    assert.equal(beyond.headers.get('x-ratelimit-remaining'), '0')
    assert.equal((await gateway.ask('GET', '/api/plugin-core/jobs', { key: other })).status, 200)
    assert.equal((await gateway.ask('GET', '/api/plugin-core/jobs', { key: null })).status, 401)
    const limits = await gateway.ask('GET', '/api/system/rate-limits', { key: other })
    assert.deepEqual([limits.data.limit, limits.data.remaining, limits.data.enforced], [3, 1, true])
  })

  it('shows the full allowance where limits are off', async () => {
    gateway = await openTestGateway({ rateLimits: { perMinute: 2, enforced: false } })
    for (let i = 0; i < 5; i += 1) {
      const { status, headers } = await gateway.ask('GET', '/api/plugin-core/jobs')
      assert.deepEqual([status, headers.get('x-ratelimit-remaining')], [200, '2'])
    }
  })

  it('lets listed origins read, and no other', async () => {
    gateway = await openTestGateway({ corsOrigins: ['https://panel.example'] })
    const listed = await gateway.ask('GET', '/api/health', { headers: { Origin: 'https://panel.example' } })
    assert.equal(listed.headers.get('access-control-allow-origin'), 'https://panel.example')
    const other = await gateway.ask('GET', '/api/health', { headers: { Origin: 'https://evil.example' } })
    assert.equal(other.headers.get('access-control-allow-origin'), null)
    const preflight = await gateway.ask('OPTIONS', '/api/plugin-core/jobs', {
      key: null,
      headers: { Origin: 'https://panel.example', 'Access-Control-Request-Method': 'POST' },
    })
    assert.equal(preflight.status, 204)
  })

  it('says which paths there are not, without a stack', async () => {
    gateway = await openTestGateway()
    for (const path of ['/api/nothing', '/api/v2/plugin-core/jobs', '/nothing', '/api/plugin-core/jobs/x/y/z']) {
      const answer = await gateway.ask('GET', path)
      assert.deepEqual([answer.status, answer.code], [404, 'RESOURCE_NOT_FOUND'], path)
    }
  })

  it('answers what breaks inside as INTERNAL_ERROR with the request id and nothing else', async () => {
    gateway = await openTestGateway()
    gateway.node.directory.list = () => {
      throw new Error('secret detail')
    }
    const answer = await gateway.ask('GET', '/api/plugin-core/providers', { key: ADMIN_KEY })
    assert.deepEqual([answer.status, answer.code], [500, 'INTERNAL_ERROR'])
    assert.equal(answer.body.error.details.requestId, answer.headers.get('x-request-id'))
    assert.doesNotMatch(JSON.stringify(answer.body), /secret detail|\.ts/)
  })
})
