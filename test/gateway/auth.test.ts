import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openSessions, sessionOf } from '../../gateway/auth/sessions.ts'
import { allows, covers, GRANTS, type Grant, PERMISSIONS } from '../../gateway/contract/permissions.ts'
import { openTable } from '../../gateway/records/table.ts'
import { ADMIN_KEY, openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'

let gateway: TestGateway

describe('permissions', () => {
  it('hold for themselves, their group and admins, and for nothing else', () => {
    for (const grant of GRANTS) {
      for (const permission of PERMISSIONS) {
        const [grantGroup, grantAction] = grant.split(':')
        const same = grant === 'admin' || grant === permission
        const group = grantAction === '*' && permission.startsWith(`${grantGroup}:`)
        assert.equal(allows([grant], permission), same || group, `${grant} for ${permission}`)
      }
    }
  })

  it('cannot be handed out beyond one’s own', () => {
    const cases: [Grant[], Grant[], boolean][] = [
      [['jobs:*'], ['jobs:read', 'jobs:write'], true],
      [['jobs:read', 'jobs:write'], ['jobs:*'], true],
      [['jobs:read'], ['jobs:*'], false],
      [['jobs:*', 'keys:*'], ['admin'], false],
      [['admin'], ['admin', 'keys:*'], true],
      [[], [], true],
    ]
    for (const [own, wanted, expected] of cases) assert.equal(covers(own, wanted), expected, `${own} > ${wanted}`)
  })
})

describe('who asks', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('refuses no key, a wrong one, a revoked one and an expired one', async () => {
    const { key, text } = await gateway.keys.create({ name: 'x', owner: 'x', grants: ['jobs:*'], expiresAtMs: null })
    const expired = await gateway.keys.create({ name: 'y', owner: 'x', grants: ['jobs:*'], expiresAtMs: 1 })
    assert.equal((await gateway.ask('GET', '/api/plugin-core/jobs', { key: text })).status, 200)
    assert.equal((await gateway.ask('DELETE', `/api/auth/keys/${key.id}`)).status, 200)
    for (const bad of [null, 'wrong', '', text, expired.text]) {
      const answer = await gateway.ask('GET', '/api/plugin-core/jobs', { key: bad })
      assert.deepEqual([answer.status, answer.code], [401, 'UNAUTHORIZED'], String(bad))
    }
    const basic = { key: null, headers: { Authorization: `Basic ${ADMIN_KEY}` } }
    assert.equal((await gateway.ask('GET', '/api/plugin-core/jobs', basic)).status, 401)
  })

  it('refuses what a key’s permissions do not cover', async () => {
    const reader = await gateway.keyFor('alice', ['jobs:read'])
    const write = await gateway.ask('POST', '/api/plugin-core/jobs', { key: reader, json: { image: 'busybox' } })
    assert.deepEqual([write.status, write.code], [403, 'FORBIDDEN'])
    assert.equal(write.body.error.details.permission, 'jobs:write')
    assert.equal((await gateway.ask('GET', '/api/plugin-core/providers', { key: reader })).status, 403)
    assert.equal((await gateway.ask('GET', '/api/plugin-core/jobs', { key: reader })).status, 200)
  })

  it('makes keys that are shown once, stored as a hash, and no stronger than their maker', async () => {
    const made = await gateway.ask('POST', '/api/auth/keys', {
      json: { name: 'CI', owner: 'research', permissions: ['jobs:*', 'keys:*'] },
    })
    assert.equal(made.status, 201)
    const { key, id } = made.data
    assert.doesNotMatch(JSON.stringify(await gateway.records.keys.get(id)), new RegExp(key))
    assert.doesNotMatch(JSON.stringify((await gateway.ask('GET', '/api/auth/keys')).body), new RegExp(key))
    assert.deepEqual((await gateway.ask('GET', '/api/users/me', { key })).data, {
      id: 'research',
      keyId: id,
      permissions: ['jobs:*', 'keys:*'],
      admin: false,
    })
    const stronger = await gateway.ask('POST', '/api/auth/keys', { key, json: { name: 'x', permissions: ['admin'] } })
    assert.deepEqual([stronger.status, stronger.code], [403, 'FORBIDDEN'])
    const foreign = await gateway.ask('POST', '/api/auth/keys', { key, json: { name: 'x', owner: 'other' } })
    assert.deepEqual([foreign.status, foreign.code], [403, 'FORBIDDEN'])
    const own = await gateway.ask('POST', '/api/auth/keys', { key, json: { name: 'x' } })
    assert.deepEqual([own.status, own.data.owner, own.data.permissions], [201, 'research', ['jobs:*']])
    const listed = (await gateway.ask('GET', '/api/auth/keys', { key })).data
    assert.ok(listed.every(({ owner }: { owner: string }) => owner === 'research'))
    assert.equal((await gateway.ask('DELETE', '/api/auth/keys/admin', { key })).status, 404)
    assert.equal((await gateway.ask('DELETE', '/api/auth/keys/admin')).status, 404)
  })

  it('lists the keys that a revoked one made, and those made, and revokes them where that is asked', async () => {
    const make = async (name: string, key?: string): Promise<{ id: string; key: string; madeBy: string }> => {
      const json = { name, ...(key === undefined ? { owner: 'research' } : {}), permissions: ['jobs:*', 'keys:*'] }
      return (await gateway.ask('POST', '/api/auth/keys', { ...(key === undefined ? {} : { key }), json })).data
    }
    const first = await make('first')
    const second = await make('second', first.key)
    const third = await make('third', second.key)
    const other = await make('other')
    assert.deepEqual([first.madeBy, second.madeBy, third.madeBy], ['admin', first.id, second.id])
    const revoke = async (id: string, query = '') => {
      const { data } = await gateway.ask('DELETE', `/api/auth/keys/${id}${query}`)
      return data.keysLeft.map((key: { id: string }) => key.id)
    }
    assert.deepEqual(await revoke(second.id), [third.id])
    // Also what a key made that is gone itself.
    assert.deepEqual(await revoke(first.id, '?withMade=true'), [])
    assert.equal((await gateway.ask('GET', '/api/users/me', { key: third.key })).status, 401)
    assert.equal((await gateway.ask('GET', '/api/users/me', { key: other.key })).status, 200)
  })

  it('tests a key', async () => {
    assert.equal((await gateway.ask('POST', '/api/auth/test')).data.valid, true)
    assert.equal((await gateway.ask('POST', '/api/auth/test', { key: 'wrong' })).status, 401)
  })

  it('slows down whoever guesses, and still hears the right key', async () => {
    const statuses = new Set<number>()
    for (let i = 0; i < 25; i += 1) {
      statuses.add((await gateway.ask('GET', '/api/plugin-core/jobs', { key: `guess ${i}` })).status)
    }
    assert.deepEqual([...statuses], [401, 429])
    const answer = await gateway.ask('GET', '/api/plugin-core/jobs', { key: 'guess' })
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    assert.equal((await gateway.ask('GET', '/api/plugin-core/jobs')).status, 200)
  })

  it('signs a browser in with a cookie that scripts and other sites cannot use', async () => {
    const wrong = await gateway.ask('POST', '/api/auth/session', { key: null, json: { key: 'wrong' } })
    assert.deepEqual([wrong.status, wrong.code], [401, 'UNAUTHORIZED'])
    const session = await gateway.ask('POST', '/api/auth/session', { key: null, json: { key: ADMIN_KEY } })
    assert.equal(session.status, 201)
    const setCookie = session.headers.get('set-cookie') ?? ''
    assert.match(setCookie, /HttpOnly/)
    assert.match(setCookie, /SameSite=Strict/)
    const cookie = setCookie.split(';')[0] ?? ''
    const ask = async (method: string, headers: Record<string, string>, json?: unknown) =>
      await gateway.ask(method, '/api/plugin-core/jobs', {
        key: null,
        headers: { Cookie: cookie, ...headers },
        ...(json === undefined ? {} : { json }),
      })
    assert.equal((await ask('GET', {})).status, 200)
    const job = { image: 'busybox' }
    assert.equal((await ask('POST', { Origin: 'http://localhost' }, job)).status, 201)
    for (const headers of [
      {},
      { Origin: 'http://evil.example' },
      { Origin: 'http://localhost:8080' },
      { Origin: 'null' },
    ]) {
      const answer = await ask('POST', headers as Record<string, string>, job)
      assert.deepEqual([answer.status, answer.code], [403, 'FORBIDDEN'], JSON.stringify(headers))
    }
    assert.equal((await ask('GET', { Cookie: `${cookie}x` })).status, 401)
    const origin = { Cookie: cookie, Origin: 'http://localhost' }
    const token = (await gateway.ask('POST', '/api/auth/stream-token', { key: null, headers: origin })).data.token
    const streams = `/api/plugin-core/events?follow=true&access_token=${token}`
    const stream = async () => await gateway.app.request(streams, { headers: { Accept: 'text/event-stream' } })
    const open = await stream()
    assert.equal(open.status, 200)
    const out = await gateway.ask('DELETE', '/api/auth/session', { key: null, headers: origin })
    assert.match(out.headers.get('set-cookie') ?? '', /Max-Age=0/)
    // Whoever has a copy of the cookie, or what was made of it, has nothing any more, now and after a restart.
    assert.equal((await ask('GET', {})).status, 401)
    assert.equal((await stream()).status, 401)
    await open.text()
    const claims = { expiresAtMs: Date.now() + 1_000 }
    await gateway.sessions.end(sessionOf('some token', claims))
    const again = await openSessions({ endedSessions: openTable(gateway.db, 'ended-sessions'), clock: gateway.clock })
    assert.equal(again.isOver(sessionOf('some token', claims)), true)
    assert.equal(again.isOver(sessionOf('another token', claims)), false)
  })

  it('opens streams, and nothing else, with a stream token', async () => {
    const id = await submit(gateway)
    const other = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.complete(id)
    const { token } = (await gateway.ask('POST', '/api/auth/stream-token')).data
    const bound = (await gateway.ask('POST', '/api/auth/stream-token', { json: { jobId: other } })).data.token
    const jobs = '/api/plugin-core/jobs'
    const cases: [string, string, number][] = [
      ['GET', `${jobs}/${id}/logs?follow=true&access_token=${token}`, 200],
      ['GET', `${jobs}/${id}/events?follow=true&access_token=${token}`, 200],
      ['GET', `${jobs}/${id}/logs?access_token=${token}`, 401],
      ['GET', `${jobs}/${id}?access_token=${token}`, 401],
      ['GET', `${jobs}?follow=true&access_token=${token}`, 401],
      ['POST', `${jobs}/${id}/cancel?follow=true&access_token=${token}`, 401],
      ['GET', `${jobs}/${id}/logs?follow=true&access_token=${bound}`, 401],
      ['GET', `${jobs}/${id}/logs?follow=true&access_token=${token}x`, 401],
      ['GET', `${jobs}/${id}/logs?follow=true&access_token=`, 401],
      ['GET', `${jobs}/${id}/logs?follow=true&access_token=a.b`, 401],
      ['GET', `${jobs}/${id}/logs?follow=true`, 401],
    ]
    for (const [method, path, status] of cases) {
      assert.equal((await gateway.ask(method, path, { key: null })).status, status, `${method} ${path}`)
    }
    const bearer = await gateway.ask('GET', jobs, { key: token })
    assert.equal(bearer.status, 401)
  })
})
