import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createGateway, type Gateway, type GatewayInit } from '../../gateway/index.ts'
import { silentLogger } from '../../node/logger.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { readEvents } from './support/sse-reader.ts'
import { openTestNode, type TestNode } from './support/test-node.ts'

describe('a gateway', () => {
  let folder: string
  let test: TestNode
  let gateways: Gateway[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
    test = await openTestNode()
    gateways = []
  })
  afterEach(async () => {
    for (const gateway of gateways) await gateway.stop()
    await test.close()
    await rm(folder, { recursive: true })
  })

  function create(init: Partial<GatewayInit> = {}): Gateway {
    const gateway = createGateway({ node: test.node, logger: silentLogger }, { folder, port: 0, ...init })
    gateways.push(gateway)
    return gateway
  }

  async function runningJob(): Promise<string> {
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    const { job } = await test.node.requester.submit({ owner: 'alice', spec })
    await test.play.start(job.id)
    await test.play.log(job.id, 'first')
    return job.id
  }

  it('makes its admin key at the first start, for its owner’s eyes only, and keeps it', async () => {
    const first = create()
    await first.start()
    await first.start()
    const { text, created } = first.adminKey()
    assert.equal(created, true)
    const path = join(folder, 'admin.key')
    assert.equal((await readFile(path, 'utf8')).trim(), text)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const headers = { Authorization: `Bearer ${text}` }
    assert.equal((await fetch(`${first.url()}/api/plugin-core/jobs`, { headers })).status, 200)
    await first.stop()
    await first.stop()
    const second = create()
    await second.start()
    assert.deepEqual([second.adminKey().text, second.adminKey().created], [text, false])
  })

  it('takes an admin key that is given, unless it is too short', async () => {
    await assert.rejects(create({ adminKey: 'short' }).start(), { code: 'ADMIN_KEY_TOO_SHORT' })
    const gateway = create({ adminKey: 'a-long-enough-admin-key' })
    await gateway.start()
    const headers = { Authorization: 'Bearer a-long-enough-admin-key' }
    assert.equal((await fetch(`${gateway.url()}/api/users/me`, { headers })).status, 200)
    await assert.rejects(stat(join(folder, 'admin.key')), { code: 'ENOENT' })
  })

  it('says that its port or its folder is taken, and leaves nothing open', async () => {
    const first = create()
    await first.start()
    const port = Number(new URL(first.url()).port)
    await assert.rejects(create().start(), { code: 'DATA_FOLDER_IN_USE' })
    const second = create({ folder: join(folder, 'other'), port })
    await assert.rejects(second.start(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'LISTEN_FAILED')
      assert.match(error.message, new RegExp(`port ${port}: another program listens there: .* with --port$`))
      return true
    })
    await first.stop()
    await second.start()
    assert.equal(Number(new URL(second.url()).port), port)
  })

  it('ends open streams when it stops; a client resumes at the next start', async () => {
    const id = await runningJob()
    const first = create()
    await first.start()
    const port = Number(new URL(first.url()).port)
    const headers = { Authorization: `Bearer ${first.adminKey().text}`, Accept: 'text/event-stream' }
    const path = `/api/plugin-core/jobs/${id}/logs`
    const events = readEvents(await fetch(`${first.url()}${path}`, { headers }))
    assert.equal((await events.next()).value?.id, '1')
    await first.stop()
    assert.equal((await events.next()).done, true)
    await test.play.log(id, 'second')
    const second = create({ port })
    await second.start()
    const resumed = readEvents(await fetch(`${second.url()}${path}`, { headers: { ...headers, 'Last-Event-ID': '1' } }))
    const { value } = await resumed.next()
    assert.deepEqual([value?.id, value?.data.line], ['2', 'second'])
    await resumed.return(undefined)
  })

  it('opens one job’s streams to programs on this machine where that was chosen, and nothing else', async () => {
    const id = await runningJob()
    const open = create({ openLoopbackStreams: true })
    const closed = create({ folder: join(folder, 'closed') })
    await open.start()
    await closed.start()
    const logs = `/api/plugin-core/jobs/${id}/logs`
    const sse = { Accept: 'text/event-stream' }
    const cases: [string, Gateway, string, Record<string, string>, number][] = [
      ['as a program', open, logs, sse, 200],
      ['the events', open, `/api/v1/plugin-core/jobs/${id}/events`, sse, 200],
      ['from a page of its own', open, logs, { ...sse, 'Sec-Fetch-Site': 'same-origin' }, 200],
      ['from a page of another port', open, logs, { ...sse, 'Sec-Fetch-Site': 'same-site' }, 401],
      ['from a page elsewhere', open, logs, { ...sse, 'Sec-Fetch-Site': 'cross-site' }, 401],
      ['with an origin elsewhere', open, logs, { ...sse, Origin: 'http://evil.example' }, 401],
      ['under a rebound name', open, logs, { ...sse, Host: 'evil.example' }, 403],
      ['no stream', open, logs, {}, 401],
      ['no stream of a job', open, '/api/plugin-core/jobs', sse, 401],
      ['with a wrong key', open, logs, { ...sse, Authorization: 'Bearer wrong' }, 401],
      ['where it was not chosen', closed, logs, sse, 401],
    ]
    for (const [name, gateway, path, headers, status] of cases) {
      assert.equal(await statusOf(`${gateway.url()}${path}`, headers), status, name)
    }
  })
})

/** Of an answer whose body is not waited for; any header can be sent, `Host` too. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const asked = request(url, { headers }, (response) => {
    resolve(response.statusCode ?? 0)
    response.destroy()
  })
  asked.once('error', reject)
  asked.end()
  return await promise
}
