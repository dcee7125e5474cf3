/** What a registry is shown of whoever asks, with one that does what it likes. */

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createRegistryAccess } from '../../../node/registry/access.ts'
import type { PullFailure } from '../../../node/registry/failure.ts'
import { openRegistrySession } from '../../../node/registry/session.ts'
import { type HostileRegistry, refuse, startHostileRegistry } from '../../support/hostile-registry.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean

const BASIC = `Basic ${Buffer.from('u:p').toString('base64')}`

describe('entry 14, entry 26: credentials for a registry', () => {
  let registry: HostileRegistry
  /** Of another origin, and not the registry's to speak for. */
  let other: HostileRegistry
  let count = 0
  before(async () => {
    registry = await startHostileRegistry()
    other = await startHostileRegistry()
  })
  after(async () => await Promise.all([registry?.close(), other?.close()]))

  /** Reads a manifest. Answers what came of it. */
  async function reads(answer: Answer, how: { username?: string; serverAddress?: string } | null = {}) {
    count += 1
    registry.offer(`case-${count}`, { answer })
    const session = openRegistrySession(
      createRegistryAccess({ allow: [`http://${registry.host}`, `http://${other.host}`] }),
      { host: registry.host, path: `case-${count}` },
      how === null ? undefined : { username: 'u', password: 'p', serverAddress: registry.host, ...how },
      new AbortController().signal,
    )
    return await session.manifest('1').then(
      () => 'read',
      (error: { reason: PullFailure }) => error.reason,
    )
  }

  function unless(shown: string, refusal: (response: ServerResponse) => void): Answer {
    return ({ headers }, response) => {
      if (headers.authorization === shown) return false
      refusal(response)
      return true
    }
  }

  for (const [status, alone] of [
    [429, 'rate-limited'],
    [403, 'unauthorized'],
    [404, 'not-found'],
    [401, 'unauthorized'],
    [503, 'registry-unreachable'],
  ] as const) {
    it(`are tried where it answers ${status} to who shows none, and asks for nothing`, async () => {
      const answer = unless(BASIC, (response) => refuse(response, status, 'DENIED'))
      assert.equal(await reads(answer), 'read')
      assert.equal(await reads(answer, null), alone)
      assert.equal(await reads(answer, { username: 'another' }), alone)
      const before = registry.authorizations.length
      assert.equal(await reads(answer, { serverAddress: 'registry.example' }), alone)
      assert.ok(
        registry.authorizations.slice(before).every((sent) => sent === undefined),
        'nothing is sent elsewhere',
      )
    })
  }

  it('are shown as it asks for them there, or of whoever asks for anything', async () => {
    const asked: string[] = []
    const tokens = createServer(({ url = '', headers }, response) => {
      asked.push(`${url} ${headers.authorization}`)
      response.end(JSON.stringify({ token: 'a-token' }))
    })
    await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve))
    const realm = `127.0.0.1:${(tokens.address() as AddressInfo).port}`
    try {
      const challenge = `Bearer realm="http://${realm}/token",service="r"`
      const answer = unless('Bearer a-token', (response) => {
        response.setHeader('www-authenticate', challenge)
        refuse(response, 429, 'TOOMANYREQUESTS')
      })
      count += 1
      const path = `case-${count}`
      registry.offer(path, { answer })
      const open = () =>
        openRegistrySession(
          createRegistryAccess({ allow: [`http://${registry.host}`, `http://${realm}`] }),
          { host: registry.host, path },
          { username: 'u', password: 'p', serverAddress: registry.host },
          new AbortController().signal,
        )
      await open().manifest('1')
      registry.challenge = challenge
      registry.offer(path, { answer: unless('Bearer a-token', (response) => refuse(response, 404, 'NAME_UNKNOWN')) })
      await open().manifest('1')
      const expected = `/token?service=r&scope=${encodeURIComponent(`repository:${path}:pull`)} ${BASIC}`
      assert.deepEqual(asked, [expected, expected])
    } finally {
      registry.challenge = null
      tokens.close()
    }
  })

  it('go to nobody to whom it leads, whatever is asked for there', async () => {
    const challenge = (response: ServerResponse) => {
      response.setHeader('www-authenticate', `Bearer realm="http://${other.host}/token",service="r"`)
      refuse(response, 401, 'UNAUTHORIZED')
    }
    other.offer('elsewhere', {
      answer: (_request, response) => {
        challenge(response)
        return true
      },
    })
    const lead: Answer = (_request, response) => {
      response.writeHead(307, { location: `http://${other.host}/v2/elsewhere/manifests/1` }).end()
      return true
    }
    assert.equal(await reads(lead), 'unauthorized')
    assert.ok(other.authorizations.length > 0)
    assert.ok(other.authorizations.every((sent) => sent === undefined))
    assert.ok(!other.asked.some((path) => path.startsWith('/token')))
  })
})
