/** What providers say of a requester's clock, and what jobs are told of it that nobody took. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClocksOff } from '../../../../node/market/bids/clocks-off.ts'
import { nearestMiss } from '../../../../node/market/bids/nearest-miss.ts'
import type { LiveOffer, RoundResult } from '../../../../node/market/placement/round.ts'
import type { JobRecord } from '../../../../node/store/index.ts'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'

type Answers = Pick<RoundResult, 'offers' | 'declines'>

const job = { spec: jobSubmissionSchema.parse({ image: 'busybox' }) } as unknown as JobRecord
const nothing: Answers = { offers: [], declines: [] }

function declines(...answers: [provider: string, code: string][]): Answers {
  const declines = answers.map(([provider, code]) => ({ provider, name: '', decline: { code, message: code } }))
  return { offers: [], declines: declines as unknown as RoundResult['declines'] }
}

function setUp() {
  let nowMs = 0
  const clocksOff = createClocksOff({ clock: { monotonicMs: () => nowMs } })
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { clocksOff, pass }
}

describe('clocks that are hours apart', () => {
  it('are remembered when rounds follow in which nobody speaks of them', () => {
    const { clocksOff, pass } = setUp()
    clocksOff.heard(declines(['a', 'CLOCK_OFF'], ['b', 'CLOCK_OFF']))
    clocksOff.heard(nothing)
    pass(60_000)
    assert.equal(nearestMiss(job, nothing, [], clocksOff.told()).details.reason, 'clock-off')
  })

  it('are forgotten where the provider answers otherwise, or after a while', () => {
    const { clocksOff, pass } = setUp()
    clocksOff.heard(declines(['a', 'CLOCK_OFF'], ['b', 'CLOCK_OFF']))
    clocksOff.heard({ ...declines(['a', 'LABELS_MISMATCH']), offers: [{ provider: 'b' } as LiveOffer] })
    assert.deepEqual(clocksOff.told(), [])
    clocksOff.heard(declines(['a', 'CLOCK_OFF']))
    pass(3_600_000)
    assert.deepEqual(clocksOff.told(), [])
  })

  it('do not grow without bound', () => {
    const { clocksOff } = setUp()
    for (let i = 0; i < 3_000; i += 1) clocksOff.heard(declines([`p${i}`, 'CLOCK_OFF']))
    assert.ok(clocksOff.told().length <= 1_000)
    assert.equal(clocksOff.told().at(-1)?.provider, 'p2999')
  })

  const cases: [what: string, answers: Answers, reason: string, nearest: string | undefined][] = [
    ['all say so', declines(['a', 'CLOCK_OFF'], ['b', 'CLOCK_OFF']), 'clock-off', 'a'],
    ['most say so', declines(['x', 'LABELS_MISMATCH'], ['a', 'CLOCK_OFF'], ['b', 'CLOCK_OFF']), 'clock-off', 'a'],
    [
      'one says so, and others find nothing wrong',
      declines(['a', 'CLOCK_OFF'], ['x', 'LABELS_MISMATCH'], ['y', 'LABELS_MISMATCH']),
      'declined',
      'x',
    ],
    [
      'one says so, and another has bid',
      { ...declines(['a', 'CLOCK_OFF'], ['x', 'LABELS_MISMATCH']), offers: [{ provider: 'y' } as LiveOffer] },
      'declined',
      'x',
    ],
    ['nobody does', nothing, 'no-provider-known', undefined],
  ]
  for (const [what, answers, reason, nearest] of cases) {
    it(`where ${what}: ${reason}`, () => {
      const { details } = nearestMiss(job, answers, [])
      assert.deepEqual([details.reason, details.provider], [reason, nearest])
    })
  }
})
