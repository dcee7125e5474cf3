/** Outputs that go to buckets, straight from the provider, on a real engine and to a server of the protocol. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type { Job } from '../../gateway/client/index.ts'
import { systemClock } from '../../node/clock.ts'
import { createOutside } from '../../node/network/outside.ts'
import { createS3 } from '../../node/network/s3.ts'
import { entriesOf } from '../../node/tar-entries.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { refuse, S3_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { trustedCertificate } from '../support/trusted-certificate.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

type Inputs = NonNullable<JobSubmission['inputs']>

const { signal } = new AbortController()
const secrets = { ID: S3_KEYS.accessKeyId, KEY: S3_KEYS.secretAccessKey, PASSWORD: 'for the program' }
const SCRIPT = [
  "mkdir -p /out/deep/er /out/empty && echo weights > '/out/deep/er/w é+1' && : > /out/deep/none",
  'ln /out/deep/none /out/hard && ln -s deep/none /out/soft && mkfifo /out/pipe',
  'for i in one two three; do echo $i > /$i; done',
  'dd if=/dev/urandom of=/large bs=1M count=20 2>/dev/null && sha256sum < /large && env',
].join(' && ')
const LISTED = ['deep/er/w é+1', 'deep/none', 'hard']

describe('outputs that go to buckets', () => {
  let market: TestMarket
  let api: Api
  let server: S3Server
  const allowInputHosts: string[] = []

  before(async () => {
    server = await startS3Server(trustedCertificate, { buckets: ['mine'] })
    allowInputHosts.push(server.host)
    market = await openMarket()
    await market.addSeller({ agent: { allowInputHosts } })
    api = await openApi(market)
  })
  after(async () => {
    await market.close()
    await server.close()
  })

  const to = (s3: object) => {
    const keys = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } }
    return { s3: { endpoint: server.endpoint, bucket: 'mine', ...keys, ...s3 } }
  }
  const s3 = () => {
    const outside = createOutside({ isAllowed: () => true })
    return createS3({ outside, clock: systemClock }, { endpoint: server.endpoint, bucket: 'mine' }, S3_KEYS)
  }
  const stored = async (key: string): Promise<Buffer> => await buffer(await s3().send({ method: 'GET', key, signal }))
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  async function listed(prefix: string): Promise<string[]> {
    const names: string[] = []
    for await (const { key } of s3().list(prefix, signal)) names.push(key.slice(prefix.length))
    return names.toSorted()
  }
  async function namesIn(tar: Buffer): Promise<string[]> {
    const names: string[] = []
    for await (const entry of entriesOf(Readable.from([tar]))) {
      names.push(entry.header.name)
      entry.resume()
    }
    return names.toSorted()
  }

  async function run(outputs: object[], changes: Partial<JobSubmission> = {}): Promise<Job & { log: string }> {
    const submission = { outputs: outputs as JobSubmission['outputs'], secrets, storage: '256Mi', ...changes }
    const job = (await api.run(market.job(SCRIPT, submission))) as Job
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    const shown = (await api.call('GET', `/jobs/${job.id}`)).data as Job
    const events = (await api.call('GET', `/jobs/${job.id}/events`)).data
    assert.doesNotMatch(JSON.stringify([shown, events]), /AKIATEST|Secret\+Key/, 'keys are told of')
    const lines = await market.node.store.logs(job.id, 1, 1_000)
    return { ...shown, log: lines.map(({ line }) => line).join('\n') }
  }
  async function kept(id: string): Promise<string[] | number> {
    await market.ended(id)
    const headers = { Authorization: `Bearer ${api.key}` }
    const answer = await fetch(`${api.url}/api/plugin-core/jobs/${id}/output`, { headers })
    const bytes = Buffer.from(await answer.arrayBuffer())
    return answer.status === 200 ? await namesIn(bytes) : answer.status
  }

  it('arrive as one object under a key, in parts where it is large, and the program does not have the keys', async () => {
    const { id, results, log } = await run([
      { path: '/large', to: to({ key: 'models/large.bin' }) },
      { name: 'out', path: '/out', to: to({ key: 'out.tar' }) },
    ])
    const [large, tar] = [await stored('models/large.bin'), await stored('out.tar')]
    assert.equal(log.split(' ')[0], sha256(large))
    const names = ['out/', 'out/deep/', 'out/deep/er/', 'out/deep/er/w é+1', 'out/deep/none', 'out/empty/']
    assert.deepEqual(await namesIn(tar), [...names, 'out/hard', 'out/soft'])
    const { host } = server
    const fine = { host, objects: 1, problem: null, reason: null }
    assert.deepEqual(results.sent, [
      { name: 'large', path: '/large', bytes: large.length, sha256: sha256(large), ...fine },
      { name: 'out', path: '/out', bytes: tar.length, sha256: sha256(tar), ...fine },
    ])
    assert.deepEqual([results.leftOut, results.outputUrl], [[{ path: 'out/pipe', reason: 'is a pipe' }], null])
    assert.equal(server.asked.filter(({ path }) => path.includes('partNumber=')).length, 3)
    assert.deepEqual(server.abandoned, [])
    assert.match(log, /^PASSWORD=for the program$/m)
    assert.doesNotMatch(log, /AKIATEST|Secret\+Key|^(ID|KEY)=/m)
    assert.equal(await kept(id), 404)
    assert.deepEqual(await readdir(join(market.folder, 'seller-1', 'outputs')), [])
  })

  it('arrive under a prefix as an object for each file, which an input takes as they were', async () => {
    const { results } = await run([
      { name: 'rows', path: '/out', to: to({ prefix: 'run 1' }) },
      { name: 'model', path: '/large', to: to({ prefix: 'run 1/' }) },
    ])
    assert.deepEqual(await listed('run 1/'), [...LISTED, 'model'])
    assert.equal(String(await stored('run 1/deep/er/w é+1')), 'weights\n')
    assert.deepEqual(
      results.sent?.map(({ name, bytes, sha256: digest, objects, problem }) => [name, bytes, digest, objects, problem]),
      [
        ['rows', 8, null, 3, null],
        ['model', 20 * 2 ** 20, null, 1, null],
      ],
    )
    assert.deepEqual(results.leftOut, [
      { path: 'rows/pipe', reason: 'is a pipe' },
      { path: 'rows/soft', reason: 'is a link, and a bucket has none' },
    ])
    const inputs = [{ path: '/in', from: to({ prefix: 'run 1/deep' }) }] as Inputs
    const job = await market.run('cd /in && cat "er/w é+1" && ls', { inputs, secrets })
    assert.equal(job.state.status, 'completed', JSON.stringify(job.state))
  })

  it('are kept where they are not taken, led elsewhere or not let out', async () => {
    server.meanwhile = (request, response) => {
      const path = request.url ?? ''
      if (path.startsWith('/mine/led')) response.writeHead(307, { location: 'https://169.254.169.254/latest' }).end()
      else if (path.includes('partNumber=2')) refuse(response, 403, 'AccessDenied')
      else return false
      request.resume()
      return true
    }
    const { id, results } = await run([
      { path: '/large', to: to({ key: 'broken' }) },
      { name: 'led', path: '/out/deep', to: to({ prefix: 'led' }) },
      { name: 'nowhere', path: '/out/hard', to: to({ key: 'x', bucket: 'nowhere' }) },
      { name: 'other', path: '/out/empty', to: to({ key: 'x', region: 'eu-west-1' }) },
      { name: 'inside', path: '/one', to: to({ key: 'x', endpoint: 'https://127.0.0.2' }) },
      { name: 'plain', path: '/two', to: to({ key: 'x', endpoint: 'http://127.0.0.2:9000' }) },
    ])
    server.meanwhile = () => false
    assert.deepEqual(
      results.sent?.map(({ name, reason, sha256: digest, objects }) => [name, reason, digest, objects]),
      [
        ['large', 'bucket-refused', null, 0],
        ['led', 'bucket-not-taken', null, 0],
        ['nowhere', 'bucket-not-found', null, 0],
        ['other', 'bucket-elsewhere', null, 0],
        ['inside', 'not-allowed', null, 0],
        ['plain', 'not-allowed', null, 0],
      ],
    )
    assert.match(String(results.sent?.[0]?.problem), /answered 403 AccessDenied/)
    assert.equal(server.abandoned.length, 1, 'the upload in parts is taken back')
    const all = ['inside', 'large', 'led/', 'led/er/', 'led/er/w é+1', 'led/none', 'nowhere', 'other/', 'plain']
    assert.deepEqual(await kept(id), all)
    await assert.rejects(stored('broken'), /NoSuchKey/)
  })

  it('come and go without TLS where the owner allows that host, and nowhere else', async () => {
    await using plain = Object.assign(await startS3Server(null, { buckets: ['mine'] }), {
      async [Symbol.asyncDispose]() {
        await plain.close()
      },
    })
    const outputs = [{ path: '/three', to: to({ prefix: 'a', endpoint: plain.endpoint }) }]
    const refused = await run(outputs)
    assert.deepEqual(
      refused.results.sent?.map(({ reason, problem }) => [reason, problem]),
      [['not-allowed', `${plain.host} has no TLS, without which its owner allows it with --allow-input-host`]],
    )
    assert.equal(plain.asked.length, 0)
    const inputs = [{ path: '/in', from: to({ prefix: 'a', endpoint: plain.endpoint }) }] as Inputs
    const { state } = await market.run('true', { inputs, secrets, maxAttempts: 1 })
    assert.equal(state.status === 'failed' && state.failure.details.reason, 'url-not-allowed')
    allowInputHosts.push(plain.host)
    const { results } = await run(outputs)
    assert.deepEqual(
      results.sent?.map(({ reason, objects }) => [reason, objects]),
      [[null, 1]],
    )
    const job = await market.run('cat /in/three', { inputs, secrets })
    assert.equal(job.state.status, 'completed', JSON.stringify(job.state))
    assert.ok(plain.asked.every(({ headers }) => headers.authorization?.includes('Secret') === false))
  })

  it('leave no key on the disk of the provider', async () => {
    const files = await readdir(market.folder, { recursive: true, withFileTypes: true })
    for (const file of files.filter((one) => one.isFile())) {
      const bytes = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))
      assert.equal(bytes.includes(S3_KEYS.secretAccessKey), false, file.name)
    }
  })
})
