import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAttendance } from '../../../../node/market/bids/attendance.ts'

describe('attendance', () => {
  it('waits for a provider that nothing is known of, and for one that missed a round', () => {
    const attendance = createAttendance({ clock: { monotonicMs: () => 0 } })
    assert.equal(attendance.isAwaited('a'), true)
    attendance.missed('a')
    assert.equal(attendance.isAwaited('a'), true)
  })

  it('waits no more for one that missed two in a row, until it comes', () => {
    const attendance = createAttendance({ clock: { monotonicMs: () => 0 } })
    attendance.missed('a')
    attendance.missed('a')
    assert.equal(attendance.isAwaited('a'), false)
    assert.equal(attendance.isAwaited('b'), true)
    attendance.came('a')
    assert.equal(attendance.isAwaited('a'), true)
  })

  it('gives one more chance after a minute', () => {
    let nowMs = 0
    const attendance = createAttendance({ clock: { monotonicMs: () => nowMs } })
    attendance.missed('a')
    attendance.missed('a')
    nowMs = 59_999
    assert.equal(attendance.isAwaited('a'), false)
    nowMs = 60_000
    assert.equal(attendance.isAwaited('a'), true)
    attendance.missed('a')
    assert.equal(attendance.isAwaited('a'), false)
  })
})
