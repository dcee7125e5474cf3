import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ADMIN_KEY, type ApiUnderTest, type Operation, openApiUnderTest } from './api-under-test.ts'

/** What a valid request of these is answered with where no container, receipt or delivery is there. */
const EXPECTED: Record<string, number> = {
  getJobReceipt: 404,
  removeSshKey: 404,
  getJobOutput: 404,
  getJobContainer: 409,
  execInJob: 409,
  readJobFiles: 409,
  writeJobFiles: 409,
  removeJobFiles: 409,
  linkJobPort: 409,
  getDelivery: 404,
  retryDelivery: 404,
  retryBatch: 409,
  extendJob: 409,
  extendVolume: 503,
  readVolume: 503,
  writeVolume: 503,
}
const MIB = 1024 * 1024
const MISSING = { id: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3', name: 'none', deliveryId: 'none' }

function bodyOf(operation: Operation): { json?: unknown } {
  if (operation.id === 'signIn') return { json: { key: ADMIN_KEY } }
  return operation.hasBody ? { json: operation.example } : {}
}

describe('every operation of the document', () => {
  let api: Awaited<ReturnType<typeof openApiUnderTest>>
  let mine: string
  let other: string
  before(async () => {
    api = await openApiUnderTest()
    mine = await api.keyOf('mine')
    other = await api.keyOf('other')
  })
  after(async () => {
    await api.gateway.close()
  })

  /** Runs a case for each operation that it is about; all are tried before any is told of. */
  async function each(
    which: (one: Operation) => boolean,
    attempt: (one: Operation, api: ApiUnderTest) => Promise<void>,
  ) {
    const chosen = api.operations.filter(which)
    assert.ok(chosen.length > 0)
    const failures: string[] = []
    for (const one of chosen) {
      await attempt(one, api).catch((error: Error) => failures.push(`${one.id}: ${error.message}`))
    }
    assert.deepEqual(failures, [])
  }

  it('answers a valid request as the document says', async () => {
    await each(
      () => true,
      async (one) => {
        const answer = await api.call(one, await api.made(one, ADMIN_KEY), bodyOf(one))
        const expected = EXPECTED[one.id] ?? [...one.responses.keys()].find((status) => status < 300)
        assert.equal(answer.status, expected, JSON.stringify(answer.body).slice(0, 500))
      },
    )
  })

  it('needs a key, and one with the permission', async () => {
    const weak = await api.gateway.keyFor('weak', ['webhooks:read'])
    await each(
      (one) => !one.isPublic,
      async (one) => {
        assert.equal((await api.call(one, MISSING, { key: null, ...bodyOf(one) })).code, 'UNAUTHORIZED')
        if (!one.responses.has(403) || (one.method === 'GET' && one.path.includes('/webhooks'))) return
        assert.equal((await api.call(one, MISSING, { key: weak, ...bodyOf(one) })).code, 'FORBIDDEN')
      },
    )
  })

  it('refuses bodies that are no objects, no JSON, or hold what is not known', async () => {
    await each(
      (one) => one.hasBody,
      async (one) => {
        const params = await api.made(one, ADMIN_KEY)
        for (const json of [[], 'text', 7, null, { ...(one.example as object), notAField: 1 }]) {
          const answer = await api.call(one, params, { json })
          assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], JSON.stringify(json))
        }
        const headers = { 'Content-Type': 'application/json' }
        assert.equal((await api.call(one, params, { body: '{"a":', headers })).code, 'VALIDATION_ERROR')
      },
    )
  })

  it('misses a body that it needs', async () => {
    await each(
      (one) => one.bodyRequired,
      async (one) => {
        const answer = await api.call(one, await api.made(one, ADMIN_KEY))
        assert.equal(answer.code, 'VALIDATION_ERROR')
      },
    )
  })

  it('refuses a body that is not called JSON, which would be passed over', async () => {
    await each(
      (one) => one.hasBody,
      async (one) => {
        const params = await api.made(one, ADMIN_KEY)
        for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
          const body = JSON.stringify(one.example)
          const answer = await api.call(one, params, { body, headers: { 'Content-Type': type } })
          assert.equal(answer.code, 'VALIDATION_ERROR', type)
        }
      },
    )
  })

  it('refuses a body beyond the limit', async () => {
    await each(
      (one) => one.hasBody && one.id !== 'submitBatch',
      async (one) => {
        const headers = { 'Content-Type': 'application/json' }
        const body = JSON.stringify({ text: 'x'.repeat(MIB) })
        const answer = await api.call(one, MISSING, { body, headers })
        assert.deepEqual([answer.status, answer.code], [413, 'PAYLOAD_TOO_LARGE'])
      },
    )
  })

  it('refuses parameters that it does not know, and values that they cannot have', async () => {
    await each(
      (one) => one.query.length > 0,
      async (one) => {
        const params = await api.made(one, ADMIN_KEY)
        const wrong: Record<string, string>[] = [{ nothing: '1' }]
        if (one.query.includes('limit')) wrong.push({ limit: '0' }, { limit: '101' }, { page: 'x' }, { cursor: '!' })
        if (one.query.includes('sort')) wrong.push({ sort: 'nothing:asc' }, { sort: 'createdAt:up' })
        if (one.query.includes('fields')) wrong.push({ fields: 'nothing' })
        for (const query of wrong) {
          const answer = await api.call(one, params, { ...bodyOf(one), query })
          assert.equal(answer.code, 'VALIDATION_ERROR', JSON.stringify(query))
          assert.equal(answer.body.error.details.in, 'query')
        }
      },
    )
  })

  it('answers another owner’s object as one that is not there', async () => {
    await each(
      (one) => /\{id\}/.test(one.path) && !one.path.includes('/providers/'),
      async (one) => {
        const params = await api.made(one, mine)
        const theirs = await api.call(one, params, { key: other, ...bodyOf(one) })
        assert.equal(theirs.status, 404, JSON.stringify(theirs.body))
        const missing = await api.call(one, MISSING, { key: other, ...bodyOf(one) })
        assert.deepEqual([missing.status, missing.code], [404, theirs.code])
      },
    )
  })

  it('refuses an Idempotency-Key that is none', async () => {
    await each(
      (one) => one.takesKey,
      async (one) => {
        const headers = { 'Idempotency-Key': 'x'.repeat(256) }
        const answer = await api.call(one, await api.made(one, ADMIN_KEY), { ...bodyOf(one), headers })
        assert.equal(answer.code, 'VALIDATION_ERROR')
      },
    )
  })
})
