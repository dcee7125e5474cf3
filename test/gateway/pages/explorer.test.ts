import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestGateway, type TestGateway } from '../support/test-gateway.ts'

describe('the explorer', () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await openTestGateway()
  })
  after(async () => {
    await gateway.close()
  })

  for (const base of ['/api', '/api/v1']) {
    it(`is served under ${base} with everything that it needs, and names nothing elsewhere`, async () => {
      const page = await gateway.ask('GET', `${base}/explorer`, { key: null })
      assert.equal(page.status, 200)
      assert.doesNotMatch(page.body, /https?:\/\//)
      const files = [...page.body.matchAll(/(?:src|href|data-document)="([^"]+)"/g)].map(([, file]) => file)
      assert.equal(files.length, 4)
      for (const file of files) {
        const { pathname } = new URL(file, `http://localhost${base}/explorer`)
        const answer = await gateway.ask('GET', pathname, { key: null })
        assert.equal(answer.status, 200, pathname)
      }
    })
  }

  it('runs scripts from this gateway only, in no other page’s frame', async () => {
    const { headers } = await gateway.ask('GET', '/api/explorer', { key: null })
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /script-src 'self'(?:;|$)/)
    assert.match(policy, /connect-src 'self'/)
    assert.match(policy, /frame-ancestors 'none'/)
  })

  it('sends its script once', async () => {
    const path = '/api/explorer/swagger-ui-bundle.js'
    const first = await gateway.ask('GET', path, { key: null })
    assert.match(first.headers.get('content-type') ?? '', /^text\/javascript/)
    assert.ok(first.body.length > 100_000)
    const tag = first.headers.get('etag') as string
    const again = await gateway.ask('GET', path, { key: null, headers: { 'If-None-Match': tag } })
    assert.equal(again.status, 304)
    assert.equal(again.body, '')
  })
})
