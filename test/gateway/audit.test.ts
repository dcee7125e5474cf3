import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'

let gateway: TestGateway

describe('the audit log', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('has every change and every wrong key, and no bodies', async () => {
    const alice = await gateway.keyFor('alice')
    const id = await submit(gateway, { env: { PASSWORD: 'hidden' } }, alice)
    await gateway.ask('GET', '/api/plugin-core/jobs')
    await gateway.ask('GET', '/api/plugin-core/jobs?x=1', { key: 'guess' })
    await gateway.ask('POST', `/api/plugin-core/jobs/${id}/cancel`, { key: alice })
    const answer = await gateway.ask('GET', '/api/system/audit')
    assert.deepEqual(
      answer.data.map(({ method, path, status, owner }: Record<string, unknown>) => [method, path, status, owner]),
      [
        ['POST', `/api/plugin-core/jobs/${id}/cancel`, 200, 'alice'],
        ['GET', '/api/plugin-core/jobs', 401, null],
        ['POST', '/api/plugin-core/jobs', 201, 'alice'],
      ],
    )
    assert.doesNotMatch(JSON.stringify(answer.body), /hidden|guess/)
  })

  it('is paged, and for admins only', async () => {
    for (let i = 0; i < 5; i += 1) await submit(gateway)
    const ids = (answer: { data: { id: number }[] }) => answer.data.map(({ id }) => id)
    const first = await gateway.ask('GET', '/api/system/audit?limit=2')
    assert.deepEqual([ids(first), first.body.meta.pagination.total], [[5, 4], 5])
    const cursor = first.body.meta.pagination.nextCursor
    assert.deepEqual(ids(await gateway.ask('GET', `/api/system/audit?limit=2&cursor=${cursor}`)), [3, 2])
    assert.deepEqual(ids(await gateway.ask('GET', '/api/system/audit?limit=2&page=3')), [1])
    const alice = await gateway.keyFor('alice')
    assert.equal((await gateway.ask('GET', '/api/system/audit', { key: alice })).status, 403)
  })
})
