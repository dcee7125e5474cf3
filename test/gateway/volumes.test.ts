import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { volumeIdOf } from '../../protocol/job-volumes.ts'
import { openTestGateway, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER } from './support/test-node.ts'

const VOLUMES = '/api/plugin-core/volumes'
const JOBS = '/api/plugin-core/jobs'
let gateway: TestGateway

describe('volumes', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => await gateway.close())

  /** As the market does once a provider has taken the job. */
  async function note(owner: string, name: string): Promise<string> {
    const id = `job_${name.padEnd(16, '0')}`
    const volumes = [{ name, mountPath: '/data', size: '1Gi', keep: 3_600 }]
    const spec = jobSubmissionSchema.parse({ image: 'busybox', volumes })
    await gateway.node.volumes.note({ id, owner, spec }, { provider: PROVIDER, addresses: [] })
    return volumeIdOf(id, PROVIDER, name)
  }

  it('are listed by page and status, each owner’s to itself, and all of them to an admin', async () => {
    const [alice, bob] = [await gateway.keyFor('alice'), await gateway.keyFor('bob')]
    const ids = [await note('alice', 'a'), await note('alice', 'b'), await note('bob', 'c')]
    const listed = async (key: string | undefined, query = '') => {
      const { status, data, body } = await gateway.ask('GET', `${VOLUMES}${query}`, key === undefined ? {} : { key })
      assert.equal(status, 200, JSON.stringify(body))
      return data.map(({ id }: { id: string }) => id).toSorted()
    }
    assert.deepEqual(await listed(alice), ids.slice(0, 2).toSorted())
    assert.deepEqual(await listed(bob), ids.slice(2))
    assert.deepEqual(await listed(undefined), ids.toSorted())
    assert.equal((await listed(alice, '?limit=1')).length, 1)
    assert.deepEqual(await listed(alice, '?status=deleting,gone'), [])
    assert.deepEqual(await listed(alice, `?provider=${PROVIDER}`), ids.slice(0, 2).toSorted())
    assert.deepEqual(await listed(alice, '?provider=nobody'), [])
    assert.equal((await gateway.ask('GET', `${VOLUMES}?status=lost`, { key: alice })).code, 'VALIDATION_ERROR')
  })

  it('of another owner are no volumes: to look at, to change, to delete, and for a job', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('bob')
    for (const [method, json] of [['GET'], ['PATCH', { keep: 7_200 }], ['DELETE']] as const) {
      const asked = await gateway.ask(method, `${VOLUMES}/${id}`, { key, ...(json === undefined ? {} : { json }) })
      assert.deepEqual([asked.status, asked.code], [404, 'RESOURCE_NOT_FOUND'], method)
    }
    const job = { image: 'busybox', volumes: [{ volume: id, mountPath: '/data' }] }
    for (const path of [JOBS, `${JOBS}?dryRun=true`]) {
      const submitted = await gateway.ask('POST', path, { key, json: job })
      assert.equal(submitted.status, 400, path)
      assert.deepEqual(submitted.body.error.details.fields, [
        { path: 'volumes[0].volume', message: `There is no volume ${id}` },
      ])
    }
    const batch = await gateway.ask('POST', `${JOBS}/batch`, { key, json: { jobs: [job] } })
    assert.equal(batch.status, 400)
    assert.match(JSON.stringify(batch.body), /There is no volume/)
  })

  it('lead the job to their provider, and to no other', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('alice')
    const json = { image: 'busybox', volumes: [{ volume: id, mountPath: '/data' }] }
    const job = await gateway.ask('POST', JOBS, { key, json })
    assert.deepEqual([job.status, job.data.provider], [201, PROVIDER], JSON.stringify(job.body))
  })

  it('are deleted once their provider is back where that is away, and extended only while it is there', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('alice')
    const extended = await gateway.ask('PATCH', `${VOLUMES}/${id}`, { key, json: { keep: 7_200 } })
    assert.deepEqual([extended.status, extended.code], [503, 'PROVIDER_UNAVAILABLE'])
    assert.equal((await gateway.ask('PATCH', `${VOLUMES}/${id}`, { key, json: { keep: 1e10 } })).status, 400)
    const deleted = await gateway.ask('DELETE', `${VOLUMES}/${id}`, { key })
    assert.deepEqual([deleted.status, deleted.data.status], [200, 'deleting'])
    const job = { image: 'busybox', volumes: [{ volume: id, mountPath: '/data' }] }
    assert.equal((await gateway.ask('POST', JOBS, { key, json: job })).status, 400)
  })

  it('need the permissions of jobs', async () => {
    const id = await note('alice', 'a')
    const key = await gateway.keyFor('alice', ['jobs:read'])
    assert.equal((await gateway.ask('GET', `${VOLUMES}/${id}`, { key })).status, 200)
    assert.equal((await gateway.ask('DELETE', `${VOLUMES}/${id}`, { key })).status, 403)
    assert.equal((await gateway.ask('GET', VOLUMES, { key: null })).status, 401)
  })
})
