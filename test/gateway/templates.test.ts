import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createSecretBox } from '../../node/store/secret-box.ts'
import { openTestGateway, type TestGateway } from './support/test-gateway.ts'

const TEMPLATES = '/api/plugin-core/jobs/templates'
let gateway: TestGateway

describe('templates', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('are made, listed, changed, deleted, and show no secrets', async () => {
    const config = { image: 'nginx', env: { A: '1' }, secrets: { TOKEN: 's3cret' } }
    const made = await gateway.ask('POST', TEMPLATES, { json: { name: 'Web', config } })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const { id } = made.data
    assert.match(id, /^template_/)
    assert.deepEqual([made.data.description, made.data.config], ['', { image: 'nginx', env: { A: '1' } }])
    assert.deepEqual(made.data.hidden, { secrets: ['TOKEN'], registryCredentials: false })
    assert.doesNotMatch(JSON.stringify([made.body, await gateway.records.templates.get(id)]), /s3cret/)
    const changed = await gateway.ask('PUT', `${TEMPLATES}/${id}`, {
      json: { config: { image: 'nginx', env: { A: '1' }, cpu: 500 } },
    })
    assert.deepEqual([changed.data.name, changed.data.config], ['Web', { image: 'nginx', env: { A: '1' }, cpu: 500 }])
    const job = await gateway.ask('POST', `/api/plugin-core/jobs/from-template/${id}`)
    assert.deepEqual((await gateway.store.secrets(job.data.id)).secrets, { TOKEN: 's3cret' }, 'kept over the change')
    await gateway.ask('PUT', `${TEMPLATES}/${id}`, { json: { config: { image: 'nginx:2', secrets: {} } } })
    const without = await gateway.ask('POST', `/api/plugin-core/jobs/from-template/${id}`)
    assert.deepEqual((await gateway.store.secrets(without.data.id)).secrets, {})
    const listed = await gateway.ask('GET', TEMPLATES)
    assert.deepEqual(
      listed.data.map((one: { hidden: unknown }) => one.hidden),
      [{ secrets: [], registryCredentials: false }],
    )
    assert.equal((await gateway.ask('DELETE', `${TEMPLATES}/${id}`)).status, 200)
    const gone = await gateway.ask('GET', `${TEMPLATES}/${id}`)
    assert.deepEqual([gone.status, gone.code], [404, 'RESOURCE_NOT_FOUND'])
  })

  it('are shown also where their secrets do not open any more', async () => {
    const config = { image: 'nginx', registryCredentials: { username: 'a', password: 'b', serverAddress: 'docker.io' } }
    const { id, hidden } = (await gateway.ask('POST', TEMPLATES, { json: { name: 'Web', config } })).data
    assert.deepEqual(hidden, { secrets: [], registryCredentials: true })
    const record = await gateway.records.templates.get(id)
    assert.ok(record)
    await gateway.records.templates.put(id, { ...record, sealed: createSecretBox('another').seal(id, '{}') })
    const shown = await gateway.ask('GET', `${TEMPLATES}/${id}`)
    assert.deepEqual([shown.status, shown.data.hidden], [200, null])
  })

  it('refuse a dry run that they do not know, and submit nothing', async () => {
    const { id } = (await gateway.ask('POST', TEMPLATES, { json: { name: 'Web', config: { image: 'nginx' } } })).data
    const refused = await gateway.ask('POST', `/api/plugin-core/jobs/from-template/${id}?dryRun=true`)
    assert.equal(refused.status, 400)
    assert.match(refused.body.error.message, /dryRun is not known here, and nothing was changed/)
    const deleted = await gateway.ask('DELETE', `${TEMPLATES}/${id}?dryRun=1`)
    assert.equal(deleted.status, 400)
    assert.equal((await gateway.ask('GET', `${TEMPLATES}/${id}`)).status, 200)
  })

  it('make jobs, with overrides checked as a whole', async () => {
    const config = { image: 'nginx', cpu: 500, env: { A: '1' } }
    const { id } = (await gateway.ask('POST', TEMPLATES, { json: { name: 'Web', config } })).data
    const from = `/api/plugin-core/jobs/from-template/${id}`
    const headers = { 'Idempotency-Key': 'k' }
    const job = await gateway.ask('POST', from, { json: { overrides: { memory: '1Gi', env: { B: '2' } } }, headers })
    assert.equal(job.status, 201)
    assert.deepEqual([job.data.cpu, job.data.memory, job.data.origin.template], [500, '1Gi', id])
    assert.deepEqual(job.data.config.env, { A: '1', B: '2' })
    const again = await gateway.ask('POST', from, { json: { overrides: { memory: '1Gi', env: { B: '2' } } }, headers })
    assert.deepEqual([again.status, again.data.id], [200, job.data.id])
    const wrong = await gateway.ask('POST', from, { json: { overrides: { secrets: { A: 'x' } } } })
    assert.deepEqual([wrong.status, wrong.body.error.details.fields[0].path], [400, 'secrets.A'])
  })

  it('lose in a job what its overrides give as null', async () => {
    const config = {
      image: 'nginx',
      command: ['sleep', '9'],
      env: { A: '1', B: '2' },
      secrets: { TOKEN: 'hidden', OTHER: 'kept' },
      labels: { team: 'x' },
      maxPrice: 0.5,
    }
    const { id } = (await gateway.ask('POST', TEMPLATES, { json: { name: 'Web', config } })).data
    const from = async (overrides: object) =>
      await gateway.ask('POST', `/api/plugin-core/jobs/from-template/${id}`, { json: { overrides } })
    const overrides = {
      command: null,
      maxPrice: null,
      labels: null,
      env: { A: null, C: '3' },
      secrets: { TOKEN: null, OTHER: 'kept' },
    }
    const { status, data } = await from(overrides)
    assert.equal(status, 201)
    assert.deepEqual([data.command, data.config.maxPrice ?? null, data.labels], [[], null, {}])
    assert.deepEqual(data.config.env, { B: '2', C: '3' })
    assert.deepEqual((await gateway.store.secrets(data.id)).secrets, { OTHER: 'kept' })
    const again = await gateway.ask('POST', `/api/plugin-core/jobs/${data.id}/resubmit`, {
      json: { env: null, secrets: null },
    })
    assert.deepEqual([again.status, again.data.config.env], [201, {}])
    for (const [wrong, path] of [
      [{ image: null }, 'image'],
      [{ env: { '1': null } }, 'overrides.env.1'],
      [JSON.parse('{ "env": { "__proto__": null } }'), 'overrides.env.__proto__'],
    ] as const) {
      const answer = await from(wrong)
      assert.deepEqual([answer.status, answer.body.error?.details.fields[0].path], [400, path])
    }
    const kept = await gateway.ask('POST', TEMPLATES, { json: { name: 'Web', config: { image: 'a', cpu: null } } })
    assert.equal(kept.status, 400, 'a template itself has no null')
  })

  it('are refused where they make no valid job', async () => {
    for (const [config, path] of [
      [{}, 'image'],
      [{ image: 'nginx', maxDuration: 1 }, 'maxDuration'],
      [{ image: 'nginx', nonsense: 1 }, 'config.nonsense'],
    ] as const) {
      const answer = await gateway.ask('POST', TEMPLATES, { json: { name: 'Web', config } })
      assert.deepEqual([answer.status, answer.body.error?.details.fields[0].path], [400, path])
    }
  })

  it('are seen by their owner and admins only', async () => {
    const alice = await gateway.keyFor('alice', ['jobs:*', 'templates:*'])
    const bob = await gateway.keyFor('bob', ['jobs:*', 'templates:*'])
    const config = { image: 'nginx' }
    const { id } = (await gateway.ask('POST', TEMPLATES, { key: alice, json: { name: 'Web', config } })).data
    for (const [method, path, json] of [
      ['GET', `${TEMPLATES}/${id}`],
      ['PUT', `${TEMPLATES}/${id}`, { name: 'x' }],
      ['DELETE', `${TEMPLATES}/${id}`],
      ['POST', `/api/plugin-core/jobs/from-template/${id}`],
    ] as const) {
      const answer = await gateway.ask(method, path, { key: bob, ...(json === undefined ? {} : { json }) })
      assert.deepEqual([answer.status, answer.code], [404, 'RESOURCE_NOT_FOUND'], `${method} ${path}`)
    }
    assert.equal((await gateway.ask('GET', TEMPLATES, { key: bob })).body.meta.pagination.total, 0)
    assert.equal((await gateway.ask('GET', TEMPLATES)).body.meta.pagination.total, 1)
  })
})
