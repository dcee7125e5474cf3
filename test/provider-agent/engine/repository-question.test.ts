import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { parseReference } from '../../../provider-agent/engine/reference.ts'
import { askForRepository, type RepositoryAnswer } from '../../../provider-agent/engine/repository-question.ts'

const UNKNOWN_NAME = '{"errors":[{"code":"NAME_UNKNOWN"}]}'

describe('whether a registry has a repository', () => {
  let host: string
  let answer = { status: 200, body: '', headers: {} as Record<string, string> }
  const asked: Pick<IncomingMessage, 'url' | 'headers'>[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  const { signal } = new AbortController()

  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const ask = async (serverAddress: string | null = null): Promise<RepositoryAnswer> =>
    await askForRepository(
      parseReference(`${host}/team/app:1`),
      serverAddress === null ? {} : { credentials: { username: 'u', password: 'p', serverAddress } },
      signal,
    )

  const cases: [what: string, answer: Partial<typeof answer>, expected: RepositoryAnswer][] = [
    ['its tags', { body: '{"name":"team/app","tags":["2"]}' }, 'there'],
    ['no such name', { status: 404, body: UNKNOWN_NAME }, 'missing'],
    ['a page that is not there', { status: 404, body: 'not found' }, 'unknown'],
    ['an endless error', { status: 404, body: `${' '.repeat(2 ** 20)}${UNKNOWN_NAME}` }, 'unknown'],
    ['a question for a password', { status: 401 }, 'unknown'],
    ['a fault', { status: 500, body: UNKNOWN_NAME }, 'unknown'],
  ]
  for (const [what, given, expected] of cases) {
    it(`${what}: ${expected}`, async () => {
      answer = { status: 200, body: '', headers: {}, ...given }
      assert.equal(await ask(), expected)
      assert.equal(asked.at(-1)?.url, '/v2/team/app/tags/list?n=1')
    })
  }

  it('a way to somewhere else is not taken', async () => {
    answer = { status: 302, body: '', headers: { location: `http://${host}/elsewhere` } }
    const before = asked.length
    assert.equal(await ask(host), 'unknown')
    assert.equal(asked.length, before + 1)
  })

  it('credentials go to their own registry alone', async () => {
    answer = { status: 200, body: '{}', headers: {} }
    for (const [address, sent] of [
      [host, true],
      [`https://${host}/v2/`, true],
      ['ghcr.io', false],
      ['', false],
    ] as const) {
      await ask(address)
      assert.equal(asked.at(-1)?.headers.authorization !== undefined, sent, address)
    }
  })

  it('nobody there: unknown', async () => {
    assert.equal(await askForRepository(parseReference('127.0.0.1:1/a:1'), {}, signal), 'unknown')
  })

  it('Docker Hub is not asked: it says so by itself', async () => {
    assert.equal(await askForRepository(parseReference('busybox:nosuch'), {}, signal), 'there')
  })

  it('a pull that was given up is not asked about', async () => {
    const reason = new Error('enough')
    await assert.rejects(askForRepository(parseReference(`${host}/a:1`), {}, AbortSignal.abort(reason)), reason)
  })
})
