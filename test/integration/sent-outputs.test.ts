/** Outputs that go where a job says, straight from the provider, on a real engine and to a real server. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { Job } from '../../gateway/client/index.ts'
import { entriesOf } from '../../node/tar-entries.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { trustedCertificate } from '../support/trusted-certificate.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

interface Took {
  url: string
  method: string
  headers: IncomingMessage['headers']
  bytes: Buffer
}

const SCRIPT =
  'mkdir -p /out/deep && echo weights > /out/deep/w && mkfifo /out/pipe && echo one > /one && echo x > /log'

describe('outputs that go elsewhere', () => {
  let market: TestMarket
  let api: Api
  let host: string
  const took: Took[] = []
  let answers: ((request: IncomingMessage, response: ServerResponse) => void)[] = []
  const allowInputHosts: string[] = []

  before(async () => {
    const server = createServer(trustedCertificate, (request, response) => {
      void buffer(request).then(
        (bytes) => {
          took.push({ url: request.url ?? '', method: request.method ?? '', headers: request.headers, bytes })
          const answer = answers.shift() ?? ((_request, ok) => void ok.writeHead(200).end())
          answer(request, response)
        },
        () => undefined,
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    allowInputHosts.push(host)
    market = await openMarket()
    await market.addSeller({ agent: { allowInputHosts } })
    api = await openApi(market)
    market.defer(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
  })
  after(async () => await market.close())

  const to = (path: string) => ({ url: `https://${host}${path}?X-Signature=secret` })
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const answering =
    (status: number, headers: Record<string, string> = {}) =>
    (_request: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(status, headers).end()

  async function run(outputs: JobSubmission['outputs']): Promise<Job> {
    took.length = 0
    const job = (await api.run(market.job(SCRIPT, { outputs }))) as Job
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    const spooled = await readdir(join(market.folder, 'seller-1', 'outputs'))
    const { results } = (await api.call('GET', `/jobs/${job.id}`)).data as Job
    assert.deepEqual(
      spooled.filter((name) => name.endsWith('.part')),
      [],
    )
    assert.doesNotMatch(JSON.stringify(results), /secret/, 'a URL is told to nobody')
    const events = (await api.call('GET', `/jobs/${job.id}/events`)).data
    assert.doesNotMatch(JSON.stringify(events ?? ''), /secret/)
    return { ...job, results }
  }

  async function namesIn(tar: Buffer): Promise<string[]> {
    const names: string[] = []
    for await (const entry of entriesOf(Readable.from([tar]))) {
      names.push(entry.header.name)
      entry.resume()
    }
    return names.toSorted()
  }

  const status = async (id: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${api.key}` }
    const answer = await fetch(`${api.url}/api/plugin-core/jobs/${id}/output`, { headers })
    await answer.arrayBuffer()
    return answer.status
  }

  it('arrive whole, a folder as a tar and a file as it is, and are kept nowhere else', async () => {
    answers = [answering(503)]
    const { id, results } = await run([
      { name: 'model', path: '/out', to: to('/model') },
      { path: '/one', to: to('/one') },
    ])
    // The first answer was: not now.
    assert.deepEqual(
      took.map(({ method, url }) => [method, url.split('?')[0]]),
      [
        ['PUT', '/model'],
        ['PUT', '/model'],
        ['PUT', '/one'],
      ],
    )
    const [, model, one] = took
    assert.ok(model !== undefined && one !== undefined)
    assert.deepEqual(await namesIn(model.bytes), ['model/', 'model/deep/', 'model/deep/w'])
    assert.deepEqual(
      [String(one.bytes), one.headers['content-length'], one.url],
      ['one\n', '4', '/one?X-Signature=secret'],
    )
    const fine = { objects: 0, problem: null, reason: null }
    assert.deepEqual(results.sent, [
      { name: 'model', path: '/out', host, bytes: model.bytes.length, sha256: sha256(model.bytes), ...fine },
      { name: 'one', path: '/one', host, bytes: 4, sha256: sha256(one.bytes), ...fine },
    ])
    assert.deepEqual([results.leftOut, results.outputUrl], [[{ path: 'model/pipe', reason: 'is a pipe' }], null])
    assert.equal(await status(id), 404)
    assert.deepEqual(await readdir(join(market.folder, 'seller-1', 'outputs')), [])
  })

  it('are kept where they are not taken, led elsewhere or not let out, as those are that go nowhere', async () => {
    answers = [answering(403), answering(307, { location: `https://${host}/inside` })]
    const { id, results } = await run([
      { path: '/one', to: to('/one') },
      { name: 'led', path: '/out/deep', to: to('/led') },
      { name: 'inside', path: '/out/pipe', to: { url: 'https://127.0.0.2/x?X-Signature=secret' } },
      { path: '/log' },
    ])
    assert.equal(took.length, 2, 'nobody is followed')
    assert.deepEqual(
      results.sent?.map(({ name, problem, sha256: digest }) => [name, problem, digest]),
      [
        ['one', `${host} answered 403`, null],
        ['led', `${host} answered 307`, null],
        ['inside', '127.0.0.2 is inside the provider’s network, which its owner allows with --allow-input-host', null],
      ],
    )
    const headers = { Authorization: `Bearer ${api.key}` }
    await market.ended(id)
    const answer = await fetch(`${api.url}/api/plugin-core/jobs/${id}/output`, { headers })
    assert.equal(answer.status, 200)
    const names = await namesIn(Buffer.from(await answer.arrayBuffer()))
    assert.deepEqual(names, ['led/', 'led/w', 'log', 'one'])
  })

  it('leave the others where some are taken', async () => {
    answers = []
    const { id, results } = await run([{ path: '/one', to: to('/one') }, { path: '/log' }])
    assert.deepEqual(
      results.sent?.map(({ problem }) => problem),
      [null],
    )
    assert.equal(await status(id), 200)
    const answer = await fetch(`${api.url}/api/plugin-core/jobs/${id}/output`, {
      headers: { Authorization: `Bearer ${api.key}` },
    })
    assert.deepEqual(await namesIn(Buffer.from(await answer.arrayBuffer())), ['log'])
  })
})
