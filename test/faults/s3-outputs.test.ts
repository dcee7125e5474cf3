/** An agent that is killed while it sends an output to a bucket. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Job } from '../../gateway/client/index.ts'
import { S3_KEYS, type S3Server, startS3Server } from '../support/s3-server.ts'
import { trustedCertificate } from '../support/trusted-certificate.ts'
import { until } from '../support/until.ts'
import { type FaultMarket, startFaultMarket } from './support/fault-market.ts'

const SCRIPT = 'dd if=/dev/zero of=/large bs=1M count=20 2>/dev/null && echo line 1'

describe('an output that goes to a bucket, and an agent that is killed while it does', () => {
  let market: FaultMarket
  let server: S3Server
  let folder: string

  before(async () => {
    const tls = trustedCertificate
    folder = await mkdtemp(join(tmpdir(), 'cortex-ca-'))
    await writeFile(join(folder, 'ca.pem'), tls.cert)
    process.env.NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem')
    server = await startS3Server(tls, { buckets: ['mine', 'open'], open: ['open'] })
    market = await startFaultMarket({
      agents: [{ name: 'a', flags: ['--allow-input-host', server.host] }],
      times: { heartbeatMs: 500, lostAfterMs: 120_000 },
    })
  })
  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
    await market[Symbol.asyncDispose]()
  })

  /** Kills the agent once some of it is there, and starts another; answers what became of the job. */
  async function killed(bucket: string, keys: object): Promise<Job> {
    const [agent] = market.agents
    assert.ok(agent)
    let isHeld = false
    server.meanwhile = (request) => {
      isHeld ||= request.url?.includes('partNumber=3') === true
      return isHeld
    }
    const s3 = { endpoint: server.endpoint, bucket, key: 'large', ...keys }
    const id = await market.submit(
      market.count(1, 1, {
        args: [SCRIPT],
        ...{ storage: '64Mi', maxAttempts: 1 },
        secrets: { ID: S3_KEYS.accessKeyId, KEY: S3_KEYS.secretAccessKey },
        outputs: [{ path: '/large', to: { s3 } }],
      }),
    )
    await until(async () => isHeld)
    await agent.process.end('SIGKILL')
    const names = await readdir(agent.folder, { recursive: true, withFileTypes: true })
    for (const file of names.filter((one) => one.isFile())) {
      const bytes = await readFile(join(file.parentPath, file.name))
      assert.equal(bytes.includes(S3_KEYS.secretAccessKey), false, `${file.name} has a key`)
    }
    server.meanwhile = () => false
    agent.process.restart()
    const ended = (await market.ended(id)) as unknown as Job
    assert.equal(ended.status, 'completed', JSON.stringify(ended))
    return ended
  }

  async function output(id: string): Promise<Response> {
    const headers = { Authorization: `Bearer ${market.network.key}` }
    return await fetch(`${market.network.url}/api/plugin-core/jobs/${id}/output?path=large`, { headers })
  }

  it('is kept and not lost, for its keys were in memory alone', async () => {
    const { id, results } = await killed('mine', { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } })
    assert.deepEqual(
      results.sent?.map(({ name, reason, sha256 }) => [name, reason, sha256]),
      [['large', 'keys-lost', null]],
    )
    const answer = await output(id)
    assert.equal(answer.status, 200)
    assert.equal((await answer.arrayBuffer()).byteLength, 20 * 2 ** 20)
  })

  it('goes once more where no keys are needed', async () => {
    const { results } = await killed('open', {})
    assert.deepEqual(
      results.sent?.map(({ name, problem, bytes, objects }) => [name, problem, bytes, objects]),
      [['large', null, 20 * 2 ** 20, 1]],
    )
    assert.equal(results.outputUrl, null)
  })
})
