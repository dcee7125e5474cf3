import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { errorSchema, successSchema } from '../../gateway/contract/envelope.ts'
import { JOB_DEFAULTS } from '../../gateway/contract/job-defaults.ts'
import { dryRunSchema, jobSchema } from '../../gateway/contract/jobs.ts'
import type { EndpointState } from '../../protocol/endpoints.ts'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER, providerView } from './support/test-node.ts'

const JOBS = '/api/plugin-core/jobs'
const OTHER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
let gateway: TestGateway

describe('jobs', () => {
  beforeEach(async () => {
    gateway = await openTestGateway({ providerAliases: { akash: 'p2p' } })
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('takes a job that is only an image, with every default, under both bases', async () => {
    for (const base of ['/api', '/api/v1']) {
      const answer = await gateway.ask('POST', `${base}/plugin-core/jobs`, { json: { image: 'busybox:1.36' } })
      assert.equal(answer.status, 201)
      const { data } = successSchema(jobSchema).parse(answer.body)
      const { id, createdAt, origin, config, ...rest } = data
      assert.match(id, /^job_[0-9a-z]{12,}$/)
      assert.ok(!Number.isNaN(Date.parse(createdAt)))
      assert.equal(origin.requestId, answer.headers.get('x-request-id'))
      assert.deepEqual(config.env, {})
      assert.deepEqual(rest, {
        name: null,
        owner: 'admin',
        provider: 'p2p',
        assignedProvider: null,
        status: 'pending',
        image: 'busybox:1.36',
        command: [],
        args: [],
        cpu: 1000,
        memory: '512Mi',
        storage: '1Gi',
        gpu: 0,
        duration: 3600,
        scheduledAt: null,
        startedAt: null,
        endedAt: null,
        cost: { current: 0, projected: 0.010027777, currency: 'USD' },
        results: { exitCode: null, outputUrl: null, leftOut: [] },
        error: null,
        attempt: 1,
        maxAttempts: JOB_DEFAULTS.maxAttempts,
        endpoints: [],
        health: null,
        labels: {},
      })
    }
  })

  it('never shows secrets or registry credentials', async () => {
    const registryCredentials = { username: 'me', password: 'hidden-1', serverAddress: 'registry.example' }
    const id = await submit(gateway, {
      image: 'registry.example/a',
      secrets: { TOKEN: 'hidden-2' },
      registryCredentials,
    })
    for (const path of [`${JOBS}/${id}?debug=true`, JOBS, `${JOBS}?q=hidden`]) {
      const answer = await gateway.ask('GET', path)
      assert.equal(answer.status, 200)
      const { hidden, ...job } = answer.data
      assert.doesNotMatch(JSON.stringify(job), /hidden-|registryCredentials|"secrets"/, path)
      const names = { secrets: ['TOKEN'], registryCredentials: true }
      assert.deepEqual(hidden, path.includes(id) ? names : undefined, path)
    }
    assert.equal((await gateway.store.secrets(id)).secrets.TOKEN, 'hidden-2')
  })

  it('names every offending field and what would be right', async () => {
    const json = { image: 'Bad Name', cpu: '1', memory: 'lots', ports: [{ port: 0 }], colour: 'red' }
    const answer = await gateway.ask('POST', JOBS, { json })
    assert.equal(answer.status, 400)
    const { error } = errorSchema.parse(answer.body)
    assert.equal(error.code, 'VALIDATION_ERROR')
    const fields = error.details?.fields as { path: string; message: string }[]
    assert.deepEqual(fields.map(({ path }) => path).toSorted(), ['colour', 'cpu', 'image', 'memory', 'ports[0].port'])
    for (const { path, message } of fields) assert.ok(message.length > 10, path)
  })

  it('refuses bodies that are not JSON, not declared as such, or too large', async () => {
    const cases: [string, Parameters<TestGateway['ask']>[2], number, string][] = [
      ['malformed', { body: '{"image":', headers: { 'Content-Type': 'application/json' } }, 400, 'VALIDATION_ERROR'],
      ['other type', { body: 'image=busybox', headers: { 'Content-Type': 'text/plain' } }, 400, 'VALIDATION_ERROR'],
      ['an array', { json: [] }, 400, 'VALIDATION_ERROR'],
      ['nothing', {}, 400, 'VALIDATION_ERROR'],
      ['too large', { json: { image: 'x'.repeat(1024 * 1024) } }, 413, 'PAYLOAD_TOO_LARGE'],
    ]
    for (const [name, options, status, code] of cases) {
      const answer = await gateway.ask('POST', JOBS, options)
      assert.deepEqual([answer.status, answer.code], [status, code], name)
      errorSchema.parse(answer.body)
    }
  })

  it('answers the first job to a repeated idempotency key, whatever the order of the fields', async () => {
    const headers = { 'Idempotency-Key': 'k1' }
    const first = await gateway.ask('POST', JOBS, { json: { image: 'busybox', cpu: 500 }, headers })
    const again = await gateway.ask('POST', JOBS, { json: { cpu: 500, gpu: 0, image: 'busybox' }, headers })
    assert.deepEqual([again.status, again.data.id], [200, first.data.id])
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
    const other = await gateway.ask('POST', JOBS, { json: { image: 'busybox', cpu: 501 }, headers })
    assert.deepEqual([other.status, other.code], [409, 'IDEMPOTENCY_CONFLICT'])
    assert.equal((await gateway.ask('GET', JOBS)).body.meta.pagination.total, 1)
  })

  it('says who would take a dry run at what price, and submits nothing', async () => {
    const answer = await gateway.ask('POST', `${JOBS}?dryRun=true`, { json: { image: 'busybox', duration: 1800 } })
    assert.equal(answer.status, 200)
    const { data } = successSchema(dryRunSchema).parse(answer.body)
    assert.equal(data.accepted, true)
    assert.deepEqual(
      data.quotes.map(({ accepts, price, minimumCharge, cost }) => ({ accepts, price, minimumCharge, cost })),
      [
        // Half an hour at a cent is less than the minimum.
        { accepts: true, price: 0.01, minimumCharge: 0.02, cost: 0.02 },
        { accepts: false, price: null, minimumCharge: null, cost: null },
      ],
    )
    const long = { image: 'busybox', duration: 36_000, stopGraceSeconds: 300 }
    const { quotes } = (await gateway.ask('POST', `${JOBS}?dryRun=true`, { json: long })).data
    assert.equal(quotes[0].cost, 0.100833333, 'ten hours and the grace after them')
    assert.equal((await gateway.ask('GET', JOBS)).body.meta.pagination.total, 0)
  })

  it('takes p2p, a known provider and an alias, and names what there is for anything else', async () => {
    for (const [provider, kept] of [
      ['p2p', 'p2p'],
      [PROVIDER, PROVIDER],
      ['akash', 'p2p'],
    ]) {
      const answer = await gateway.ask('POST', JOBS, { json: { image: 'busybox', provider } })
      assert.equal(answer.data.provider, kept)
    }
    for (const provider of ['render', 'toString', '__proto__']) {
      const answer = await gateway.ask('POST', JOBS, { json: { image: 'busybox', provider } })
      assert.deepEqual([answer.status, answer.code], [503, 'PROVIDER_UNAVAILABLE'], provider)
      assert.equal(answer.body.error.details.providers[0].id, PROVIDER)
    }
  })

  it('entry 16: a name or the end of an id is resolved where it is one provider’s alone, wherever jobs are made', async () => {
    const named = { image: 'busybox', provider: 'attic' }
    const make = async (path: string, json: object) => await gateway.ask('POST', `${JOBS}${path}`, { json })
    for (const provider of ['attic', PROVIDER.slice(-8)]) {
      assert.equal((await make('', { image: 'busybox', provider })).data.provider, PROVIDER, provider)
    }
    assert.equal((await make('?dryRun=true', named)).status, 200)
    const template = (await make('/templates', { name: 'named', config: named })).data
    assert.equal((await make(`/from-template/${template.id}`, {})).data.provider, PROVIDER)
    const hourly = { name: 'named', schedule: '@hourly', timezone: 'UTC' }
    const schedule = (await make('/schedules', { ...hourly, config: named })).data
    const run = await make(`/schedules/${schedule.id}/run`, {})
    assert.equal((await gateway.ask('GET', `${JOBS}/${run.data.jobId ?? run.data.id}`)).data.provider, PROVIDER)
    const batch = await make('/batch', { jobs: [named] })
    assert.equal((await gateway.ask('GET', `${JOBS}/${batch.data.jobIds[0]}`)).data.provider, PROVIDER)

    const before = (await gateway.ask('GET', JOBS)).body.meta.pagination.total
    gateway.providers.push(providerView({ provider: OTHER, name: 'attic', status: 'offline' }))
    for (const provider of ['attic', 'nosuch', 'attic ', 'ATTIC', PROVIDER.slice(0, -1)]) {
      const unclear = { image: 'busybox', provider }
      const refused = [
        await make('', unclear),
        await make('?dryRun=true', unclear),
        await make('/batch', { jobs: [{ image: 'busybox' }, unclear] }),
        await make(`/from-template/${template.id}`, { overrides: { provider } }),
      ]
      for (const [i, { status }] of refused.entries()) assert.ok(status >= 400, `${provider} ${i}: ${status}`)
      const late = (await make('/schedules', { ...hourly, config: unclear })).data
      assert.ok((await make(`/schedules/${late.id}/run`, {})).status >= 400, provider)
    }
    assert.equal((await gateway.ask('GET', JOBS)).body.meta.pagination.total, before)
    gateway.providers.pop()
  })

  it('shows one job with its events, costs by the second and times', async () => {
    const id = await submit(gateway, { labels: { team: 'a' }, duration: 360, stopGraceSeconds: 36 })
    await gateway.play.start(id, { meteredMs: 36_000 })
    const running = (await gateway.ask('GET', `${JOBS}/${id}`)).data
    assert.deepEqual(running.cost, { current: 0.0001, projected: 0.0011, currency: 'USD' })
    assert.equal(running.assignedProvider, PROVIDER)
    assert.deepEqual(
      running.events.map(({ seq, type }: { seq: number; type: string }) => [seq, type]),
      [
        [1, 'created'],
        [2, 'scheduled'],
        [3, 'started'],
      ],
    )
    await gateway.play.complete(id, { meteredMs: 36_000 })
    const answer = await gateway.ask('GET', `${JOBS}/${id}?debug=true`)
    const { data } = successSchema(jobSchema).parse(answer.body)
    assert.deepEqual(data.cost, { current: 0.0001, projected: 0.0001, final: 0.0001, currency: 'USD' })
    assert.equal(data.endedAt, '2023-11-14T22:13:56.200Z')
    assert.deepEqual(data.results, { exitCode: 0, outputUrl: null, leftOut: [] })
    assert.equal(data.debug?.lease?.provider, PROVIDER)
  })

  it('changes a pending job and no other', async () => {
    const id = await submit(gateway, { labels: { a: '1' }, cpu: 500 })
    const changed = await gateway.ask('PUT', `${JOBS}/${id}`, { json: { memory: '1Gi', labels: { b: '2' } } })
    assert.equal(changed.status, 200)
    assert.deepEqual([changed.data.memory, changed.data.cpu], ['1Gi', 500])
    assert.deepEqual(changed.data.labels, { a: '1', b: '2' })
    await gateway.ask('PUT', `${JOBS}/${id}`, { json: { name: 'named', labels: { c: '3' }, memory: '1Gi' } })
    assert.deepEqual(gateway.market.askedAgain, [id], 'of its name and labels no provider knows')
    const image = await gateway.ask('PUT', `${JOBS}/${id}`, { json: { image: 'other' } })
    assert.deepEqual([image.status, image.body.error.details.fields[0].path], [400, 'image'])
    const nobody = await gateway.ask('PUT', `${JOBS}/${id}`, { json: { provider: 'nobody' } })
    assert.equal(nobody.code, 'PROVIDER_UNAVAILABLE')
    const asked = await gateway.ask('PUT', `${JOBS}/${id}`, { json: { provider: PROVIDER.slice(-8) } })
    assert.deepEqual([asked.status, asked.data.provider], [200, PROVIDER])
    await gateway.play.schedule(id)
    const late = await gateway.ask('PUT', `${JOBS}/${id}`, { json: { memory: '2Gi' } })
    assert.deepEqual([late.status, late.code], [409, 'JOB_STATE_CONFLICT'])
  })

  it('cancels by POST and DELETE, and refuses it for a job that has ended', async () => {
    const [first, second] = [await submit(gateway), await submit(gateway)]
    const posted = await gateway.ask('POST', `${JOBS}/${first}/cancel`)
    assert.deepEqual([posted.status, posted.body], [200, { success: true, data: { id: first, status: 'cancelling' } }])
    const deleted = await gateway.ask('DELETE', `${JOBS}/${second}`)
    assert.deepEqual([deleted.status, deleted.data], [200, { id: second, status: 'cancelling' }])
    await gateway.play.start(first)
    await gateway.play.complete(first)
    const late = await gateway.ask('POST', `${JOBS}/${first}/cancel`)
    assert.deepEqual([late.status, late.code], [409, 'JOB_STATE_CONFLICT'])
  })

  it('extends a running job; where the provider does not, PROVIDER_CONFLICT', async () => {
    const id = await submit(gateway)
    const early = await gateway.ask('POST', `${JOBS}/${id}/extend`, { json: { additional: 60 } })
    assert.deepEqual([early.status, early.code], [409, 'PROVIDER_CONFLICT'])
    await gateway.play.start(id)
    const extended = await gateway.ask('POST', `${JOBS}/${id}/extend`, { json: { additional: 60 } })
    assert.deepEqual([extended.status, extended.data.duration], [200, 3660])
    for (const additional of [0, -1, 1.5, '60']) {
      const wrong = await gateway.ask('POST', `${JOBS}/${id}/extend`, { json: { additional } })
      assert.deepEqual([wrong.status, wrong.code], [400, 'VALIDATION_ERROR'], String(additional))
    }
  })

  it('entry 51: takes an empty body that is announced as JSON for none, where none is needed', async () => {
    const id = await submit(gateway)
    for (const body of ['', ' ', '\n', '{}']) {
      const answer = await gateway.ask('POST', `${JOBS}/${id}/resubmit`, {
        headers: { 'Content-Type': 'application/json' },
        body,
      })
      assert.equal(answer.status, 201, JSON.stringify(body))
      const token = await gateway.ask('POST', '/api/auth/stream-token', {
        headers: { 'Content-Type': 'application/json; charset=utf-8' },
        body,
      })
      assert.equal(token.status, 201, JSON.stringify(body))
      const needed = await gateway.ask('POST', JOBS, { headers: { 'Content-Type': 'application/json' }, body })
      assert.equal(needed.status, 400)
    }
    const broken = await gateway.ask('POST', `${JOBS}/${id}/resubmit`, {
      headers: { 'Content-Type': 'application/json' },
      body: '{',
    })
    assert.deepEqual([broken.status, broken.code], [400, 'VALIDATION_ERROR'])
  })

  it('resubmits with the secrets and with overrides in either place', async () => {
    const id = await submit(gateway, { env: { A: '1' }, secrets: { S: 's' }, cpu: 500 })
    const again = await gateway.ask('POST', `${JOBS}/${id}/resubmit`)
    assert.equal(again.status, 201, JSON.stringify(again.body))
    assert.notEqual(again.data.id, id)
    assert.equal(again.data.origin.resubmittedFrom, id)
    assert.deepEqual((await gateway.store.secrets(again.data.id)).secrets, { S: 's' })
    const json = { provider: PROVIDER, overrides: { env: { B: '2' }, secrets: { S: 't' }, cpu: 700 } }
    const other = await gateway.ask('POST', `${JOBS}/${id}/resubmit`, { json })
    assert.deepEqual([other.data.provider, other.data.cpu], [PROVIDER, 700])
    assert.deepEqual(other.data.config.env, { A: '1', B: '2' })
    const wrong = await gateway.ask('POST', `${JOBS}/${id}/resubmit`, { json: { overrides: { cpu: 1 } } })
    assert.deepEqual([wrong.status, wrong.body.error.details.fields[0].path], [400, 'overrides.cpu'])
  })

  it('answers another owner’s job, and a job that is none, alike', async () => {
    const alice = await gateway.keyFor('alice')
    const bob = await gateway.keyFor('bob')
    const id = await submit(gateway, {}, alice)
    const paths: [string, string, object?][] = [
      ['GET', ''],
      ['PUT', '', { cpu: 500 }],
      ['DELETE', ''],
      ['POST', '/cancel'],
      ['POST', '/extend', { additional: 1 }],
      ['POST', '/resubmit'],
      ['GET', '/logs'],
      ['GET', '/logs?follow=true'],
      ['GET', '/events'],
      ['GET', '/metrics'],
      ['GET', '/bids'],
      ['GET', '/receipt'],
      ['GET', '/output'],
      ['GET', '/container'],
      ['POST', '/exec', { command: ['ps'] }],
      ['POST', '/links', { port: 80 }],
      ['GET', '/proxy/80/'],
      ['GET', '/tunnel/80'],
      ['GET', '/tunnel/ahead'],
      ['GET', '/sftp'],
    ]
    for (const [method, path, json] of paths) {
      for (const target of [id, 'job_00000000000000000000000000', 'nonsense', 'x!y']) {
        const options = { key: bob, ...(json === undefined ? {} : { json }) }
        const answer = await gateway.ask(method, `${JOBS}/${target}${path}`, options)
        assert.deepEqual([answer.status, answer.code], [404, 'JOB_NOT_FOUND'], `${method} ${target}${path}`)
      }
    }
    assert.equal((await gateway.ask('GET', JOBS, { key: bob })).body.meta.pagination.total, 0)
    assert.equal((await gateway.ask('GET', JOBS, { key: alice })).body.meta.pagination.total, 1)
    assert.equal((await gateway.ask('GET', `${JOBS}/${id}`)).status, 200)
  })

  it('says where exposed ports are reached while it runs', async () => {
    const ports = [{ port: 80 }, { port: 53, protocol: 'UDP' }, { port: 9, expose: false }]
    const id = await submit(gateway, { ports })
    const shown = async () => (await gateway.ask('GET', `${JOBS}/${id}`)).data.endpoints
    assert.deepEqual(await shown(), [])
    const published = { address: '192.0.2.1', port: 49_153 }
    // As a provider tells it, with a port that the job does not expose.
    const endpoints: EndpointState[] = [
      { port: 80, protocol: 'TCP', health: 'answering', published },
      { port: 9, protocol: 'TCP', health: 'answering', published },
    ]
    await gateway.play.start(id, { endpoints })
    const [http, dns] = [`/api/plugin-core/jobs/${id}/proxy/80/`, `/api/plugin-core/jobs/${id}/tunnel/53?protocol=UDP`]
    assert.deepEqual(await shown(), [
      { port: 80, protocol: 'TCP', url: http, health: 'answering', address: '192.0.2.1:49153' },
      { port: 53, protocol: 'UDP', url: dns, health: 'unknown', address: null },
    ])
    await gateway.play.complete(id)
    assert.deepEqual(await shown(), [])
  })

  it('tells why a container is not reached', async () => {
    const id = await submit(gateway, { ports: [{ port: 80 }] })
    const asks: [string, string, object?][] = [
      ['GET', 'container'],
      ['POST', 'exec', { command: ['ps'] }],
      ['GET', 'proxy/80/'],
    ]
    await gateway.play.start(id)
    for (const [method, path, json] of asks) {
      const answer = await gateway.ask(method, `${JOBS}/${id}/${path}`, json === undefined ? {} : { json })
      assert.deepEqual([answer.status, answer.code], [503, 'PROVIDER_UNAVAILABLE'], path)
    }
    const link = async (port: number) => await gateway.ask('POST', `${JOBS}/${id}/links`, { json: { port } })
    assert.equal((await link(81)).code, 'RESOURCE_NOT_FOUND')
    const { url } = (await link(80)).data
    assert.match(url, new RegExp(`^http://80--${id}\\.localhost/\\?cortex-link=[\\w-]{32}$`))
    assert.equal((await gateway.ask('GET', `${JOBS}/${id}/output`)).code, 'RESOURCE_NOT_FOUND')
  })

  it('shows bids, and a receipt only where there is one', async () => {
    const id = await submit(gateway)
    await gateway.store.change(id, (draft) =>
      draft.bid({
        attempt: 1,
        provider: PROVIDER,
        name: 'attic',
        timestampMs: 1_700_000_000_000,
        outcome: 'declined',
        pricePerHour: null,
        score: null,
        reason: 'has 100m CPU free',
      }),
    )
    const { bids } = (await gateway.ask('GET', `${JOBS}/${id}/bids`)).data
    assert.deepEqual([bids.length, bids[0].outcome, bids[0].price], [1, 'declined', null])
    const receipt = await gateway.ask('GET', `${JOBS}/${id}/receipt`)
    assert.deepEqual([receipt.status, receipt.code], [404, 'RESOURCE_NOT_FOUND'])
  })
})
