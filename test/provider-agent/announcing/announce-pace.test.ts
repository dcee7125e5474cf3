import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { announcePace } from '../../../provider-agent/announcing/announce-pace.ts'

const DEFAULTS = { announceMs: 15_000, announceDelayMs: 1_000 }

describe('the pace of announcements', () => {
  const cases: [providers: number, intervalMs: number, gapMs: number][] = [
    [0, 15_000, 1_000],
    [1, 15_000, 1_000],
    [20, 15_000, 1_000],
    [100, 15_000, 5_000],
    [300, 15_000, 15_000],
    [1_000, 50_000, 50_000],
    [10_000, 500_000, 500_000],
    [1_000_000, 900_000, 900_000],
  ]
  for (const [providers, intervalMs, gapMs] of cases) {
    it(`of ${providers}: every ${intervalMs} ms, changes after ${gapMs} ms`, () => {
      assert.deepEqual(announcePace(providers, DEFAULTS), { intervalMs, gapMs })
    })
  }

  it('stays under 20 a second together, whatever each has to say', () => {
    for (const providers of [20, 99, 1_000, 18_000]) {
      const { gapMs } = announcePace(providers, DEFAULTS)
      assert.ok((providers * 1000) / gapMs <= 20, `${providers} providers`)
    }
  })

  it('keeps what the owner wants slower', () => {
    assert.equal(announcePace(1_000, { ...DEFAULTS, announceMs: 60_000 }).intervalMs, 60_000)
  })
})
