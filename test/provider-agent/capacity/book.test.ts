import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { NO_RESOURCES, RESOURCE_KINDS, type Resources } from '../../../protocol/units.ts'
import { createBook, type Holding } from '../../../provider-agent/capacity/book.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const TOTAL: Resources = { cpuMillis: 1000, memoryBytes: 1000, storageBytes: 1000, gpu: 2 }

const of = (amount: number, requester = 'r'): Holding => ({
  requester,
  resources: { ...NO_RESOURCES, cpuMillis: amount, memoryBytes: amount },
})

/** Whoever is called a stranger has awarded nothing here. */
const credit = { hasAwarded: (requester: string) => !requester.startsWith('stranger') }

function setUp() {
  const clock = createSimClock()
  const expired: string[] = []
  const book = createBook({ clock, credit }, { total: TOTAL, onExpired: (id) => expired.push(id) })
  return { clock, book, expired }
}

describe('kinds of GPU', () => {
  const gpus = (count: number, gpuKind?: string, requester = 'r'): Holding => ({
    requester,
    resources: { ...NO_RESOURCES, gpu: count },
    ...(gpuKind === undefined ? {} : { gpuKind }),
  })
  const free = (book: ReturnType<typeof setUp>['book'], requester: string | null = null) =>
    Object.fromEntries(book.gpusFreeFor(requester))

  it('are held apart, and what may be any of them holds all', () => {
    const { book } = setUp()
    book.resize(
      { ...TOTAL, gpu: 3 },
      new Map([
        ['h100', 2],
        ['t4', 1],
      ]),
    )
    assert.equal(book.reserve('a', gpus(1, 't4'), 1_000), true)
    assert.equal(book.reserve('b', gpus(1, 't4'), 1_000), false, 'there is but one')
    assert.deepEqual(free(book), { h100: 2, t4: 0 })
    assert.equal(book.reserve('c', gpus(2, 'h100'), 1_000), true)
    book.release('a')
    book.release('c')
    book.adopt('older', gpus(1))
    assert.deepEqual(free(book), { h100: 1, t4: 0 })
  })

  it('are not kept for strangers', () => {
    const { book } = setUp()
    book.resize(
      { ...TOTAL, gpu: 2 },
      new Map([
        ['h100', 1],
        ['t4', 1],
      ]),
    )
    assert.equal(book.reserve('s', gpus(1, 'h100', 'stranger'), 1_000), true)
    assert.deepEqual(
      [free(book, 'r'), free(book, 'stranger 2')],
      [
        { h100: 1, t4: 1 },
        { h100: 0, t4: 1 },
      ],
    )
    assert.equal(book.reserve('a', gpus(1, 'h100'), 1_000), true)
    assert.equal(book.commit('s', 'lease'), 'taken')
  })
})

describe('book', () => {
  it('holds what was reserved until it is released', () => {
    const { book } = setUp()
    assert.equal(book.reserve('a', of(600), 1_000), true)
    assert.equal(book.free().cpuMillis, 400)
    assert.equal(book.reserve('b', of(401), 1_000), false)
    book.release('a')
    book.release('a')
    assert.deepEqual(book.free(), TOTAL)
    assert.equal(book.reserve('b', of(401), 1_000), true)
  })

  it('frees an expired reservation on the monotonic clock, whatever the wall clock does', async () => {
    const { book, clock, expired } = setUp()
    book.reserve('a', of(600), 1_000)
    clock.jump(3_600_000)
    await clock.advance(999)
    assert.equal(book.free().cpuMillis, 400)
    await clock.advance(1)
    assert.equal(book.free().cpuMillis, 1000)
    assert.deepEqual(expired, ['a'])
    assert.equal(book.commit('a', 'lease'), 'lapsed')
    assert.equal(clock.pending(), 0)
  })

  it('turns a reservation into a lease that does not expire', async () => {
    const { book, clock, expired } = setUp()
    book.reserve('a', of(600), 1_000)
    assert.equal(book.commit('a', 'lease'), 'committed')
    assert.equal(book.commit('a', 'other'), 'lapsed', 'once')
    await clock.advance(10_000)
    assert.equal(book.free().cpuMillis, 400)
    assert.deepEqual(expired, [])
    book.release('lease')
    assert.deepEqual(book.free(), TOTAL)
  })

  it('tells what one requester holds, bids apart', () => {
    const { book } = setUp()
    book.reserve('a', of(100, 'x'), 1_000)
    book.reserve('b', of(200, 'x'), 1_000)
    book.reserve('c', of(300, 'y'), 1_000)
    book.commit('b', 'lease')
    const held = book.heldBy('x')
    assert.deepEqual([held.bids, held.bidResources.cpuMillis, held.resources.cpuMillis], [1, 100, 300])
  })

  it('keeps leases of an earlier run although less is offered now, and then offers nothing', () => {
    const { book } = setUp()
    book.adopt('lease', of(800))
    book.resize({ ...TOTAL, cpuMillis: 500 })
    assert.equal(book.free().cpuMillis, 0)
    assert.equal(book.reserve('a', of(1), 1_000), false)
  })

  it('calls back when free capacity changed, also by expiry', async () => {
    const { book, clock } = setUp()
    let calls = 0
    book.onChange(() => {
      calls += 1
    })
    book.reserve('a', of(1), 1_000)
    book.reserve('too much', of(1_001), 1_000)
    assert.equal(calls, 1)
    await clock.advance(1_000)
    assert.equal(calls, 2)
  })

  describe('with strangers', () => {
    it('keeps no room for their bids from those who have awarded here', () => {
      const { book } = setUp()
      assert.equal(book.reserve('s', of(700, 'stranger'), 1_000), true)
      assert.deepEqual(
        ['stranger', 'stranger 2', 'r', null].map((requester) => book.freeFor(requester).cpuMillis),
        [300, 300, 1_000, 1_000],
      )
      assert.equal(book.reserve('s2', of(400, 'stranger 2'), 1_000), false)
      assert.equal(book.reserve('a', of(1_000, 'r'), 1_000), true)
      assert.equal(book.free().cpuMillis, 0)
    })

    it('turns away the award that finds its room taken, and gives what it held free', async () => {
      const { book, clock, expired } = setUp()
      book.reserve('s', of(700, 'stranger'), 1_000)
      book.reserve('a', of(400, 'r'), 1_000)
      assert.equal(book.commit('s', 'lease'), 'taken')
      assert.equal(book.commit('s', 'lease'), 'lapsed')
      assert.equal(book.free().cpuMillis, 600)
      assert.equal(book.commit('a', 'lease'), 'committed')
      await clock.advance(1_000)
      assert.deepEqual(expired, [])
    })

    it('honours their award where there is room beside, or again', () => {
      const { book } = setUp()
      book.reserve('s', of(600, 'stranger'), 1_000)
      book.reserve('s2', of(400, 'stranger 2'), 1_000)
      book.reserve('a', of(400, 'r'), 1_000)
      book.reserve('b', of(600, 'r'), 1_000)
      book.release('b')
      assert.equal(book.commit('s', 'lease s'), 'committed')
      assert.equal(book.commit('a', 'lease a'), 'committed')
      assert.equal(book.commit('s2', 'lease s2'), 'taken')
    })

    it('honours it on a machine that has become smaller meanwhile', () => {
      const { book } = setUp()
      book.reserve('s', of(600, 'stranger'), 1_000)
      book.resize({ ...TOTAL, cpuMillis: 500 })
      assert.equal(book.commit('s', 'lease'), 'committed')
    })

    it('does not bid twice on the same room to one who becomes known in the middle of a burst', () => {
      const clock = createSimClock()
      const buyers = new Set<string>()
      const book = createBook({ clock, credit: { hasAwarded: (who) => buyers.has(who) } }, { total: TOTAL })
      for (const id of ['a', 'b']) book.reserve(id, of(500, 'r'), 1_000)
      assert.equal(book.commit('a', 'lease a'), 'committed')
      buyers.add('r')
      assert.equal(book.freeFor('r').cpuMillis, 0)
      assert.equal(book.reserve('c', of(500, 'r'), 1_000), false)
      assert.equal(book.commit('b', 'lease b'), 'committed')
    })

    it('calls back when a stranger’s bid becomes a lease: now it counts against everybody', () => {
      const { book } = setUp()
      book.reserve('s', of(600, 'stranger'), 1_000)
      let free = 0
      book.onChange(() => {
        free = book.freeFor(null).cpuMillis
      })
      book.commit('s', 'lease')
      assert.equal(free, 400)
    })
  })

  it('never promises more than the total, whatever is asked in whatever order', async () => {
    const amount = fc.integer({ min: 0, max: 700 })
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const requester = fc.constantFrom('r', 'q', 'stranger', 'stranger 2')
    const action = fc.oneof(
      fc.record({
        kind: fc.constant('reserve' as const),
        id,
        requester,
        amount,
        ttlMs: fc.integer({ min: 1, max: 50 }),
      }),
      fc.record({ kind: fc.constant('commit' as const), id }),
      fc.record({ kind: fc.constant('release' as const), id }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const { book, clock } = setUp()
        /** The same in the plainest words: who holds how much until when, and whether it is kept from everybody. */
        const model = new Map<string, { requester: string; amount: number; untilMs: number; isKept: boolean }>()
        const sweep = (): void => {
          for (const [key, { untilMs }] of model) if (untilMs <= clock.monotonicMs()) model.delete(key)
        }
        const held = (which: (entry: { requester: string; isKept: boolean }) => boolean): number =>
          [...model.values()].filter(which).reduce((sum, entry) => sum + entry.amount, 0)
        for (const next of actions) {
          sweep()
          if (next.kind === 'reserve') {
            const isKnown = credit.hasAwarded(next.requester)
            const against = held((entry) => !isKnown || entry.isKept)
            const fits = !model.has(next.id) && against + next.amount <= TOTAL.cpuMillis
            assert.equal(book.reserve(next.id, of(next.amount, next.requester), next.ttlMs), fits)
            const entry = { ...next, untilMs: clock.monotonicMs() + next.ttlMs, isKept: isKnown }
            if (fits) model.set(next.id, entry)
          } else if (next.kind === 'commit') {
            const entry = model.get(next.id)
            const isHeld = entry !== undefined && !model.has(`lease ${next.id}`)
            const fits = isHeld && (entry.isKept || held(({ isKept }) => isKept) + entry.amount <= TOTAL.cpuMillis)
            assert.equal(book.commit(next.id, `lease ${next.id}`), isHeld ? (fits ? 'committed' : 'taken') : 'lapsed')
            if (isHeld) model.delete(next.id)
            if (fits) model.set(`lease ${next.id}`, { ...entry, untilMs: Number.POSITIVE_INFINITY, isKept: true })
          } else if (next.kind === 'release') {
            book.release(next.id)
            model.delete(next.id)
          } else {
            await clock.advance(next.ms)
          }
          sweep()
          const promised = held(({ isKept }) => isKept)
          assert.ok(promised <= TOTAL.cpuMillis)
          assert.equal(book.freeFor(null).cpuMillis, TOTAL.cpuMillis - promised)
          assert.equal(book.free().cpuMillis, Math.max(0, TOTAL.cpuMillis - held(() => true)))
          for (const kind of RESOURCE_KINDS) assert.ok(book.free()[kind] >= 0, kind)
        }
        book.stop()
      }),
      { numRuns: 200 },
    )
  })
})
