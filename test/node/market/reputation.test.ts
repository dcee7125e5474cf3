import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { experienceOf } from '../../../node/market/experience.ts'
import { createReputation } from '../../../node/market/reputation.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import { failure } from '../../../protocol/failures.ts'
import { createSimClock } from '../../support/sim-clock.ts'
import { memoryTrackRecords } from '../../support/track-records.ts'

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

  it('counts what one provider does again against itself alone', () => {
    const { reputation } = setUp()
    for (let i = 0; i < 10; i += 1) reputation.record('a', 'broken')
    assert.ok(reputation.trust('next') > 0.5)
  })
})

describe('what an ended lease says of its provider', () => {
  const receipt = { provider: '', requester: '' }
  const lease = (signed: boolean) => ({ fence: 1, receipt: signed ? receipt : null })
  const past = (outcome: 'lost' | 'failed') => ({ state: { status: 'pending' }, pastLeases: [{ fence: 1, outcome }] })
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
    ['an image that nobody can pull', failed('IMAGE_PULL_ERROR'), false, null],
    ['a fault of the provider', failed('INTERNAL'), false, 'broken'],
    ['an attempt that ended by a fault of the provider', past('failed'), false, 'broken'],
    ['an attempt that may have failed by itself', past('failed'), true, null],
    ['an attempt that was lost', past('lost'), true, 'broken'],
    ['a lease that goes on', { state: { status: 'running', lease: lease(false) } }, false, null],
  ]
  for (const [what, job, retryOnFailure, expected] of cases) {
    it(`${what}: ${expected ?? 'nothing'}`, () => {
      const record = { pastLeases: [], spec: { retryOnFailure }, ...job } as unknown as JobRecord
      assert.equal(experienceOf(record, 1), expected)
    })
  }
})
