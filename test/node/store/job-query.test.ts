import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import type { Database } from '../../../node/store/database.ts'
import type { JobQuery, JobRecord, JobStore } from '../../../node/store/index.ts'
import { JOB_SORTS, type JobSort } from '../../../node/store/indexes/fields.ts'
import { rebuildIndexes } from '../../../node/store/indexes/rebuild.ts'
import { leaseOf } from '../../../node/store/records.ts'
import { createTables } from '../../../node/store/tables.ts'
import { currentCost } from '../../../node/views/cost.ts'
import { JOB_STATUSES, type JobStatus } from '../../../protocol/lifecycle.ts'
import { parseBytes } from '../../../protocol/units.ts'
import { bringTo, openSampleStore, randomFrom, submitSample } from './support/sample-jobs.ts'

const JOBS = 240
const BEGIN = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000

const random = randomFrom(7)
const one = <T>(...values: T[]): T => values[Math.floor(random() * values.length)] as T
/** More labels than can be sorted by, so that some are surplus. */
const MANY = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`k${String.fromCharCode(97 + i)}`, 'v']))

let folder: string
let database: Database
let store: JobStore
let jobs: JobRecord[]

/** What is sorted by, written anew here: the store's own way is what is tested. */
const VALUES: Record<JobSort, (job: JobRecord) => number | string> = {
  createdAt: () => 0,
  scheduledAt: ({ state }) => ('scheduledAtMs' in state ? (state.scheduledAtMs ?? 0) : 0),
  startedAt: ({ state }) => ('startedAtMs' in state ? (state.startedAtMs ?? 0) : 0),
  endedAt: ({ state }) => ('endedAtMs' in state ? state.endedAtMs : 0),
  status: ({ state }) => JOB_STATUSES.indexOf(state.status),
  image: ({ spec }) => spec.image,
  provider: ({ spec }) => spec.provider,
  cpu: ({ spec }) => spec.cpu,
  memory: ({ spec }) => parseBytes(spec.memory) ?? 0,
  storage: ({ spec }) => parseBytes(spec.storage) ?? 0,
  gpu: ({ spec }) => spec.gpu,
  duration: (job) => job.durationSeconds,
  cost: (job) => Number(currentCost(job)),
}

function expected(query: Omit<JobQuery, 'limit'>): string[] {
  const { sort = 'createdAt', order = 'desc', labels = {}, fromMs = 0, toMs = Infinity } = query
  const places = new Map(jobs.map(({ id }, place) => [id, place]))
  const made = ({ id }: JobRecord) => BEGIN + (places.get(id) ?? 0) * HOUR
  const value = VALUES[sort]
  const rising = jobs
    .filter((job) => query.owner === undefined || job.owner === query.owner)
    .filter((job) => query.statuses === undefined || query.statuses.includes(job.state.status))
    .filter((job) => query.provider === undefined || leaseOf(job)?.provider === query.provider)
    .filter((job) => query.askedProvider === undefined || job.spec.provider === query.askedProvider)
    .filter((job) => query.batch === undefined || job.origin.batch === query.batch)
    .filter((job) => Object.entries(labels).every(([name, text]) => job.spec.labels[name] === text))
    .filter((job) => made(job) >= fromMs && made(job) <= toMs)
    .filter((job) => query.where?.(job) ?? true)
    .toSorted((a, b) => {
      const [x, y] = [value(a), value(b)]
      return x === y ? (a.id < b.id ? -1 : 1) : x < y ? -1 : 1
    })
  return (order === 'asc' ? rising : rising.toReversed()).map(({ id }) => id)
}

/** Of each batch the first alone. */
function foldedTo(ids: string[]): string[] {
  const batches = new Map(jobs.map(({ id, origin }) => [id, origin.batch ?? id]))
  const seen = new Set<string | undefined>()
  return ids.filter((id) => seen.size < seen.add(batches.get(id)).size)
}

async function assertListed(query: Omit<JobQuery, 'limit'>): Promise<void> {
  const name = JSON.stringify(query)
  const matching = expected(query)
  const all = query.fold ? foldedTo(matching) : matching
  const limit = 1 + Math.floor(random() * 120)
  const paged: string[] = []
  let from: string | undefined
  for (;;) {
    const page = await store.list({ ...query, ...(from === undefined ? {} : { after: from }), limit })
    if (from === undefined) assert.equal(page.total, matching.length, name)
    paged.push(...page.jobs.map(({ id }) => id))
    if (!page.hasMore || page.next === null) break
    from = page.next
  }
  assert.deepEqual(paged, all, name)
  const offset = Math.floor(random() * (all.length + 3))
  const numbered = await store.list({ ...query, offset, limit })
  assert.deepEqual(
    [numbered.jobs.map(({ id }) => id), numbered.total, numbered.hasMore],
    [all.slice(offset, offset + limit), matching.length, offset + limit < all.length],
    `${name} from ${offset}`,
  )
}

describe('queries of jobs', () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-query-'))
    ;({ database, store } = await openSampleStore(folder, systemClock))
    const ids: string[] = []
    for (let i = 0; i < JOBS; i += 1) {
      const fields = {
        image: one('alpine', 'busybox', 'busybox:1.36', 'library/busybox'),
        cpu: one(100, 250, 1000, 12_000),
        memory: one('64Mi', '512Mi', '1Gi', '10Gi'),
        storage: one('1Gi', '2Gi'),
        gpu: one(0, 0, 0, 1),
        duration: one(60, 3600, 99),
        labels: one({}, { team: 'a' }, { team: 'b', odd: 'x! ~\u00e9' }, { team: 'a', stage: 'test' }, MANY),
      }
      const sample = { owner: one('alice', 'bob', 'Carol & co'), createdAtMs: BEGIN + i * HOUR, fields }
      const batch = one(undefined, undefined, 'batch_1', 'batch_2')
      const { id } = await submitSample(store, { ...sample, ...(batch === undefined ? {} : { batch }) })
      ids.push(id)
      const how = {
        provider: one('p1', 'p2'),
        atMs: BEGIN + Math.floor(random() * 1e9),
        meteredMs: one(0, 5_000, 90_000),
      }
      await bringTo(store, id, one('pending', 'scheduled', 'running', 'completed', 'cancelled'), how)
    }
    jobs = (await Promise.all(ids.map(async (id) => await store.get(id)))).flatMap((job) => job ?? [])
  })

  after(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  it('passes over no more folded jobs than it may for a page, says so, and goes on where it stopped', async () => {
    const [found, pages]: [string[], (number | null)[]] = [[], []]
    let after: string | undefined
    for (;;) {
      const page = await store.listIds({ fold: true, ...(after === undefined ? {} : { after }), limit: 100, lookAt: 3 })
      found.push(...page.ids)
      pages.push(page.searched)
      if (!page.hasMore || page.next === null) break
      after = page.next
    }
    assert.deepEqual(found, foldedTo(expected({})))
    assert.ok(pages.length > 3)
    assert.equal(pages[0], 30)
    for (const searched of pages) assert.ok((searched ?? 0) <= 30, `${searched} looked at`)
  })

  it('counts what it takes to know which batches had their row', async () => {
    const [batches, jobsOfEach] = [12, 10]
    const place = await mkdtemp(join(tmpdir(), 'cortex-query-'))
    const other = await openSampleStore(place, systemClock)
    try {
      for (let i = 0; i < batches * jobsOfEach; i += 1) {
        const fields = { cpu: i < batches ? 200 : 100 }
        await submitSample(other.store, { createdAtMs: BEGIN + i * HOUR, fields, batch: `batch_${i % batches}` })
      }
      const first = await other.store.listIds({ sort: 'cpu', order: 'asc', limit: batches * (jobsOfEach - 1) })
      let [looks, after, pages]: [number, string | null, number] = [0, first.next, 0]
      const where = ({ spec }: JobRecord): boolean => {
        looks += 1
        return spec.cpu === 200
      }
      // Each of the last twelve is the first of its batch that matches, behind nine that do not.
      const found: string[] = []
      for (; after !== null; pages += 1) {
        looks = 0
        const page = await other.store.listIds({
          ...{ fold: true, sort: 'cpu', order: 'asc', where, after, limit: 100, lookAt: 20 },
        })
        assert.ok(looks <= batches + jobsOfEach, `${looks} looked at`)
        found.push(...page.ids)
        after = page.hasMore ? page.next : null
      }
      assert.deepEqual([new Set(found).size, found.length, pages > 6], [batches, batches, true])
      // Where all match, each of them had its row.
      pages = 0
      for (after = first.next; after !== null; pages += 1) {
        const how = { fold: true, sort: 'cpu', order: 'asc', after, limit: 100, lookAt: 50 } as const
        const page = await other.store.listIds(how)
        assert.deepEqual(page.ids, [])
        after = page.hasMore ? page.next : null
      }
      assert.ok(pages > 3, `${pages} pages`)
    } finally {
      await other.store.close()
      await rm(place, { recursive: true })
    }
  })

  it('entry 56: looks at no more jobs than it may, says so, and goes on where it stopped', async () => {
    for (const sort of JOB_SORTS) {
      for (const order of ['asc', 'desc'] as const) {
        for (const text of ['alpine', 'nothing like it']) {
          const query = { sort, order, where: ({ spec }: JobRecord) => spec.image === text }
          const [found, pages]: [string[], (number | null)[]] = [[], []]
          let after: string | undefined
          for (;;) {
            const page = await store.list({ ...query, ...(after === undefined ? {} : { after }), limit: 7, lookAt: 20 })
            found.push(...page.jobs.map(({ id }) => id))
            pages.push(page.searched)
            assert.ok((page.searched ?? 0) <= 40, `${page.searched} looked at`)
            if (page.searched !== null) assert.equal(page.isExact, false)
            if (!page.hasMore || page.next === null) break
            after = page.next
          }
          assert.deepEqual(found, expected(query), `${sort} ${order} ${text}`)
          assert.ok(pages.length >= 6, `${pages.length} pages`)
        }
      }
    }
  })

  const filters: Omit<JobQuery, 'limit'>[] = [
    {},
    { owner: 'alice' },
    { owner: 'Carol & co', statuses: ['running', 'completed'] },
    { owner: 'nobody' },
    { statuses: ['pending'] },
    { provider: 'p2' },
    { provider: 'p1', owner: 'bob', statuses: ['completed', 'scheduled'] },
    { askedProvider: 'p2p' },
    { askedProvider: 'p2p', batch: 'batch_1' },
    { askedProvider: 'other' },
    { batch: 'batch_2' },
    { labels: { team: 'a' } },
    { labels: { team: 'a', stage: 'test' } },
    { labels: { odd: 'x! ~\u00e9' }, owner: 'Carol & co' },
    { labels: { ka: 'v' } },
    { labels: { kl: 'v' } },
    { labels: { kl: 'v' }, owner: 'alice', statuses: ['running', 'pending', 'completed'] },
    { labels: { team: 'b' }, batch: 'batch_1', provider: 'p1' },
    { labels: { constructor: 'v' } },
    { fromMs: BEGIN + 50 * HOUR },
    { toMs: BEGIN + 50 * HOUR, owner: 'bob' },
    { fromMs: BEGIN + 20 * HOUR, toMs: BEGIN + 200 * HOUR, statuses: ['completed', 'cancelled'] },
    { fromMs: BEGIN + 20 * HOUR + 1, toMs: BEGIN + 200 * HOUR - 1, labels: { team: 'a' } },
    { fromMs: BEGIN + 20 * HOUR, toMs: BEGIN },
    { where: (job) => job.spec.cpu > 250, batch: 'batch_1' },
    { fold: true },
    { fold: true, owner: 'bob', statuses: ['running', 'completed'] },
    { fold: true, labels: { team: 'a' }, provider: 'p1' },
    { fold: true, labels: { kl: 'v' } },
    { fold: true, askedProvider: 'p2p' },
    { fold: true, fromMs: BEGIN + 20 * HOUR, toMs: BEGIN + 200 * HOUR },
    { fold: true, where: (job) => job.spec.image === 'busybox' },
  ]

  for (const sort of JOB_SORTS) {
    for (const order of ['asc', 'desc'] as const) {
      it(`answers every filter by ${sort} ${order}, by cursor and by page`, async () => {
        for (const filter of filters) await assertListed({ ...filter, sort, order })
      })
    }
  }

  it('lists what is not terminal, oldest first', async () => {
    const active: string[] = []
    for await (const { id } of store.active()) active.push(id)
    assert.deepEqual(active, expected({ statuses: ['pending', 'scheduled', 'running'], order: 'asc' }))
  })

  it('knows what jobs cost at a provider, of one owner and of all, without looking at them', async () => {
    for (const provider of ['p1', 'p2', 'p3', 'nobody']) {
      for (const owner of [undefined, 'alice', 'bob', 'nobody']) {
        const own = jobs.filter((job) => leaseOf(job)?.provider === provider && (owner ?? job.owner) === job.owner)
        const sum = own.reduce((total, job) => total + currentCost(job), 0n)
        assert.equal(await store.costAt(provider, owner), sum, `${provider} ${owner}`)
      }
    }
  })

  it('is made anew from the records where another version wrote it, also where that was cut off', async () => {
    const tables = createTables(database)
    const stored = async () => [
      await tables.order.iterator().all(),
      await tables.totals.iterator().all(),
      await tables.spans.iterator().all(),
      await tables.costs.iterator().all(),
    ]
    const was = await stored()
    await tables.meta.put('schema', '4')
    const clear = async () => await Promise.reject(new Error('the power is gone'))
    const cutOff = { ...tables, order: { clear } as unknown as typeof tables.order }
    await assert.rejects(rebuildIndexes({ tables: cutOff, database, logger: silentLogger }), /power/)
    assert.equal(await tables.meta.get('schema'), undefined, 'the version before makes its own, too')
    await tables.order.clear({ limit: 500 })
    await tables.totals.put('stray', 9)
    await tables.costs.put('stray', 9)
    await tables.index.put('old', '')
    await store.close()
    ;({ database, store } = await openSampleStore(folder, systemClock))
    const again = createTables(database)
    assert.deepEqual(
      [
        await again.order.iterator().all(),
        await again.totals.iterator().all(),
        await again.spans.iterator().all(),
        await again.costs.iterator().all(),
      ],
      was,
    )
    assert.deepEqual(await again.index.keys().all(), [])
    await assertListed({ owner: 'alice', sort: 'cost' })
  })

  it('counts right where many jobs change at once', async () => {
    const status = async () => (await store.list({ batch: 'batch_3', limit: 0 })).total
    const made = await Promise.all(
      Array.from({ length: 60 }, (_, i) => submitSample(store, { createdAtMs: BEGIN + i, batch: 'batch_3' })),
    )
    assert.equal(await status(), 60)
    await Promise.all(made.map(async ({ id }, i) => await bringTo(store, id, i % 3 === 0 ? 'completed' : 'running')))
    const count = async (one: JobStatus) => (await store.list({ batch: 'batch_3', statuses: [one], limit: 0 })).total
    assert.deepEqual([await count('pending'), await count('running'), await count('completed')], [0, 40, 20])
  })
})
