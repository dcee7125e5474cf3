import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pageSchema, successSchema } from '../../gateway/contract/envelope.ts'
import { jobListItemSchema } from '../../gateway/contract/job-list.ts'
import { dryRunSchema } from '../../gateway/contract/jobs.ts'
import { failure } from '../../protocol/failures.ts'
import { jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { type Answer, openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER } from './support/test-node.ts'

let gateway: TestGateway

async function list(query: string): Promise<Answer> {
  const answer = await gateway.ask('GET', `/api/plugin-core/jobs${query}`)
  if (answer.status === 200) pageSchema(jobListItemSchema).parse(answer.body)
  return answer
}

const ids = (answer: Answer): string[] => answer.data.map(({ id }: { id: string }) => id)

describe('list of jobs', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('pages newest first by number and by cursor, without gap or repeat', async () => {
    const all: string[] = []
    for (let i = 0; i < 7; i += 1) all.unshift(await submit(gateway))
    const first = await list('?limit=3')
    assert.deepEqual(ids(first), all.slice(0, 3))
    const { nextCursor, ...pagination } = first.body.meta.pagination
    assert.deepEqual(pagination, { total: 7, page: 1, limit: 3, pages: 3 })
    assert.deepEqual(ids(await list('?limit=3&page=2')), all.slice(3, 6))
    const second = await list(`?limit=3&cursor=${nextCursor}`)
    assert.deepEqual(ids(second), all.slice(3, 6))
    const third = await list(`?limit=3&cursor=${second.body.meta.pagination.nextCursor}`)
    assert.deepEqual([ids(third), third.body.meta.pagination.nextCursor], [all.slice(6), null])
    assert.deepEqual(ids(await list('?page=9')), [])
    assert.deepEqual(ids(await list('?sort=createdAt:asc&limit=2')), all.toReversed().slice(0, 2))
  })

  it('tells an admin whose jobs they are, and nobody else of others’', async () => {
    const key = await gateway.keyFor('eve')
    const [hers, ours] = [await submit(gateway, {}, key), await submit(gateway)]
    const asked = async (query: string, as?: string) =>
      ids(await gateway.ask('GET', `/api/plugin-core/jobs${query}`, as === undefined ? {} : { key: as }))
    assert.deepEqual(await asked(''), [ours, hers])
    assert.deepEqual(await asked('?owner=eve'), [hers])
    assert.deepEqual(await asked('', key), [hers])
    assert.deepEqual(await asked('?owner=eve', key), [hers])
    assert.deepEqual(await asked('?owner=admin', key), [])
    const { data } = await list('?fields=owner')
    assert.deepEqual(data, [{ owner: 'admin' }, { owner: 'eve' }])
  })

  it('filters by status, provider, time, label, batch and text', async () => {
    const plain = await submit(gateway, { image: 'alpine' })
    const labelled = await submit(gateway, {
      ...{ name: 'train', labels: { team: 'research', 'x/y': '1' } },
      args: ['Find-Me'],
    })
    await gateway.play.start(labelled)
    const cases: [string, string[]][] = [
      ['?status=running', [labelled]],
      ['?status=pending,running', [labelled, plain]],
      ['?status=pending,pending', [plain]],
      ['?status=failed', []],
      [`?provider=${PROVIDER}`, [labelled]],
      ['?provider=p2p', [labelled, plain]],
      ['?provider=other', []],
      ['?label.team=research', [labelled]],
      ['?label.x/y=1&label.team=research', [labelled]],
      ['?label.team=other', []],
      ['?q=find-me', [labelled]],
      ['?q=ALPINE', [plain]],
      ['?q=TRAI', [labelled]],
      ['?name=train', [labelled]],
      ['?name=train&q=alpine', []],
      ['?name=trai', []],
      ['?batch=batch_other', []],
      ['?batch=none', [labelled, plain]],
      ['?batch=none&label.team=research', [labelled]],
      ['?owner=admin', [labelled, plain]],
      ['?owner=eve', []],
      ['?from=2000-01-01T00:00:00Z', [labelled, plain]],
      ['?to=2000-01-01T00:00:00Z', []],
      ['?from=2000-01-01&status=running&label.team=research', [labelled]],
    ]
    for (const [query, expected] of cases) {
      const answer = await list(query)
      assert.deepEqual(ids(answer), expected, query)
      assert.equal(answer.body.meta.pagination.total, expected.length, query)
    }
  })

  it('folds a batch to its first job in the order that is asked for, and tells how all of it are', async () => {
    const alone = await submit(gateway, { cpu: 200 })
    const jobs = [100, 300, 500].map((cpu) => ({ image: 'busybox', cpu }))
    const batch = await gateway.ask('POST', '/api/plugin-core/jobs/batch', { json: { jobs, concurrency: 1 } })
    const [small = '', , large = ''] = batch.data.jobIds as string[]
    await gateway.batchRunner.idle()
    await gateway.ask('POST', `/api/plugin-core/jobs/${large}/cancel`)
    const cases: [string, string[]][] = [
      ['', [large, alone]],
      ['&sort=cpu:asc', [small, alone]],
      ['&sort=cpu:asc&status=cancelled', [large]],
      ['&status=pending&q=busybox', [batch.data.jobIds[1], alone]],
    ]
    for (const [query, expected] of cases) assert.deepEqual(ids(await list(`?fold=true${query}`)), expected, query)
    const first = await list('?fold=true&limit=1')
    const { total, nextCursor } = first.body.meta.pagination
    assert.deepEqual([ids(first), total], [[large], 4])
    assert.deepEqual(ids(await list(`?fold=true&limit=1&cursor=${nextCursor}`)), [alone])

    const told = (await list('?fold=true&fields=batch,id')).data
    assert.deepEqual(told[1], { id: alone })
    const { counts, ...rest } = told[0].batch
    assert.deepEqual([rest.id, rest.total, counts.pending + counts.cancelled], [batch.data.batchId, 3, 3])
    assert.equal((await list('')).data[0].batch, undefined)
  })

  it('sorts by any listed field, also over pages', async () => {
    const sizes = ['1Gi', '300Mi', '2Gi', '1Gi', '64Mi']
    const made = new Map<string, string>()
    for (const memory of sizes) made.set(await submit(gateway, { memory }), memory)
    const first = await list('?sort=memory:asc&limit=2')
    const second = await list(`?sort=memory:asc&limit=2&cursor=${first.body.meta.pagination.nextCursor}`)
    const third = await list('?sort=memory:asc&limit=2&page=3')
    const order = [...ids(first), ...ids(second), ...ids(third)].map((id) => made.get(id))
    assert.deepEqual(order, ['64Mi', '300Mi', '1Gi', '1Gi', '2Gi'])
    const other = await list(`?sort=cpu:asc&cursor=${first.body.meta.pagination.nextCursor}`)
    assert.deepEqual([other.status, other.code], [400, 'VALIDATION_ERROR'])
  })

  it('gives only the fields asked for', async () => {
    await submit(gateway)
    const answer = await list('?fields=id,status')
    assert.deepEqual(Object.keys(answer.data[0]), ['id', 'status'])
  })

  it('refuses queries that it does not know, each by name', async () => {
    const cases: [string, string][] = [
      ['?colour=red', 'colour'],
      ['?status=sleeping', 'status'],
      ['?limit=101', 'limit'],
      ['?limit=0', 'limit'],
      ['?limit=ten', 'limit'],
      ['?page=-1', 'page'],
      ['?page=5002', 'page'],
      ['?page=1002&limit=100', 'page'],
      ['?sort=createdAt:up', 'sort'],
      ['?sort=secrets:asc', 'sort'],
      ['?fields=id,nothing', 'fields'],
      ['?from=yesterday', 'from'],
      ['?from=2026-02-30', 'from'],
      ['?to=2026-01-31T25:00:00Z', 'to'],
      ['?cursor=x', 'cursor'],
      ['?q=', 'q'],
    ]
    for (const [query, path] of cases) {
      const answer = await list(query)
      assert.deepEqual([answer.status, answer.body.error?.details.fields[0].path], [400, path], query)
    }
  })

  it('says of a job that waits why, until when, and what would help', async () => {
    const nearest = failure('NO_PROVIDER', 'Nobody took it', { reason: 'declined' })
    const helps = [{ text: 'Raise maxPrice to 0.02', changes: { maxPrice: '0.02' } }]
    const id = await submit(gateway, { image: 'busybox', secrets: { TOKEN: 'x' }, maxPrice: 0.01 })
    const path = `/api/plugin-core/jobs/${id}`
    assert.equal((await gateway.ask('GET', path)).data.waiting, undefined, 'nobody is looked for')
    gateway.market.waiting = { leftMs: 60_000, answered: 2, nearest }
    gateway.market.quoted = { quotes: [], nearest, helps }
    const before = Date.now()
    for (const shown of [(await gateway.ask('GET', path)).data, (await list('')).data[0]]) {
      const { givesUpAt, answered, ...rest } = shown.waiting
      assert.ok(Date.parse(givesUpAt) >= before + 60_000)
      assert.deepEqual([answered, rest.nearest.fault, rest.nearest.change], [2, 'user', null])
    }
    const why = await gateway.ask('GET', `${path}/why`)
    const { data } = successSchema(dryRunSchema).parse(why.body)
    assert.deepEqual([data.accepted, data.nearest?.message, data.helps], [false, 'Nobody took it', helps])
    const changed = await gateway.ask('PUT', path, { json: { ...helps[0]?.changes, isolation: null } })
    assert.equal(changed.data.config.maxPrice, '0.02')
    assert.equal((await gateway.ask('GET', `${path}/why`, { key: await gateway.keyFor('other') })).status, 404)
    const reader = await gateway.keyFor('admin', ['jobs:read'])
    assert.equal((await gateway.ask('GET', `${path}/why`, { key: reader })).status, 403, 'it costs providers an answer')
    await gateway.play.start(id)
    assert.equal((await gateway.ask('GET', path)).data.waiting, undefined)
  })

  it('says why nobody takes a job whose provider is gone, and changes it', async () => {
    gateway.market.quoted = { quotes: [], nearest: failure('NO_PROVIDER'), helps: [] }
    const gone = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
    const spec = jobSubmissionSchema.parse({ image: 'busybox', provider: gone })
    const { job } = await gateway.store.create({ owner: 'admin', ...splitSecrets(spec), held: true })
    const path = `/api/plugin-core/jobs/${job.id}`
    const { status, data } = await gateway.ask('GET', `${path}/why`)
    assert.deepEqual([status, data?.accepted], [200, false])
    assert.equal((await gateway.ask('PUT', path, { json: { cpu: 200 } })).data.provider, gone)
    assert.equal((await gateway.ask('PUT', path, { json: { provider: 'p2p' } })).data.provider, 'p2p')
  })
})
