/** What a job's answers, links and cookies may do at this gateway. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sharesOf } from '../../../gateway/http/limits.ts'
import { takeOutAtGateway, takeOutOwn } from '../../../gateway/reach/own-headers.ts'
import { ADMIN_KEY, openTestGateway, submit, type TestGateway } from '../support/test-gateway.ts'

/** Few, so that one key soon has its share. */
const STREAMS = 64

let gateway: TestGateway
before(async () => {
  gateway = await openTestGateway({ maxStreams: STREAMS })
})
after(async () => await gateway.close())

describe('answers of containers', () => {
  const OURS = {
    'X-Request-Id': 'forged',
    'X-RateLimit-Limit': '1',
    'x-ratelimit-remaining': '0',
    'X-RATELIMIT-RESET': '1',
    'X-RateLimit-Policy': '1',
    'RateLimit-Policy': '1',
    'Idempotency-Replayed': 'true',
    'Strict-Transport-Security': 'max-age=1',
    'Alt-Svc': 'h2="evil:443"',
    'Clear-Site-Data': '"*"',
    NEL: '{}',
    'Report-To': '{}',
  }
  const AT_GATEWAY = {
    'Set-Cookie': 'a=b',
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Private-Network': 'true',
    Refresh: '0; url=//evil.example',
    'Service-Worker-Allowed': '/',
  }
  const THEIRS = { 'Content-Type': 'text/html', 'X-Request': 'own', 'Retry-After': '7', ETag: '"x"', Location: '/a' }

  it('entry 22: say nothing that the gateway says, nor what holds beyond them', () => {
    const headers = new Headers({ ...OURS, ...AT_GATEWAY, ...THEIRS })
    takeOutOwn(headers)
    for (const name of Object.keys(OURS)) assert.equal(headers.get(name), null, name)
    for (const name of [...Object.keys(AT_GATEWAY), ...Object.keys(THEIRS)])
      assert.notEqual(headers.get(name), null, name)
  })

  it('entry 22: at the gateway’s own address set no cookies and allow nobody', () => {
    const headers = new Headers({ ...OURS, ...AT_GATEWAY, ...THEIRS })
    takeOutAtGateway(headers)
    assert.deepEqual(
      [...headers.keys()].toSorted(),
      Object.keys(THEIRS)
        .map((name) => name.toLowerCase())
        .toSorted(),
    )
  })
})

describe('links to ports', () => {
  const linkTo = async (path: string): Promise<URL> => {
    const id = await submit(gateway, { ports: [{ port: 80 }] })
    await gateway.play.start(id)
    const answer = await gateway.ask('POST', `/api/plugin-core/jobs/${id}/links`, { json: { port: 80, path } })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return new URL(answer.data.url)
  }
  /** Where the browser is led to. */
  const opened = async (href: string): Promise<URL> => {
    const answer = await gateway.app.request(href, { redirect: 'manual' })
    assert.equal(answer.status, 303, href)
    return new URL(answer.headers.get('location') ?? '', href)
  }

  for (const path of ['/a?b=c', '/\\evil.example/x', '/\\/evil.example', '/%2F%2Fevil.example', '/./\\evil.example']) {
    it(`entry 22: lead to their own host with the path ${path}`, async () => {
      const link = await linkTo(path)
      assert.match(link.hostname, /^80--job_\w+\.localhost$/)
      assert.equal((await opened(link.href)).host, link.host)
    })
  }

  for (const path of ['//evil.example/', '///evil.example', '/\\evil.example', '//', '//evil.example?a=b']) {
    it(`entry 22: redirect to no other host when they are opened as ${path}`, async () => {
      const { origin, host, search } = await linkTo('/')
      assert.equal((await opened(`${origin}${path}${path.includes('?') ? '&' : '?'}${search.slice(1)}`)).host, host)
    })
  }

  it('entry 22: lead to pages that carry a policy, whether they answer or not', async () => {
    const link = await linkTo('/')
    const page = await gateway.app.request(`${link.origin}/`, { headers: { Authorization: `Bearer ${ADMIN_KEY}` } })
    assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'self'/)
    assert.equal(page.headers.get('referrer-policy'), 'same-origin')
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
  })
})

describe('the cookie of a session', () => {
  const signIn = async (url: string, headers: Record<string, string> = {}): Promise<string> => {
    const answer = await gateway.ask('POST', `${url}/api/auth/session`, {
      key: null,
      json: { key: ADMIN_KEY },
      headers,
    })
    assert.equal(answer.status, 201)
    return answer.headers.get('set-cookie') ?? ''
  }

  it('entry 22: is of one port: what listens on another one of this host can neither set it nor be taken for it', async () => {
    const cookie = await signIn('http://localhost:13000')
    assert.match(cookie, /^cortex_session_13000=/)
    const value = /=([^;]*)/.exec(cookie)?.[1] ?? ''
    const me = async (url: string, name: string) =>
      (await gateway.ask('GET', `${url}/api/users/me`, { key: null, headers: { Cookie: `${name}=${value}` } })).status
    assert.equal(await me('http://localhost:13000', 'cortex_session_13000'), 200)
    assert.equal(await me('http://localhost:13000', 'cortex_session_8080'), 401)
    assert.equal(await me('http://localhost:8080', 'cortex_session_13000'), 401)
    assert.equal(await me('http://localhost:13000', 'cortex_session'), 401)
  })

  it('entry 22: is bound to its host where the browser came over TLS', async () => {
    for (const [url, headers] of [
      ['https://localhost:13000', {}],
      ['http://localhost:13000', { Origin: 'https://cortex.example' }],
    ] as const) {
      const cookie = await signIn(url, headers)
      assert.match(cookie, /^__Host-cortex_session=/)
      assert.match(cookie, /Secure/)
      assert.doesNotMatch(cookie, /Domain/i)
      const headersOf = { Cookie: cookie.split(';')[0] ?? '' }
      assert.equal((await gateway.ask('GET', `${url}/api/users/me`, { key: null, headers: headersOf })).status, 200)
    }
  })
})

describe('a command that is answered as events', () => {
  it('does not begin where there is no place for its answer', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    let begun = 0
    const { reach } = gateway.node
    const exec = async () => {
      begun += 1
      return { output: async function* () {}, close: () => undefined }
    }
    const own = { ...reach, exec }
    Object.assign(gateway.node, { reach: own })
    const ask = async () =>
      await gateway.app.request(`/api/plugin-core/jobs/${id}/exec`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${ADMIN_KEY}`,
          Accept: 'text/event-stream',
          'Content-Type': 'application/json',
        },
        body: JSON.stringify({ command: ['date'] }),
      })
    try {
      const answers = await Promise.all(Array.from({ length: sharesOf(STREAMS).key }, ask))
      assert.ok(answers.every(({ status }) => status === 200))
      assert.equal((await ask()).status, 429)
      assert.equal(begun, sharesOf(STREAMS).key)
      await Promise.all(answers.map(async ({ body }) => await body?.cancel()))
      assert.equal((await ask()).status, 200, 'they are given back')
    } finally {
      Object.assign(gateway.node, { reach })
    }
  })
})
