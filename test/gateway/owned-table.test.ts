import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Principal } from '../../gateway/http/principal.ts'
import { EVERY_OWNER, type Owned, openOwnedTable } from '../../gateway/records/owned-table.ts'
import { openTable } from '../../gateway/records/table.ts'
import { openTestGateway, type TestGateway } from './support/test-gateway.ts'

interface Thing extends Owned {
  forAll?: boolean
  hidden?: boolean
}

const API = '/api/plugin-core'
const who = (owner: string): Principal => ({ keyId: owner, owner, grants: [], via: 'key' })
const ADMIN: Principal = { ...who('admin'), grants: ['admin'] }
const ids = (things: Thing[]): string[] => things.map(({ id }) => id)

let gateway: TestGateway
/** Ids that were read since. */
let read: string[] = []

describe('records of owners', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
    read = []
  })
  afterEach(async () => {
    await gateway.close()
  })

  async function open(limit?: { most: number; what: string }) {
    const { db } = gateway
    const table = openTable<Thing>(db, 'things')
    const getMany = table.getMany.bind(table)
    Object.assign(table, {
      getMany: async (keys: string[]) => {
        read.push(...keys)
        return await getMany(keys)
      },
    })
    const init = {
      isForAll: ({ forAll = false }: Thing) => forAll,
      isListed: ({ hidden = false }: Thing) => !hidden,
      ...(limit === undefined ? {} : { limit }),
    }
    return await openOwnedTable({ db, table }, init)
  }

  it('are listed by reading those of the page and no other owner’s, newest first, also after a restart', async () => {
    const table = await open()
    for (let i = 0; i < 50; i += 1) {
      await table.add({ id: `b${String(i).padStart(2, '0')}`, owner: 'bob' })
      if (i % 10 === 0) await table.add({ id: `a${i / 10}`, owner: 'alice' })
    }
    for (const each of [table, await open()]) {
      read = []
      const first = await each.page(who('alice'), { page: 1, limit: 3 })
      assert.deepEqual(ids(first.items), ['a4', 'a3', 'a2'])
      assert.deepEqual([first.pagination.total, first.pagination.pages], [5, 2])
      const cursor = first.pagination.nextCursor ?? ''
      assert.deepEqual(ids((await each.page(who('alice'), { page: 1, limit: 3, cursor })).items), ['a1', 'a0'])
      assert.deepEqual(read, ['a4', 'a3', 'a2', 'a1', 'a0'])
      assert.equal((await each.page(who('carol'), { page: 1, limit: 3 })).pagination.total, 0)
      const all = await each.page(ADMIN, { page: 2, limit: 50 })
      assert.deepEqual([all.pagination.total, ids(all.items)], [55, ['a4', 'a3', 'a2', 'a1', 'a0']])
    }
  })

  it('leave their lists as they go, join them as they are shown, and concern every owner where they do', async () => {
    const table = await open()
    await table.add({ id: 'a1', owner: 'alice' })
    await table.add({ id: 'a2', owner: 'alice', hidden: true })
    await table.add({ id: 'a3', owner: 'admin', forAll: true })
    const alices = async () => ids((await table.page(who('alice'), { page: 1, limit: 9 })).items)
    assert.deepEqual(await alices(), ['a1'])
    await table.put({ id: 'a2', owner: 'alice' })
    await table.put({ id: 'a2', owner: 'alice' })
    assert.deepEqual(await alices(), ['a2', 'a1'])
    await table.del('a1')
    assert.deepEqual(await alices(), ['a2'])
    assert.deepEqual(ids(await Array.fromAsync(table.each('alice'))), ['a2'])
    assert.deepEqual(ids(await Array.fromAsync(table.each(EVERY_OWNER))), ['a3'])
    assert.deepEqual(ids(await Array.fromAsync(table.all())), ['a2', 'a3'])
  })

  it('are no more than an owner may have, also where they are added at the same moment', async () => {
    const table = await open({ most: 5, what: 'things' })
    const added = await Promise.allSettled(
      Array.from({ length: 9 }, async (_, i) => await table.add({ id: `a${i}`, owner: 'alice' })),
    )
    const refused = added.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    assert.deepEqual([...new Set(refused.map(({ code }) => code))], ['LIMIT_REACHED'])
    assert.deepEqual([refused.length, refused[0].details], [4, { limit: 5 }])
    await table.add({ id: 'b', owner: 'bob' })
    await table.del('a0')
    await table.add({ id: 'a9', owner: 'alice' })
    assert.equal((await table.page(who('alice'), { page: 1, limit: 9 })).pagination.total, 5)
  })

  const config = { image: 'busybox' }
  const KINDS: [kind: string, path: string, limit: number, body: (i: number) => unknown][] = [
    ['templates', `${API}/jobs/templates`, 1000, (i) => ({ name: `t${i}`, config })],
    ['schedules', `${API}/jobs/schedules`, 500, (i) => ({ name: `s${i}`, schedule: '0 3 * * *', config })],
    ['webhooks', `${API}/webhooks`, 100, (i) => ({ url: `http://127.0.0.1/${i}`, events: ['job.failed'] })],
    ['keys', '/api/auth/keys', 1000, (i) => ({ name: `k${i}` })],
  ]
  for (const [kind, path, limit, body] of KINDS) {
    it(`are ${limit} ${kind} at most, and the refusal names the limit`, async () => {
      await gateway.close()
      gateway = await openTestGateway({ allowPrivateWebhooks: true })
      const key = await gateway.keyFor('alice', ['jobs:*', 'templates:*', 'webhooks:*', 'keys:*'])
      const before = kind === 'keys' ? 1 : 0
      for (let i = before; i < limit; i += 1) {
        const { status, code } = await gateway.ask('POST', path, { key, json: body(i) })
        assert.equal(status, 201, `${i}: ${code}`)
      }
      const { status, code, body: answer } = await gateway.ask('POST', path, { key, json: body(limit) })
      assert.deepEqual([status, code], [409, 'LIMIT_REACHED'])
      assert.deepEqual(answer.error.details, { limit })
      assert.match(answer.error.message, new RegExp(`${limit} ${kind}`))
      const other = await gateway.ask('POST', path, { json: body(limit) })
      assert.equal(other.status, 201, 'another owner has his own')
    })
  }
})
