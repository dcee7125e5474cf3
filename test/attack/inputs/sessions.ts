/** What is made of a key or a session, spelled otherwise or used after its end. */

import assert from 'node:assert/strict'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

/** Changes of a token that leave its bytes as they are where one reads leniently. */
const changes: [what: string, change: (token: string) => string][] = [
  ['.x behind it', (token) => `${token}.x`],
  ['= behind it', (token) => `${token}=`],
  ['== behind it', (token) => `${token}==`],
  ['. behind it', (token) => `${token}.`],
  ['another last character', (token) => token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')],
  ['its last character in base64', (token) => token.slice(0, -1) + (token.endsWith('8') ? '9' : '8')],
  ['= before the point', (token) => token.replace('.', '=.')],
  ['two points', (token) => token.replace('.', '..')],
  ['no signature', (token) => token.slice(0, token.indexOf('.') + 1)],
  ['itself twice', (token) => `${token}.${token}`],
]

async function signIn({ url, alice }: AttackTarget): Promise<string> {
  const response = await fetch(`${url}/api/auth/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ key: alice.key }),
  })
  assert.equal(response.status, 201)
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

async function statusWith({ url }: AttackTarget, cookie: string): Promise<number> {
  return (await fetch(`${url}/api/users/me`, { headers: { Cookie: cookie } })).status
}

export const inputs: HostileInput[] = [
  ...changes.map(
    ([what, change]): HostileInput => ({
      name: `entry 11: a session's cookie with ${what}, before and after sign-out`,
      async attempt(target) {
        const cookie = await signIn(target)
        assert.equal(await statusWith(target, cookie), 200)
        assert.equal(await statusWith(target, change(cookie)), 401)
        const headers = { Cookie: cookie, Origin: target.url }
        assert.equal((await fetch(`${target.url}/api/auth/session`, { method: 'DELETE', headers })).status, 200)
        assert.equal(await statusWith(target, cookie), 401)
        assert.equal(await statusWith(target, change(cookie)), 401)
      },
    }),
  ),
  ...['1970-01-01T00:00:00Z', '2020-01-01T00:00:00Z', '0001-01-01T00:00:00Z'].map(
    (expiresAt): HostileInput => ({
      name: `entry 12: a key that ended at ${expiresAt}`,
      async attempt({ alice }) {
        const { status, code } = await alice.api.call('POST', '/../auth/keys', { name: 'past', expiresAt })
        assert.deepEqual([status, code], [400, 'VALIDATION_ERROR'])
      },
    }),
  ),
  ...[null, '9999-01-01T00:00:00Z'].map(
    (expiresAt): HostileInput => ({
      name: `entry 12: a key until ${expiresAt} of one that ends in an hour`,
      async attempt({ url, alice }) {
        const soon = new Date(Date.now() + 3_600_000).toISOString()
        const { data } = await alice.api.call('POST', '/../auth/keys', {
          ...{ name: 'soon', expiresAt: soon, permissions: ['keys:*'] },
        })
        const response = await fetch(`${url}/api/auth/keys`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${data.key}`, 'Content-Type': 'application/json' },
          body: JSON.stringify({ name: 'longer', permissions: ['keys:*'], expiresAt }),
        })
        await alice.api.call('DELETE', `/../auth/keys/${data.id}`)
        assert.equal(response.status, 403)
      },
    }),
  ),
]
