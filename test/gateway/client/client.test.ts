import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  ConflictError,
  ConnectionError,
  CortexClient,
  type CortexClientInit,
  CortexError,
  ForbiddenError,
  NotFoundError,
  PayloadTooLargeError,
  UnauthorizedError,
  UnavailableError,
  ValidationError,
} from '../../../gateway/client/index.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'
import { PROVIDER } from '../support/test-node.ts'

let gateway: ServedGateway
let client: CortexClient

function connect(init: Partial<CortexClientInit> = {}): CortexClient {
  return new CortexClient({ baseUrl: gateway.url, apiKey: ADMIN_KEY, retryDelayMs: 1, ...init })
}

describe('CortexClient', () => {
  beforeEach(async () => {
    gateway = await serveTestGateway()
    client = connect()
  })
  afterEach(async () => await gateway.close())

  it('finds the API below a bare address, /api and /api/v1', async () => {
    for (const path of ['', '/', '/api', '/api/', '/api/v1']) {
      assert.equal((await connect({ baseUrl: gateway.url + path }).me()).admin, true, path)
    }
    assert.throws(() => connect({ baseUrl: 'localhost:13000' }), TypeError)
  })

  it('ends a machine to work in that does not start, where it is its own, and names one that may run yet', async () => {
    const asked: string[] = []
    const sandboxes = (events: string) => {
      const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
        const { method, url } = new Request(input, init)
        asked.push(`${method} ${new URL(url).pathname}`)
        const data = { id: 'job_1', status: 'failed', error: null }
        if (url.endsWith('/events')) {
          return new Response(`${events}event: end\ndata: {}\n\n`, { headers: { 'Content-Type': 'text/event-stream' } })
        }
        if (method !== 'GET' && url.includes('job_1')) {
          const error = { code: 'INTERNAL_ERROR', message: 'broken' }
          return Response.json({ success: false, error }, { status: 500 })
        }
        return Response.json({ success: true, data })
      }
      return connect({ fetch, retries: 0 }).sandboxes
    }
    for (const idle of [-1, 1.5, Number.NaN]) {
      await assert.rejects(sandboxes('').create({ image: 'busybox', idle }), RangeError, String(idle))
    }
    assert.deepEqual(asked.splice(0), [])
    const again = sandboxes('data: {"type":"started"}\n\n').create({ image: 'busybox' }, { idempotencyKey: 'own' })
    await assert.rejects(again, { code: 'JOB_STATE_CONFLICT' }, 'it has ended since')
    assert.ok(!asked.some((one) => /^(?!GET).*job_1/.test(one)), asked.join())
    const lost = { code: 'CONNECTION_FAILED', details: { jobId: 'job_1' } }
    await assert.rejects(sandboxes('').create({ image: 'busybox' }), lost)
    assert.ok(
      asked.some((one) => /^(?!GET).*job_1/.test(one)),
      asked.join(),
    )
  })

  it('takes a job through its life', async () => {
    const { id, status } = await client.jobs.submit({ image: 'busybox', labels: { team: 'a' }, env: { A: '1' } })
    assert.equal(status, 'pending')
    assert.equal((await client.jobs.update(id, { memory: '1Gi' })).memory, '1Gi')
    await gateway.play.start(id)
    assert.equal((await client.jobs.extension(id, 60)).duration, 3660)
    assert.equal((await client.jobs.extend(id, 60)).duration, 3660)
    await gateway.play.log(id, 'one', 'two')
    await gateway.play.complete(id)

    const job = await client.jobs.get(id, { debug: true })
    assert.equal(job.status, 'completed')
    assert.equal(job.debug?.logs.lines, 2)
    assert.deepEqual(
      (await Array.fromAsync(client.jobs.logs(id))).map(({ line }) => line),
      ['one', 'two'],
    )
    assert.deepEqual(
      (await Array.fromAsync(client.jobs.events(id, { after: 1 }))).map(({ type }) => type),
      ['scheduled', 'started', 'completed'],
    )
    assert.deepEqual(await client.jobs.bids(id), [])
    assert.deepEqual((await client.jobs.metrics(id, { period: '6h', resolution: '5m' })).cpu, [])

    const again = await client.jobs.resubmit(id, { env: { B: '2' } })
    assert.deepEqual(again.origin.resubmittedFrom, id)
    assert.deepEqual(again.config.env, { A: '1', B: '2' })
    assert.deepEqual(await client.jobs.cancel(again.id), { id: again.id, status: 'cancelling' })
  })

  it('lists with every filter, and walks all pages', async () => {
    for (let i = 0; i < 5; i += 1) await client.jobs.submit({ image: `image${i}`, labels: { odd: String(i % 2) } })
    const { items, pagination } = await client.jobs.list({
      status: ['pending', 'running'],
      labels: { odd: '1' },
      sort: 'image:asc',
      fields: ['image', 'status'],
      from: new Date(0),
      limit: 1,
    })
    assert.deepEqual(items, [{ image: 'image1', status: 'pending' }])
    assert.equal(pagination.total, 2)
    const all = await Array.fromAsync(client.jobs.all({ limit: 2, sort: 'createdAt:asc' }))
    assert.deepEqual(
      all.map(({ image }) => image),
      ['image0', 'image1', 'image2', 'image3', 'image4'],
    )
  })

  it('asks who would take a job', async () => {
    const { accepted, quotes } = await client.jobs.dryRun({ image: 'busybox' })
    assert.equal(accepted, true)
    assert.equal(quotes[0]?.provider, PROVIDER)
    assert.equal((await client.jobs.list()).pagination.total, 0)
  })

  it('keeps templates, schedules, webhooks and keys', async () => {
    const template = await client.templates.create({ name: 'web', config: { image: 'nginx', cpu: 500 } })
    assert.equal((await client.templates.update(template.id, { name: 'site' })).name, 'site')
    assert.equal((await client.jobs.fromTemplate(template.id, { cpu: 100 })).cpu, 100)
    assert.deepEqual(
      (await Array.fromAsync(client.templates.all())).map(({ name }) => name),
      ['site'],
    )

    const schedule = await client.schedules.create({ name: 'n', schedule: '@daily', templateId: template.id })
    assert.equal((await client.schedules.pause(schedule.id)).enabled, false)
    assert.equal((await client.schedules.resume(schedule.id)).nextRuns.length, 5)
    assert.equal((await client.schedules.run(schedule.id)).image, 'nginx')
    await client.schedules.delete(schedule.id)
    await client.templates.delete(template.id)
    assert.equal((await client.schedules.list()).pagination.total, 0)

    const webhook = await client.webhooks.create({ url: 'http://93.184.215.14/hook', events: ['job.completed'] })
    assert.equal((await client.webhooks.get(webhook.id)).url, webhook.url)
    assert.deepEqual((await client.webhooks.history(webhook.id, { status: ['failed'] })).items, [])
    await client.webhooks.delete(webhook.id)

    const key = await client.keys.create({ name: 'CI', owner: 'research', permissions: ['jobs:read'] })
    const theirs = connect({ apiKey: key.key })
    assert.deepEqual((await theirs.me()).id, 'research')
    await assert.rejects(theirs.jobs.submit({ image: 'busybox' }), ForbiddenError)
    await client.keys.revoke(key.id)
    await assert.rejects(theirs.me(), UnauthorizedError)
  })

  it('submits batches, as a list and as CSV', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the API
    const base = { image: 'busybox', args: ['echo', '${word}'] }
    const { batchId, jobIds } = await client.batches.submitCsv({ base, csv: 'word,cpu\nhello,250\n', concurrency: 3 })
    const job = await client.jobs.get(jobIds[0] ?? '')
    assert.deepEqual([job.args, job.cpu, job.origin.batch], [['echo', 'hello'], 250, batchId])
    assert.equal((await client.batches.get(batchId)).concurrency, 3)

    const { jobIds: two } = await client.batches.submit({ jobs: [{ image: 'a' }, { image: 'b' }] })
    assert.equal(two.length, 2)
    assert.equal((await Array.fromAsync(client.batches.all())).length, 2)
    assert.notEqual((await client.batches.cancel(batchId)).status, 'submitted')
    await assert.rejects(client.batches.submitCsv({ base, csv: 'word,cpu\nhello,many\n' }), (error) => {
      assert.ok(error instanceof ValidationError)
      assert.equal(error.details?.badRows, 1)
      return true
    })
  })

  it('checks a batch without submitting it', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the API
    const base = { image: 'busybox', args: ['${word}'] }
    assert.deepEqual(await client.batches.checkCsv({ base, csv: 'word\na\nb\n' }), { valid: true, total: 2 })
    await assert.rejects(client.batches.checkCsv({ base, csv: 'word,cpu\na,100\nb,many\n' }), (error) => {
      assert.ok(error instanceof ValidationError)
      const rows = error.details?.rows as { row: number; column: string }[] | undefined
      assert.deepEqual([rows?.[0]?.row, rows?.[0]?.column], [2, 'cpu'])
      return true
    })
    assert.equal((await client.jobs.list()).pagination.total, 0)
  })

  it('tells what a provider asks, and asked', async () => {
    await gateway.start()
    assert.deepEqual((await client.providers.pricing(PROVIDER)).cpu['30d'], { min: 0.01, max: 0.01, avg: 0.01 })
    const [first, ...more] = await client.providers.history(PROVIDER)
    assert.deepEqual([first?.type, first?.pricing.cpu, more], ['provider.added', 0.01, []])
    await assert.rejects(client.providers.pricing('nobody'), NotFoundError)
    await assert.rejects(client.providers.history('nobody'), NotFoundError)
  })

  it('signs a browser in and out, and lists who changed what', async () => {
    let cookie = ''
    const browser = new CortexClient({
      baseUrl: gateway.url,
      async fetch(input, init) {
        const headers = new Headers(init?.headers)
        headers.set('Origin', gateway.url)
        headers.set('Cookie', cookie)
        const response = await fetch(input, { ...init, headers })
        const [pair] = response.headers.get('set-cookie')?.split(';') ?? []
        cookie = pair ?? cookie
        return response
      },
    })
    await assert.rejects(browser.session.signIn('wrong'), UnauthorizedError)
    assert.equal((await browser.session.signIn(ADMIN_KEY)).admin, true)
    const { id } = await browser.jobs.submit({ image: 'busybox' })
    await browser.session.signOut()
    await assert.rejects(browser.me(), UnauthorizedError)

    const { items, pagination } = await client.audit.list({ limit: 2 })
    assert.deepEqual(
      items.map(({ method, path, status }) => [method, path, status]),
      [
        ['DELETE', '/api/v1/auth/session', 200],
        ['POST', '/api/v1/plugin-core/jobs', 201],
      ],
    )
    const rest = await client.audit.list({ limit: 100, cursor: pagination.nextCursor ?? '' })
    assert.deepEqual(
      rest.items.map(({ path, status }) => [path, status]).filter(([path]) => path === '/api/v1/auth/session'),
      [
        ['/api/v1/auth/session', 201],
        ['/api/v1/auth/session', 401],
      ],
    )
    assert.equal((await client.jobs.get(id)).image, 'busybox')
  })

  it('shows providers and networks', async () => {
    const { items } = await client.providers.list({ status: 'online' })
    assert.deepEqual(
      items.map(({ id }) => id),
      [PROVIDER],
    )
    assert.equal((await client.providers.get(PROVIDER)).name, 'attic')
    assert.equal((await client.providers.status(PROVIDER)).networkLoad.cpu, 75)
    assert.deepEqual((await client.providers.jobs(PROVIDER)).items, [])
    assert.equal((await client.networks.get('p2p')).providers.online, 1)
    assert.equal((await client.networks.list()).items.length, 1)
  })

  it('adds up what jobs cost', async () => {
    await client.jobs.submit({ image: 'busybox', labels: { team: 'a' } })
    const { rows, groupBy } = await client.analytics.costs({ period: '7d', groupBy: 'label.team' })
    assert.equal(groupBy, 'label.team')
    assert.deepEqual([rows.length, rows[0]?.group, rows[0]?.jobs, rows[0]?.spent], [1, 'a', 1, 0])
    assert.equal((await client.analytics.forecast({ timezone: 'Europe/Berlin' })).timezone, 'Europe/Berlin')
  })

  it('throws an error of its kind with code, status, details and request id', async () => {
    const { id } = await client.jobs.submit({ image: 'busybox' }, { idempotencyKey: 'one' })
    const cases: [
      name: string,
      call: () => Promise<unknown>,
      kind: typeof CortexError,
      code: string,
      status: number,
    ][] = [
      ['no key', () => connect({ apiKey: 'wrong' }).me(), UnauthorizedError, 'UNAUTHORIZED', 401],
      ['no job', () => client.jobs.get('job_000000000000'), NotFoundError, 'JOB_NOT_FOUND', 404],
      ['no provider', () => client.providers.get('nobody'), NotFoundError, 'PROVIDER_NOT_FOUND', 404],
      ['not running', () => client.jobs.extend(id, 60), ConflictError, 'PROVIDER_CONFLICT', 409],
      [
        'key used before',
        () => client.jobs.submit({ image: 'other' }, { idempotencyKey: 'one' }),
        ConflictError,
        'IDEMPOTENCY_CONFLICT',
        409,
      ],
      [
        'no such network',
        () => client.jobs.submit({ image: 'a', provider: 'x' }),
        UnavailableError,
        'PROVIDER_UNAVAILABLE',
        503,
      ],
      [
        'too large',
        () => client.jobs.submit({ image: 'a', args: ['x'.repeat(3_000_000)] }),
        PayloadTooLargeError,
        'PAYLOAD_TOO_LARGE',
        413,
      ],
    ]
    for (const [name, call, kind, code, status] of cases) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof kind && error instanceof CortexError, `${name}: ${error}`)
        assert.deepEqual({ code: error.code, status: error.status }, { code, status }, name)
        assert.match(error.requestId ?? '', /\S/, name)
        return true
      })
    }
    await assert.rejects(client.jobs.submit({ image: 'a', cpu: -1, memory: 'lots' }), (error) => {
      assert.ok(error instanceof ValidationError)
      assert.deepEqual(
        error.fields.map(({ path }) => path),
        ['cpu', 'memory'],
      )
      return true
    })
  })

  it('tells a gateway that is not there from one that is something else', async () => {
    const nobody = connect({ baseUrl: 'http://127.0.0.1:1', retries: 0 })
    await assert.rejects(nobody.me(), (error) => error instanceof ConnectionError && error.code === 'CONNECTION_FAILED')
    const page = connect({ fetch: async () => new Response('<html>', { status: 200 }) })
    await assert.rejects(page.me(), { code: 'UNEXPECTED_ANSWER' })
    const proxy = connect({ retries: 1, fetch: async () => new Response('bad gateway', { status: 502 }) })
    await assert.rejects(proxy.me(), { code: 'UNEXPECTED_ANSWER', status: 502 })
  })
})
