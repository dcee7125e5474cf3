import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { costNow, secondsLeft } from '../../../gateway/contract/cost.ts'
import { hasEnded } from '../../../gateway/contract/job-status.ts'
import { eachOnce } from '../../../gateway/dashboard/src/jobs/actions/many.ts'
import type { JobRow } from '../../../gateway/dashboard/src/jobs/job-row.ts'
import { applyToPages, rowsOf } from '../../../gateway/dashboard/src/jobs/list/apply-change.ts'
import { batchPaceMs } from '../../../gateway/dashboard/src/jobs/list/batch-pace.ts'
import { isBeginning } from '../../../gateway/dashboard/src/jobs/list/beginning.ts'
import { filterOf, type JobFilter, matches, mayList, queryOf } from '../../../gateway/dashboard/src/jobs/list/filter.ts'

const job = (id: string, rest: Partial<JobRow> = {}): JobRow =>
  ({
    id,
    status: 'running',
    image: 'busybox:1.36',
    command: ['echo', 'Hello'],
    labels: { team: 'research' },
    ...rest,
  }) as JobRow

describe('the filter in the address', () => {
  const cases: [what: string, search: Record<string, unknown>, wanted: JobFilter][] = [
    ['nothing', {}, {}],
    ['one status', { status: 'running' }, { status: ['running'] }],
    ['several, in the order of a life', { status: ['failed', 'pending'] }, { status: ['pending', 'failed'] }],
    ['several in one text', { status: 'failed,running' }, { status: ['running', 'failed'] }],
    ['a status that there is not', { status: ['nonsense', { a: 1 }] }, {}],
    ['a search that looks like a number', { q: 42 }, { q: '42' }],
    ['a search of no kind', { q: { $ne: 1 } }, {}],
    ['a search without end', { q: 'x'.repeat(1000) }, { q: 'x'.repeat(200) }],
    ['a label', { label: 'team=a=b' }, { label: ['team=a=b'] }],
    ['labels, each once', { label: ['a=1', 'b=2', 'a=1', '=3', {}] }, { label: ['a=1', 'b=2'] }],
    ['a label without value', { label: 'team' }, {}],
    ['days', { from: '2026-11-01', to: '2026-11-30' }, { from: '2026-11-01', to: '2026-11-30' }],
    ['no days', { from: 'yesterday', to: 20261130 }, {}],
    ['an owner, and batches that are not folded', { owner: 'ada', fold: false }, { owner: 'ada', fold: false }],
    ['batches that are folded as always', { fold: true }, {}],
    ['what cannot be folded', { fold: 'no' }, {}],
    ['an order', { sort: 'cost:desc' }, { sort: 'cost:desc' }],
    ['the order that is always there', { sort: 'createdAt:desc' }, {}],
    ['an order that there is not', { sort: 'secret:asc' }, {}],
  ]
  for (const [what, search, wanted] of cases) {
    it(`reads ${what}`, () => {
      const filter = filterOf(search)
      assert.deepEqual(filter, wanted)
      assert.deepEqual(filterOf(JSON.parse(JSON.stringify(filter))), wanted)
    })
  }

  it('becomes the query of the API', () => {
    assert.deepEqual(queryOf({ status: ['running'], q: 'a', label: ['team=a=b', 'x=y'], sort: 'cost:desc' }), {
      ...{ status: ['running'], q: 'a', fold: true, sort: 'cost:desc' },
      labels: { team: 'a=b', x: 'y' },
    })
    assert.deepEqual(queryOf({}), { fold: true })
    assert.deepEqual(queryOf({ fold: false }), {})
    assert.deepEqual(queryOf({ batch: 'b1' }), { batch: 'b1' })
    // Whole days of the viewer, wherever that is.
    const day = new Date(2026, 10, 28)
    const { from, to } = queryOf({ from: '2026-11-28', to: '2026-11-28' })
    assert.deepEqual([from, to], [day, new Date(new Date(2026, 10, 29).getTime() - 1)])
  })

  it('says whether a job belongs in the list', () => {
    const createdAt = new Date(2026, 10, 28, 12).toISOString()
    const one = job('job_1', { assignedProvider: 'p1', origin: { batch: 'b1' }, owner: 'ada', createdAt })
    const yes: JobFilter[] = [
      {},
      { q: 'hello' },
      { q: 'RESEARCH' },
      { provider: 'p1' },
      { batch: 'b1' },
      { label: ['team=research'] },
      { owner: 'ada' },
      { from: '2026-11-28', to: '2026-11-28' },
      { fold: false },
    ]
    const no: JobFilter[] = [
      { q: 'bye' },
      { provider: 'p2' },
      { batch: 'b2' },
      { label: ['team=web'] },
      { label: ['team=research', 'more=1'] },
      { owner: 'eve' },
      { to: '2026-11-27' },
      { from: '2026-11-29' },
      { status: ['failed'] },
    ]
    for (const filter of yes) assert.equal(matches(one, filter), true, JSON.stringify(filter))
    for (const filter of no) assert.equal(matches(one, filter), false, JSON.stringify(filter))
    // An answer under way may still have it as it was before: only what never changes keeps a job out of a list.
    const never = no.filter((filter) => !mayList(one, filter))
    assert.deepEqual(
      never.map((filter) => Object.keys(filter)[0]),
      ['batch', 'owner', 'to', 'from'],
    )
    assert.deepEqual(
      yes.filter((filter) => !mayList(one, filter)),
      [],
    )
  })
})

describe('a change in the loaded pages', () => {
  const pages = (...items: JobRow[][]) => ({
    pages: items.map((page) => ({ items: page, pagination: { total: 3, nextCursor: null } })),
    pageParams: items.map(() => undefined),
  })
  const shown = (data: { pages: { items: JobRow[] }[] }) =>
    data.pages.map(({ items }) => items.map(({ id, status }) => `${id} ${status}`))
  const data = pages([job('c'), job('b')], [job('a')]) as never

  it('changes a job in its place, and leaves other pages as they are', () => {
    const next = applyToPages(data, [job('a', { status: 'completed' })], {})
    assert.deepEqual(shown(next), [['c running', 'b running'], ['a completed']])
    assert.equal(next.pages[0], (data as typeof next).pages[0])
  })

  it('takes away what no longer matches, and counts it', () => {
    const next = applyToPages(data, [job('b', { status: 'failed' })], { status: ['running'] })
    assert.deepEqual(shown(next), [['c running'], ['a running']])
    assert.equal(next.pages[1]?.pagination.total, 2)
  })

  it('puts new ones on top, the newest first, but only where the newest come first', () => {
    const added = [job('d'), job('e')]
    assert.deepEqual(shown(applyToPages(data, added, {}))[0], ['e running', 'd running', 'c running', 'b running'])
    assert.deepEqual(shown(applyToPages(data, added, { sort: 'cost:desc' })), shown(data))
    assert.deepEqual(shown(applyToPages(data, [job('0-old')], {})), shown(data))
  })

  it('shows a batch once, though a later page has it for another of its jobs', () => {
    const of = (id: string) => job(id, { origin: { batch: 'b1' } })
    const loaded = pages([job('e'), of('d')], [of('c'), job('b'), job('b')]) as never
    const ids = (filter: JobFilter) => rowsOf(loaded, filter).map(({ id }) => id)
    assert.deepEqual(ids({}), ['e', 'd', 'b'])
    assert.deepEqual(ids({ fold: false }), ['e', 'd', 'c', 'b'])
  })

  it('leaves the row of a batch, on top once a new job of it is', () => {
    const of = (id: string, rest: Partial<JobRow> = {}) => job(id, { origin: { batch: 'b1' }, ...rest })
    const batch = { id: 'b1', total: 9 } as NonNullable<JobRow['batch']>
    const folded = pages([job('d'), of('c', { batch })], [job('a')]) as never
    const failed = applyToPages(folded, [of('c', { status: 'failed' })], { status: ['running'] })
    assert.deepEqual(shown(failed), [['d running', 'c failed'], ['a running']])
    const grown = applyToPages(folded, [of('e'), of('f'), job('g')], {})
    assert.deepEqual(shown(grown), [['g running', 'f running', 'd running'], ['a running']])
    assert.equal(grown.pages[0]?.items[1]?.batch, batch)
    assert.equal(grown.pages[0]?.pagination.total, 6)
    assert.deepEqual(shown(applyToPages(folded, [of('e'), of('f')], { fold: false }))[0], [
      ...['f running', 'e running', 'd running', 'c running'],
    ])
  })
})

describe('the rows of batches', () => {
  it('are asked for again often, but never so that all of them use up what a key may ask', () => {
    assert.equal(batchPaceMs(3), 5_000)
    for (const inSight of [10, 40, 100]) assert.ok((inSight * 60_000) / batchPaceMs(inSight) <= 150, `${inSight}`)
  })

  it('say that somebody is no beginner, once a job of one has done its work', () => {
    const counts = { pending: 3, scheduled: 0, running: 0, completed: 0, failed: 1, cancelled: 0 }
    const row = (completed: number) =>
      job('a', { status: 'failed', batch: { counts: { ...counts, completed } } as NonNullable<JobRow['batch']> })
    assert.deepEqual([isBeginning([row(0)]), isBeginning([row(5)]), isBeginning([])], [true, false, true])
  })
})

describe('what a job costs now', () => {
  const startedAt = '2026-01-01T00:00:00.000Z'
  const cost = { current: 0.1, projected: 3.6, currency: 'USD' as const }
  const at = (seconds: number): number => Date.parse(startedAt) + seconds * 1000

  it('grows by the second, to no more than its projection', () => {
    assert.equal(costNow({ cost, startedAt, duration: 3600 }, at(1800)), 1.8)
    assert.equal(costNow({ cost, startedAt, duration: 3600 }, at(9999)), 3.6)
    assert.equal(costNow({ cost, startedAt, duration: 3600 }, at(-50)), 0.1)
    assert.equal(costNow({ cost: { ...cost, final: 2 }, startedAt, duration: 3600 }, at(9999)), 2)
    assert.equal(costNow({ cost, duration: 3600 }, at(10)), 0.1)
    assert.equal(costNow({}, at(10)), 0)
  })

  it('tells the time that is left', () => {
    assert.equal(secondsLeft({ startedAt, duration: 60 }, at(15)), 45)
    assert.equal(secondsLeft({ startedAt, duration: 60 }, at(90)), 0)
    assert.equal(secondsLeft({ startedAt, endedAt: startedAt, duration: 60 }, at(1)), null)
    assert.equal(secondsLeft({ duration: 60 }, at(1)), null)
  })

  it('knows the ends', () => {
    const ends = ['pending', 'scheduled', 'running', 'completed', 'failed', 'cancelled', undefined].filter(hasEnded)
    assert.deepEqual(ends, ['completed', 'failed', 'cancelled'])
  })
})

describe('something done to many jobs', () => {
  it('is tried for all, and once more only for those for which it did not work', async () => {
    const many = Array.from({ length: 12 }, (_, index) => index)
    const tried: number[] = []
    let isFull = true
    const go = eachOnce(many, async (one) => {
      tried.push(one)
      if (isFull && one % 6 === 1) throw new Error(`no room for ${one}`)
    })
    await assert.rejects(go, /worked for 10, and not for 2, .*: no room for 1$/)
    assert.deepEqual(tried.splice(0), many)
    isFull = false
    await go()
    assert.deepEqual(tried.splice(0), [1, 7])
    await go()
    assert.deepEqual(tried, [])
  })

  it('tells of one job its own reason', async () => {
    const reason = new Error('not yours')
    await assert.rejects(
      eachOnce([1], async () => await Promise.reject(reason)),
      reason,
    )
  })
})
