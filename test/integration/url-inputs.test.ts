/** What jobs bring from URLs, on a real engine and from real servers. */

import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { after, before, describe, it } from 'node:test'
import type { JobRecord } from '../../node/store/index.ts'
import { type JobSubmission, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { openNode } from '../faults/walk/support/stage.ts'
import { closeAll } from '../support/close-all.ts'
import { type FileServer, giving, sha256Of, startFileServer } from '../support/file-server.ts'
import { trustedCertificate } from '../support/trusted-certificate.ts'
import { until } from '../support/until.ts'
import { openMarket, type TestMarket } from './support/market.ts'

describe('what jobs bring from URLs', () => {
  let market: TestMarket
  let plain: FileServer
  let secure: FileServer
  const allowInputHosts: string[] = []

  before(async () => {
    plain = await startFileServer()
    secure = await startFileServer(trustedCertificate)
    allowInputHosts.push(plain.host, secure.host)
    market = await openMarket()
    await market.addSeller({ agent: { allowInputHosts } })
  })
  after(async () => {
    await closeAll(
      async () => await market?.close(),
      async () => await plain?.close(),
      async () => await secure?.close(),
    )
  })

  async function said(job: JobRecord): Promise<string> {
    const lines = await market.node.store.logs(job.id, 1, 1_000)
    return lines.map(({ line }) => line).join('\n')
  }

  async function prints(script: string, changes: Partial<JobSubmission>): Promise<string> {
    const job = await market.run(script, changes)
    const log = await said(job)
    assert.equal(job.state.status, 'completed', `${JSON.stringify(job.state)} ${log}`)
    return log
  }

  async function fails(changes: Partial<JobSubmission>): Promise<unknown> {
    const { state } = await market.run('true', { maxAttempts: 1, ...changes })
    assert.ok(state.status === 'failed' && state.failure.code === 'DATA_ERROR', JSON.stringify(state))
    assert.doesNotMatch(JSON.stringify(state.failure), /secret/, 'a URL is told to nobody')
    return state.failure.details.reason
  }

  const at = (url: string, sha256?: string) => [
    { path: '/in/file', from: { url, ...(sha256 !== undefined && { sha256 }) } },
  ]

  it('stand at their path, read-only, in a job that has no network; the next job with the same digest asks nobody', async () => {
    const bytes = Buffer.from('from elsewhere\n')
    plain.on('/a', giving(bytes))
    const inputs = at(plain.url('/a?signature=secret'), sha256Of(bytes))
    const script = 'cat /in/file; (echo x >> /in/file) 2>/dev/null || echo read-only'
    for (const time of ['first', 'second']) {
      assert.equal(await prints(script, { inputs }), 'from elsewhere\nread-only', time)
      assert.equal(plain.asked.length, 1, time)
    }
    const own = inputs.map((input) => ({ ...input, mode: 'rw' as const }))
    assert.equal(await prints('echo mine >> /in/file; cat /in/file', { inputs: own }), 'from elsewhere\nmine')
    assert.equal(await prints('cat /in/file', { inputs }), 'from elsewhere')
    assert.equal(await prints('cat', { stdin: inputs[0]?.from }), 'from elsewhere')
    assert.equal(plain.asked.length, 1)
  })

  it('are fetched for each requester anew', async () => {
    const bytes = Buffer.from('whose URL is a secret')
    plain.on('/b', giving(bytes))
    const inputs = at(plain.url('/b'), sha256Of(bytes))
    assert.equal(await prints('cat /in/file', { inputs }), String(bytes))
    const stranger = await openNode(market, 'stranger')
    await until(() => stranger.node.directory.list().length > 0)
    const elsewhere = at(plain.url('/nowhere'), sha256Of(bytes))
    const spec = jobSubmissionSchema.parse(market.job('cat /in/file', { inputs: elsewhere, maxAttempts: 1 }))
    const { job } = await stranger.node.requester.submit({ owner: 'test', spec })
    await until(async () => isTerminal((await stranger.node.store.get(job.id))?.state.status ?? 'pending'))
    const state = (await stranger.node.store.get(job.id))?.state
    assert.ok(state?.status === 'failed', 'who knows the digest alone is given nothing')
    assert.equal(state.failure.details.reason, 'url-not-given')
  })

  it('without a digest are what they are now, in each job', async () => {
    for (const text of ['before', 'after']) {
      secure.on('/a', giving(Buffer.from(text)))
      assert.equal(await prints('cat /in/file', { inputs: at(secure.url('/a')) }), text)
      const own = at(secure.url('/a')).map((input) => ({ ...input, mode: 'rw' as const }))
      assert.equal(await prints('echo + >> /in/file; cat /in/file', { inputs: own }), `${text}+`)
      assert.equal(await prints('cat', { stdin: { url: secure.url('/a') } }), text)
    }
    assert.equal(secure.asked.length, 6)
  })

  it('tell how far they are', async () => {
    const half = Promise.withResolvers<void>()
    secure.on('/slow', (_request, response) => {
      response.writeHead(200, { 'content-length': 200_000 })
      response.write(Buffer.alloc(100_000))
      void half.promise.then(() => response.end(Buffer.alloc(100_000)))
    })
    const { id } = await market.submit(market.job('wc -c < /in/file', { inputs: at(secure.url('/slow')) }))
    await until(async () => {
      const events = await market.node.store.events(id, 0, 1_000)
      return events.some(({ type, data }) => type === 'transferring' && data.bytesTotal === 200_000)
    })
    half.resolve()
    assert.equal(await said(await market.ended(id)), '200000')
  })

  it('are held to the job’s storage, and to their digest', async () => {
    secure.on('/large', giving(Buffer.alloc(2 * 2 ** 20)))
    assert.equal(await fails({ inputs: at(secure.url('/large')), storage: '1Mi' }), 'larger-than-storage')
    secure.on('/endless', (_request, response) => {
      const more = (): void =>
        void (response.destroyed || response.write(Buffer.alloc(65_536), () => setImmediate(more)))
      more()
    })
    assert.equal(await fails({ inputs: at(secure.url('/endless')), storage: '4Mi' }), 'larger-than-storage')
    assert.equal(await fails({ inputs: at(secure.url('/a'), '0'.repeat(64)) }), 'digest-mismatch')
  })

  it('never come from inside of the provider’s network, at once or by a redirect', async () => {
    const own = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
    const lan = own.filter((address) => !address.includes(':'))
    for (const host of ['169.254.169.254', 'localhost', '[::1]', '192.168.1.1', ...lan]) {
      assert.equal(await fails({ inputs: at(`https://${host}/secret`) }), 'url-not-allowed', host)
      secure.on('/away', (_request, response) => {
        response.writeHead(302, { location: `https://${host}/secret` }).end()
      })
      assert.equal(await fails({ inputs: at(secure.url('/away')) }), 'url-not-allowed', `led to ${host}`)
    }
  })

  it('leave nothing that nobody else is given', async () => {
    const owner = `org.cortex-node.owner=${market.sellers[0]?.id}`
    await until(async () => {
      const { Volumes: left } = await market.docker.listVolumes({ filters: { label: [owner] } } as object)
      return left.every(({ Labels: labels }) => labels['cortex.job'] === undefined)
    })
  })
})
