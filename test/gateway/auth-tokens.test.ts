import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createTokens } from '../../gateway/auth/tokens.ts'
import { systemClock } from '../../node/clock.ts'
import { createKeyRingOf } from './support/key-rings.ts'
import { ADMIN_KEY, openTestGateway, type TestGateway } from './support/test-gateway.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/'
const DAY_MS = 24 * 3600 * 1000

let gateway: TestGateway
beforeEach(async () => {
  gateway = await openTestGateway()
})
afterEach(async () => await gateway.close())

/** Other texts whose bytes a lenient reader takes for the same token. */
function spellings(token: string): string[] {
  const last = token.at(-1) ?? ''
  return [
    ...['.x', '=', '==', '.', '.x.y', '%', 'A', '.='].map((more) => `${token}${more}`),
    ...[...ALPHABET].filter((one) => one !== last).map((one) => `${token.slice(0, -1)}${one}`),
    token.replace('.', '=.'),
    token.replace('.', '..'),
    `.${token}`,
    token.slice(0, -1),
  ]
}

async function signIn(key: string): Promise<string> {
  const answer = await gateway.ask('POST', '/api/auth/session', { key: null, json: { key } })
  assert.equal(answer.status, 201)
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}

const me = async (cookie: string) =>
  await gateway.ask('GET', '/api/users/me', { key: null, headers: { Cookie: cookie } })

describe('entry 11: a token has one spelling', () => {
  it('of a session: no other is in before sign-out, and none after', async () => {
    const cookie = await signIn(ADMIN_KEY)
    assert.equal((await me(cookie)).status, 200)
    for (const other of spellings(cookie)) assert.equal((await me(other)).status, 401, other)
    const headers = { Cookie: cookie, Origin: 'http://localhost' }
    assert.equal((await gateway.ask('DELETE', '/api/auth/session', { key: null, headers })).status, 200)
    for (const other of [cookie, ...spellings(cookie)]) assert.equal((await me(other)).status, 401, other)
  })

  it('of streams and ports, and no token is the same twice', () => {
    const expiresAtMs = Date.now() + 60_000
    for (const kind of ['session', 'stream', 'port'] as const) {
      const token = gateway.tokens.issue({ kind, keyId: 'admin', expiresAtMs })
      assert.equal(gateway.tokens.verify(kind, token)?.keyId, 'admin')
      for (const other of spellings(token))
        assert.equal(gateway.tokens.verify(kind, other), undefined, `${kind} ${other}`)
      assert.notEqual(gateway.tokens.issue({ kind, keyId: 'admin', expiresAtMs }), token)
    }
    for (const odd of ['', '.', 'a.b', `${Buffer.from('null').toString('base64url')}.x`, 'e30.e30', 'x'.repeat(1e6)]) {
      assert.equal(gateway.tokens.verify('session', odd), undefined, odd.slice(0, 20))
    }
  })

  it('ending one session leaves another that began at the same moment', async () => {
    gateway.time.nowMs = Date.now()
    const [one, two] = [await signIn(ADMIN_KEY), await signIn(ADMIN_KEY)]
    const headers = { Cookie: one, Origin: 'http://localhost' }
    await gateway.ask('DELETE', '/api/auth/session', { key: null, headers })
    assert.deepEqual([(await me(one)).status, (await me(two)).status], [401, 200])
  })
})

describe('entry 12: what a key made ends with it', () => {
  it('sessions and tokens end when the admin key is changed, and come back with it', async () => {
    const secret = 'a secret that stays'
    const before = createTokens({ clock: systemClock, keys: await createKeyRingOf('first-admin-key-0') }, { secret })
    const after = createTokens({ clock: systemClock, keys: await createKeyRingOf('second-admin-key-0') }, { secret })
    for (const kind of ['session', 'stream', 'port'] as const) {
      const token = before.issue({ kind, keyId: 'admin', expiresAtMs: Date.now() + DAY_MS })
      assert.equal(after.verify(kind, token), undefined, kind)
      assert.notEqual(before.verify(kind, token), undefined, kind)
    }
  })

  it('a key makes none that outlives it, and none that is over', async () => {
    const nowMs = Date.now()
    const iso = (ms: number) => new Date(nowMs + ms).toISOString()
    const { text: key } = await gateway.keys.create({
      ...{ name: 'short', owner: 'alice', grants: ['keys:*', 'jobs:*'], expiresAtMs: nowMs + DAY_MS },
    })
    const cookie = await signIn(key)
    const make = async (expiresAt: unknown, via: 'key' | 'cookie') =>
      await gateway.ask('POST', '/api/auth/keys', {
        json: { name: 'x', permissions: ['jobs:read'], ...(expiresAt === undefined ? {} : { expiresAt }) },
        ...(via === 'key' ? { key } : { key: null, headers: { Cookie: cookie, Origin: 'http://localhost' } }),
      })
    for (const via of ['key', 'cookie'] as const) {
      for (const later of [iso(DAY_MS + 1), iso(365 * DAY_MS), null]) {
        const answer = await make(later, via)
        assert.deepEqual([answer.status, answer.code], [403, 'FORBIDDEN'], `${later} by ${via}`)
        assert.equal(answer.body.error.details.expiresAt, iso(DAY_MS))
      }
      for (const past of [iso(-1), iso(-DAY_MS), '1970-01-01T00:00:00Z']) {
        const answer = await make(past, via)
        assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], `${past} by ${via}`)
        assert.equal(answer.body.error.details.fields[0].path, 'expiresAt')
      }
      assert.equal((await make(iso(DAY_MS / 2), via)).data.expiresAt, iso(DAY_MS / 2))
      assert.equal((await make(undefined, via)).data.expiresAt, iso(DAY_MS))
    }
    const past = await gateway.ask('POST', '/api/auth/keys', { json: { name: 'x', expiresAt: iso(-1) } })
    assert.deepEqual([past.status, past.code], [400, 'VALIDATION_ERROR'])
    assert.equal((await gateway.ask('POST', '/api/auth/keys', { json: { name: 'x' } })).data.expiresAt, null)
  })

  it('what it signed in ends when it expires', async () => {
    gateway.time.nowMs = Date.now()
    const { text } = await gateway.keys.create({
      ...{ name: 'short', owner: 'alice', grants: ['jobs:read'], expiresAtMs: gateway.time.nowMs + 60_000 },
    })
    const cookie = await signIn(text)
    assert.equal((await me(cookie)).status, 200)
    gateway.time.nowMs += 60_001
    assert.equal((await me(cookie)).status, 401)
  })
})
