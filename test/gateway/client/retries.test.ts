import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ConnectionError, CortexClient, RateLimitError } from '../../../gateway/client/index.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'

let gateway: ServedGateway

/** A client whose connection does to each request in turn what it is told, and then what it should. */
function clientOver(...faults: ('answer lost' | Response)[]) {
  const sent: { method: string; idempotencyKey: string | null; atMs: number }[] = []
  const client = new CortexClient({
    baseUrl: gateway.url,
    apiKey: ADMIN_KEY,
    retryDelayMs: 1,
    async fetch(input, init) {
      const request = new Request(input, init)
      sent.push({
        method: request.method,
        idempotencyKey: request.headers.get('idempotency-key'),
        atMs: performance.now(),
      })
      const fault = faults.shift()
      if (fault instanceof Response) return fault
      const response = await fetch(request)
      if (fault === undefined) return response
      await response.body?.cancel()
      throw new TypeError('fetch failed')
    },
  })
  return { client, sent }
}

function turnedAway(status: 429 | 503, retryAfter?: string): Response {
  const code = status === 429 ? 'RATE_LIMIT_EXCEEDED' : 'PROVIDER_UNAVAILABLE'
  const headers = retryAfter === undefined ? {} : { 'Retry-After': retryAfter }
  return Response.json({ success: false, error: { code, message: 'later' } }, { status, headers })
}

describe('a client', () => {
  it('takes no option that it has not, and names it', () => {
    const baseUrl = 'http://localhost:1'
    for (const [init, name] of [
      [{ url: baseUrl }, 'url'],
      [{ baseUrl, key: 'x' }, 'key'],
      [{ baseUrl, streams: { reconnects: 1 } }, 'reconnects'],
    ] as const) {
      assert.throws(() => new CortexClient(init as never), new RegExp(`has no ${name}: it takes `))
    }
  })
})

describe('repeating requests', () => {
  beforeEach(async () => {
    gateway = await serveTestGateway()
  })
  afterEach(async () => await gateway.close())

  it('makes one job of a submission whose answer was lost twice', async () => {
    const { client, sent } = clientOver('answer lost', 'answer lost')
    const { id } = await client.jobs.submit({ image: 'busybox' })
    assert.equal(sent.length, 3)
    assert.equal(new Set(sent.map(({ idempotencyKey }) => idempotencyKey)).size, 1)
    assert.match(sent[0]?.idempotencyKey ?? '', /^[0-9a-f]{32}$/)
    const { items } = await client.jobs.list()
    assert.deepEqual(
      items.map((job) => job.id),
      [id],
    )
  })

  it('gives each submission a key of its own, and takes yours', async () => {
    const { client, sent } = clientOver()
    await client.jobs.submit({ image: 'busybox' })
    await client.jobs.submit({ image: 'busybox' })
    await client.jobs.submit({ image: 'busybox' }, { idempotencyKey: 'mine' })
    assert.equal(new Set(sent.map(({ idempotencyKey }) => idempotencyKey)).size, 3)
    assert.equal(sent[2]?.idempotencyKey, 'mine')
    assert.equal((await client.jobs.list()).pagination.total, 3)
  })

  it('does not repeat what may have been carried out and has no key', async () => {
    const { client, sent } = clientOver('answer lost')
    await assert.rejects(client.templates.create({ name: 'a', config: { image: 'b' } }), ConnectionError)
    assert.equal(sent.length, 1)
    assert.equal((await client.templates.list()).pagination.total, 1)
  })

  it('asks again for a link, which does no harm', async () => {
    const { client, sent } = clientOver('answer lost', 'answer lost')
    await assert.rejects(client.jobs.link('job_000000000000', 80), { status: 404 })
    assert.deepEqual(
      sent.map(({ method }) => method),
      ['POST', 'POST', 'POST'],
    )
  })

  it('repeats what was turned away, whatever it is', async () => {
    const { client, sent } = clientOver(turnedAway(429, '0'), turnedAway(503, '0'))
    await client.templates.create({ name: 'a', config: { image: 'b' } })
    assert.equal(sent.length, 3)
    assert.equal((await client.templates.list()).pagination.total, 1)
  })

  it('waits as long as Retry-After says', async () => {
    const { client, sent } = clientOver(turnedAway(429, '1'))
    await client.me()
    const [first, second] = sent
    assert.ok(first && second && second.atMs - first.atMs >= 990)
  })

  it('does not wait for a Retry-After beyond its patience, nor for a 503 that names no time', async () => {
    for (const [fault, code] of [
      [turnedAway(429, '3600'), 'RATE_LIMIT_EXCEEDED'],
      [turnedAway(503), 'PROVIDER_UNAVAILABLE'],
    ] as const) {
      const { client, sent } = clientOver(fault)
      await assert.rejects(client.jobs.submit({ image: 'busybox' }), { code })
      assert.equal(sent.length, 1, code)
    }
  })

  it('gives up after its retries, with the last error', async () => {
    const { client, sent } = clientOver(...Array.from({ length: 5 }, () => turnedAway(429, '0')))
    await assert.rejects(client.me(), RateLimitError)
    assert.equal(sent.length, 5)
  })

  it('stops when it is told to', async () => {
    const controller = new AbortController()
    const { client } = clientOver(turnedAway(429, '30'))
    const asked = client.me({ signal: controller.signal })
    setImmediate(() => controller.abort(new Error('enough')))
    await assert.rejects(asked, /enough/)
  })
})
