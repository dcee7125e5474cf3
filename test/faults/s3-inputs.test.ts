/** An agent that is killed while it fetches what a job brings from a bucket. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { closeAll } from '../support/close-all.ts'
import { sha256Of } from '../support/file-server.ts'
import { putObjects, type S3Server, startS3Server } from '../support/s3-server.ts'
import { trustedCertificate } from '../support/trusted-certificate.ts'
import { until } from '../support/until.ts'
import { type FaultMarket, startFaultMarket } from './support/fault-market.ts'

/** Three pieces. */
const BYTES = randomBytes(20 * 2 ** 20)

/** Pieces that the agent has noted as whole. */
async function whole(folder: string): Promise<number> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.notes.part'))
  const notes = await Promise.all(names.map(async (name) => await readFile(join(folder, name), 'utf8').catch(() => '')))
  return Math.max(0, ...notes.map((text) => text.split('\n').length - 2))
}

describe('an object of a bucket, and an agent that is killed while it comes', () => {
  let market: FaultMarket
  let server: S3Server
  let folder: string

  before(async () => {
    const tls = trustedCertificate
    folder = await mkdtemp(join(tmpdir(), 'cortex-ca-'))
    await writeFile(join(folder, 'ca.pem'), tls.cert)
    process.env.NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem')
    server = await startS3Server(tls, { buckets: ['open'], open: ['open'] })
    await putObjects(server, 'open', { object: BYTES })
    market = await startFaultMarket({
      agents: [{ name: 'a', flags: ['--allow-input-host', server.host] }],
      times: { heartbeatMs: 500, lostAfterMs: 120_000 },
    })
  })
  after(async () => {
    await closeAll(
      async () => await market?.[Symbol.asyncDispose](),
      async () => await server?.close(),
      async () => await rm(folder, { recursive: true }),
    )
  })

  it('arrives as it is, and what was there is not asked for again', async () => {
    // Two of three pieces come, and then nothing more, until the agent is another process.
    let parts = 0
    server.meanwhile = (request) => {
      if (request.headers.range === 'bytes=0-1') return false
      parts += 1
      return parts > 2
    }
    const [agent] = market.agents
    assert.ok(agent)
    const job = market.count(1, 1, {
      args: [`test "$(sha256sum < /in/file)" = "${sha256Of(BYTES)}  -" && echo line 1`],
      ...{ storage: '64Mi', maxAttempts: 1 },
      inputs: [{ path: '/in/file', from: { s3: { endpoint: server.endpoint, bucket: 'open', key: 'object' } } }],
    })
    const id = await market.submit(job)
    await until(async () => (await whole(join(agent.folder, 'inputs'))) === 2)
    await agent.process.end('SIGKILL')
    server.meanwhile = () => false
    server.asked.length = 0
    agent.process.restart()
    const ended = await market.ended(id)
    assert.equal(ended.status, 'completed', JSON.stringify(ended))
    const asked = server.asked.map(({ headers }) => headers.range)
    assert.equal(asked.length, 2, `one look, and one piece: ${asked.join(' ')}`)
    const left = (await readdir(join(agent.folder, 'inputs'))).filter((name) => name.endsWith('.part'))
    assert.deepEqual(left, [])
  })
})
