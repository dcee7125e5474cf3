import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../node/logger.ts'
import { experienceOf } from '../../../../node/market/reputation/experience.ts'
import { createReputation } from '../../../../node/market/reputation/reputation.ts'
import type { JobRecord } from '../../../../node/store/index.ts'
import { failure } from '../../../../protocol/failures.ts'
import { createSimClock } from '../../../support/sim-clock.ts'
import { memoryTrackRecords } from '../../../support/track-records.ts'

function setUp() {
  const clock = createSimClock()
  const components = { clock, store: memoryTrackRecords(), logger: silentLogger }
  return { clock, reputation: createReputation(components), restart: () => createReputation(components) }
}

describe('reputation', () => {
  it('believes everyone where nobody ever broke its word', () => {
    const { reputation } = setUp()
    reputation.record('a', 'honoured')
    assert.deepEqual([reputation.trust('a'), reputation.trust('new')], [1, 1])
  })

  it('knows who has kept its word, and not who broke it or was never seen', () => {
    const { reputation } = setUp()
    reputation.record('a', 'honoured', 'alice')
    reputation.record('b', 'broken')
    const known = (owner?: string): boolean[] => ['a', 'b', 'new'].map((one) => reputation.isKnown(one, owner))
    for (const owner of [undefined, 'alice', 'bob']) assert.deepEqual(known(owner), [true, false, false], owner)
  })

  it('lets one that breaks its word sink, and rise again with time and with what it keeps', async () => {
    const { clock, reputation } = setUp()
    reputation.record('a', 'broken')
    assert.equal(reputation.trust('a'), 1 / 3)
    reputation.record('a', 'broken')
    assert.equal(reputation.trust('a'), 1 / 5)
    await clock.advance(10 * 60_000)
    assert.equal(reputation.trust('a'), 1 / 3)
    reputation.record('a', 'honoured')
    assert.equal(reputation.trust('a'), 2 / 4)
  })

  it('believes the next of many names less when those before it broke their word, but never too little for a chance', async () => {
    const { clock, reputation } = setUp()
    reputation.record('proven', 'honoured')
    const trust: number[] = []
    for (let i = 0; i < 40; i += 1) {
      reputation.record(`sybil ${i}`, 'broken')
      trust.push(reputation.trust('next'))
    }
    assert.ok((trust[0] ?? 0) > 0.5, 'one bad newcomer is no sign')
    assert.ok((trust[3] ?? 1) < 0.5, 'several are')
    assert.equal(trust.at(-1), 0.25)
    assert.equal(reputation.trust('proven'), 1, 'what was seen of a provider itself outweighs it')
    await clock.advance(2 * 3_600_000)
    assert.ok(reputation.trust('next') > 0.9, 'and it is forgotten')
  })

  it('remembers over a restart what was seen, as far as it still counts', async () => {
    const { clock, reputation, restart } = setUp()
    reputation.record('liar', 'broken')
    reputation.record('other liar', 'broken')
    await clock.advance(10 * 60_000)
    const again = restart()
    assert.equal(again.trust('liar'), 1)
    await again.recall()
    for (const name of ['liar', 'other liar', 'next']) assert.equal(again.trust(name), reputation.trust(name), name)
    assert.deepEqual([again.trust('liar'), again.trust('next')], [1 / 2, 1.5 / 2.5])
    again.record('liar', 'broken')
    assert.equal(again.trust('liar'), 1 / 4)
  })

  it('takes a record of the future for one of now', async () => {
    const { clock, reputation, restart } = setUp()
    reputation.record('liar', 'broken')
    clock.jump(-24 * 3_600_000)
    const again = restart()
    await again.recall()
    assert.equal(again.trust('liar'), 1 / 3)
  })

  it('goes on where nothing can be kept', async () => {
    const failing = { trackRecords: async () => new Map(), keepTrackRecord: () => Promise.reject(new Error('no room')) }
    const reputation = createReputation({ clock: createSimClock(), store: failing, logger: silentLogger })
    reputation.record('liar', 'broken')
    await Promise.resolve()
    assert.equal(reputation.trust('liar'), 1 / 3)
  })

  it('entry 10: what one owner’s jobs may have caused, twenty times, moves no score for others', async () => {
    const { reputation, restart } = setUp()
    reputation.record('honest', 'honoured', 'victim')
    reputation.record('other', 'broken')
    const before = { known: reputation.trust('honest', 'victim'), next: reputation.trust('next', 'victim') }
    for (let i = 0; i < 20; i += 1) reputation.record('honest', 'broken-for-owner', 'attacker')
    const again = restart()
    await again.recall()
    for (const each of [reputation, again]) {
      assert.equal(each.trust('honest', 'victim'), before.known)
      assert.equal(each.trust('honest'), before.known)
      assert.equal(each.trust('next', 'victim'), before.next)
      assert.ok(each.trust('honest', 'attacker') < 0.1, 'for the owner himself it counts')
    }
  })

  it('entry 10: a broken word of the provider’s own counts for every owner', () => {
    const { reputation } = setUp()
    reputation.record('liar', 'broken', 'one')
    assert.deepEqual([reputation.trust('liar', 'one'), reputation.trust('liar', 'two')], [1 / 3, 1 / 3])
  })

  it('entry 10: nobody washes a provider’s name with many jobs of his own', () => {
    const { reputation } = setUp()
    for (let i = 0; i < 6; i += 1) reputation.record('mallory', 'broken', 'victim')
    for (let i = 0; i < 1_000; i += 1) reputation.record('mallory', 'honoured', 'accomplice')
    assert.ok(reputation.trust('mallory', 'victim') < 0.5)
    assert.ok(reputation.trust('mallory', 'accomplice') > 0.9, 'what he saw himself is his own affair')
  })

  it('counts what one provider does again against itself alone', () => {
    const { reputation } = setUp()
    for (let i = 0; i < 10; i += 1) reputation.record('a', 'broken')
    assert.ok(reputation.trust('next') > 0.5)
  })
})

describe('what an ended lease says of its provider', () => {
  const receipt = { provider: '', requester: '' }
  const lease = (signed: boolean) => ({ fence: 1, receipt: signed ? receipt : null })
  const past = (outcome: 'lost' | 'failed', why?: object) => ({
    state: { status: 'pending' },
    pastLeases: [{ fence: 1, outcome, why }],
  })
  const failed = (code: Parameters<typeof failure>[0]) => ({ state: { status: 'failed', failure: failure(code) } })
  const cases: [what: string, job: object, retryOnFailure: boolean, expected: string | null][] = [
    [
      'a completed job under a signed receipt',
      { state: { status: 'completed', lease: lease(true) } },
      false,
      'honoured',
    ],
    ['one whose receipt was not signed', { state: { status: 'completed', lease: lease(false) } }, false, null],
    [
      'a cancelled job under a signed receipt',
      { state: { status: 'cancelled', lease: lease(true) } },
      false,
      'honoured',
    ],
    ['one cancelled before anybody had it', { state: { status: 'cancelled', lease: null } }, false, null],
    ['a program that failed', failed('NON_ZERO_EXIT'), false, null],
    [
      'an image that nobody can pull',
      { state: { status: 'failed', failure: failure('IMAGE_PULL_ERROR', undefined, { reason: 'not-found' }) } },
      false,
      null,
    ],
    ['an attempt that failed by itself', past('failed', { code: 'NON_ZERO_EXIT', details: {} }), true, null],
    [
      'one that its provider stopped, though every failure is tried again',
      past('failed', { code: 'INTERNAL', details: { reason: 'stopped-by-provider' } }),
      true,
      'broken',
    ],
    ['a fault that nobody has named, which its job may have caused', failed('INTERNAL'), false, 'broken-for-owner'],
    ['an attempt that ended by a fault of the provider', past('failed'), false, 'broken'],
    ['an attempt that may have failed by itself', past('failed'), true, null],
    ['an attempt that was lost', past('lost'), true, 'broken'],
    [
      'one that its provider did not end at its duration, which its job may have caused',
      past('lost', { code: 'DURATION_EXCEEDED', details: { reason: 'provider-end' } }),
      true,
      'broken-for-owner',
    ],
    ['a lease that goes on', { state: { status: 'running', lease: lease(false) } }, false, null],
  ]
  for (const [what, job, retryOnFailure, expected] of cases) {
    it(`${what}: ${expected ?? 'nothing'}`, () => {
      const record = { pastLeases: [], spec: { retryOnFailure }, ...job } as unknown as JobRecord
      assert.equal(experienceOf(record, 1), expected)
    })
  }
})
