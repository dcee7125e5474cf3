import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createOverdueCheck } from '../../../../node/market/leases/overdue.ts'
import type { JobRecord } from '../../../../node/store/index.ts'

const TIMES = { startWithinMs: 10_000, endWithinMs: 5_000 }

/** Only what the check looks at. */
function job(status: 'scheduled' | 'running' | 'completed', fields: Partial<JobRecord> = {}): JobRecord {
  const spec = { stopGraceSeconds: 2 }
  return { spec, state: { status }, durationSeconds: 60, cancelRequestedAtMs: null, ...fields } as JobRecord
}

describe('what a provider is late with', () => {
  const cases: [what: string, job: JobRecord, onTimeMs: number, expected: 'start' | 'cancel' | 'end' | null][] = [
    ['the start', job('scheduled'), 10_000, 'start'],
    ['the end: duration, grace and some time to tell', job('running'), 67_000, 'end'],
    ['a cancelled job that runs', job('running', { cancelRequestedAtMs: 1 }), 7_000, 'cancel'],
    ['a cancelled job that did not start', job('scheduled', { cancelRequestedAtMs: 1 }), 7_000, 'cancel'],
    ['nothing, once it is over', job('completed'), 1e9, null],
  ]
  for (const [what, record, onTimeMs, expected] of cases) {
    it(what, () => {
      let nowMs = 123
      const clock = { monotonicMs: () => nowMs }
      const check = createOverdueCheck({ clock }, TIMES)
      assert.equal(check(record), null)
      nowMs += onTimeMs
      assert.equal(check(record), null)
      nowMs += 1
      assert.equal(check(record), expected)
    })
  }

  it('counts the duration from the start, and an extension with it', () => {
    let nowMs = 0
    const clock = { monotonicMs: () => nowMs }
    const check = createOverdueCheck({ clock }, TIMES)
    check(job('scheduled'))
    nowMs = 9_000
    check(job('running'))
    nowMs = 9_000 + 67_001
    assert.equal(check(job('running', { durationSeconds: 61 })), null)
    nowMs += 1_000
    assert.equal(check(job('running', { durationSeconds: 61 })), 'end')
  })
})
