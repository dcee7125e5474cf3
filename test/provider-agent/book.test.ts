import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { NO_RESOURCES, RESOURCE_KINDS, type Resources } from '../../protocol/units.ts'
import { createBook, type Holding } from '../../provider-agent/book.ts'
import { createSimClock } from '../support/sim-clock.ts'

const TOTAL: Resources = { cpuMillis: 1000, memoryBytes: 1000, storageBytes: 1000, gpu: 2 }

const of = (amount: number, requester = 'r'): Holding => ({
  requester,
  resources: { ...NO_RESOURCES, cpuMillis: amount, memoryBytes: amount },
})

function setUp() {
  const clock = createSimClock()
  const expired: string[] = []
  const book = createBook({ clock }, { total: TOTAL, onExpired: (id) => expired.push(id) })
  return { clock, book, expired }
}

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
    assert.equal(book.commit('a', 'lease'), false)
    assert.equal(clock.pending(), 0)
  })

  it('turns a reservation into a lease that does not expire', async () => {
    const { book, clock, expired } = setUp()
    book.reserve('a', of(600), 1_000)
    assert.equal(book.commit('a', 'lease'), true)
    assert.equal(book.commit('a', 'other'), false, 'once')
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

  it('never holds more than the total, whatever is asked in whatever order', async () => {
    const amount = fc.integer({ min: 0, max: 700 })
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const action = fc.oneof(
      fc.record({ kind: fc.constant('reserve' as const), id, amount, ttlMs: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant('commit' as const), id }),
      fc.record({ kind: fc.constant('release' as const), id }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const { book, clock } = setUp()
        /** The same in the plainest words: who holds how much until when. */
        const model = new Map<string, { amount: number; untilMs: number }>()
        const sweep = (): void => {
          for (const [key, { untilMs }] of model) if (untilMs <= clock.monotonicMs()) model.delete(key)
        }
        for (const next of actions) {
          sweep()
          const held = [...model.values()].reduce((sum, entry) => sum + entry.amount, 0)
          if (next.kind === 'reserve') {
            const fits = !model.has(next.id) && held + next.amount <= TOTAL.cpuMillis
            assert.equal(book.reserve(next.id, of(next.amount), next.ttlMs), fits)
            if (fits) model.set(next.id, { amount: next.amount, untilMs: clock.monotonicMs() + next.ttlMs })
          } else if (next.kind === 'commit') {
            const entry = model.get(next.id)
            const legal = entry !== undefined && !model.has(`lease ${next.id}`)
            assert.equal(book.commit(next.id, `lease ${next.id}`), legal)
            if (legal) {
              model.delete(next.id)
              model.set(`lease ${next.id}`, { amount: entry.amount, untilMs: Number.POSITIVE_INFINITY })
            }
          } else if (next.kind === 'release') {
            book.release(next.id)
            model.delete(next.id)
          } else {
            await clock.advance(next.ms)
          }
          sweep()
          const now = [...model.values()].reduce((sum, entry) => sum + entry.amount, 0)
          assert.equal(book.free().cpuMillis, TOTAL.cpuMillis - now)
          for (const kind of RESOURCE_KINDS) assert.ok(book.free()[kind] >= 0, kind)
        }
        book.stop()
      }),
      { numRuns: 200 },
    )
  })
})
