/** What jobs bring from buckets, on a real engine and from a server of the protocol. */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JobRecord } from '../../node/store/index.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { closeAll } from '../support/close-all.ts'
import { putObjects, S3_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { trustedCertificate } from '../support/trusted-certificate.ts'
import { until } from '../support/until.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const secrets = { ID: S3_KEYS.accessKeyId, KEY: S3_KEYS.secretAccessKey, PASSWORD: 'for the program' }

describe('what jobs bring from buckets', () => {
  let market: TestMarket
  let server: S3Server
  const large = randomBytes(20 * 2 ** 20 + 3)

  before(async () => {
    server = await startS3Server(trustedCertificate, { buckets: ['mine', 'open'], open: ['open'] })
    market = await openMarket()
    await market.addSeller({ agent: { allowInputHosts: [server.host] } })
    await putObjects(server, 'mine', { large, 'rows/a.csv': '2\n1\n', 'rows/deep/b c+d.csv': 'é\n', rowsbeside: 'no' })
    await putObjects(server, 'open', { hello: 'hello\n' })
  })
  after(async () => {
    await closeAll(
      async () => await market?.close(),
      async () => await server?.close(),
    )
  })

  async function said(job: JobRecord): Promise<string> {
    const lines = await market.node.store.logs(job.id, 1, 1_000)
    return lines.map(({ line }) => line).join('\n')
  }

  async function prints(script: string, changes: Partial<JobSubmission>): Promise<string> {
    const job = await market.run(script, { secrets, ...changes })
    const log = await said(job)
    assert.equal(job.state.status, 'completed', `${JSON.stringify(job.state)} ${log}`)
    assert.doesNotMatch(JSON.stringify(job), /AKIATEST|Secret\+Key/, 'keys stand in a record')
    const events = await market.node.store.events(job.id, 0, 1_000)
    assert.doesNotMatch(JSON.stringify(events), /AKIATEST|Secret\+Key/, 'keys are told of')
    return log
  }

  const of = (s3: object) => ({
    s3: {
      ...{
        endpoint: server.endpoint,
        bucket: 'mine',
        accessKeyId: { secret: 'ID' },
        secretAccessKey: { secret: 'KEY' },
      },
      ...s3,
    },
  })
  const at = (s3: object, mode: 'ro' | 'rw' = 'ro') => [{ path: '/in', from: of(s3), mode }]

  it('stand at their path byte for byte, in a job without a network, whose program does not have the keys', async () => {
    const inputs = at({ key: 'large' }) as NonNullable<JobSubmission['inputs']>
    const script = 'sha256sum < /in; env; (echo x >> /in) 2>/dev/null || echo read-only'
    const log = await prints(script, { inputs, network: 'none', storage: '64Mi' })
    assert.ok(log.startsWith(createHash('sha256').update(large).digest('hex')), log)
    assert.match(log, /^PASSWORD=for the program$/m)
    assert.match(log, /^read-only$/m)
    assert.doesNotMatch(log, /AKIATEST|Secret\+Key|^(ID|KEY)=/m)
  })

  it('are a folder, read-only or the job’s own', async () => {
    const inputs = at({ prefix: 'rows' }) as NonNullable<JobSubmission['inputs']>
    const list = 'cd /in && find . -type f | sort && sort a.csv && cat "deep/b c+d.csv"'
    const rows = './a.csv\n./deep/b c+d.csv\n1\n2\né'
    assert.equal(await prints(`${list}; touch x 2>/dev/null || echo read-only`, { inputs }), `${rows}\nread-only`)
    const own = at({ prefix: 'rows/' }, 'rw') as NonNullable<JobSubmission['inputs']>
    assert.equal(await prints(`${list} && echo more >> a.csv && wc -l < a.csv`, { inputs: own }), `${rows}\n3`)
    assert.equal(await prints('cat', { stdin: of({ key: 'rows/a.csv' }) as JobSubmission['stdin'] }), '2\n1')
  })

  it('need no keys where everybody may read', async () => {
    const s3 = { endpoint: server.endpoint, bucket: 'open', key: 'hello' }
    assert.equal(await prints('cat /in', { inputs: [{ path: '/in', from: { s3 } }] }), 'hello')
  })

  it('never come from inside of the provider’s network, at once or by a redirect', async () => {
    async function fails(s3: object): Promise<unknown> {
      const inputs = at(s3) as NonNullable<JobSubmission['inputs']>
      const { state } = await market.run('true', { maxAttempts: 1, secrets, inputs })
      assert.ok(state.status === 'failed' && state.failure.code === 'DATA_ERROR', JSON.stringify(state))
      assert.doesNotMatch(JSON.stringify(state.failure), /AKIATEST|Secret\+Key/)
      return state.failure.details.reason
    }
    assert.equal(await fails({ key: 'a', endpoint: 'https://169.254.169.254' }), 'url-not-allowed')
    server.meanwhile = (_request, response) => {
      response.writeHead(307, { location: 'https://169.254.169.254/latest/meta-data' }).end()
      return true
    }
    assert.equal(await fails({ key: 'large' }), 'bucket-not-given')
    server.meanwhile = () => false
    assert.equal(await fails({ key: 'none' }), 'bucket-not-found')
  })

  it('leave no key on the disk of the provider, and no volume', async () => {
    const [seller] = market.sellers
    const owner = `org.cortex-node.owner=${seller?.id}`
    await until(async () => {
      const { Volumes: left } = await market.docker.listVolumes({ filters: { label: [owner] } } as object)
      return left.every(({ Labels: labels }) => labels['cortex.job'] === undefined)
    })
    const files = await readdir(market.folder, { recursive: true, withFileTypes: true })
    for (const file of files.filter((one) => one.isFile())) {
      const bytes = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))
      assert.equal(bytes.includes(S3_KEYS.secretAccessKey), false, file.name)
    }
  })
})
