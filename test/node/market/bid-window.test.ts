import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../../node/clock.ts'
import { createBidWindow } from '../../../node/market/bid-window.ts'

/** A clock that moves only when told to. */
function manualClock(): Clock & { expire(): void } {
  const sleepers: (() => void)[] = []
  return {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        sleepers.push(resolve)
      }),
    expire() {
      for (const wake of sleepers) wake()
    },
  }
}

const open = (expected: string[], clock = manualClock(), stop = new AbortController()) => ({
  clock,
  stop,
  window: createBidWindow({ clock }, { expected, deadlineMs: 1000, signal: stop.signal }),
})

describe('bid window', () => {
  it('closes when everyone expected has answered, whoever else did', async () => {
    const { window } = open(['a', 'b'])
    window.answered('stranger')
    window.answered('a')
    window.answered('a')
    window.answered('b')
    assert.equal(await window.closed, 'complete')
  })

  it('closes at the deadline when somebody is missing', async () => {
    const { window, clock } = open(['a', 'b'])
    window.answered('a')
    clock.expire()
    assert.equal(await window.closed, 'deadline')
  })

  it('stays open to the deadline when nobody is expected', async () => {
    const { window, clock } = open([])
    window.answered('a')
    clock.expire()
    assert.equal(await window.closed, 'deadline')
  })

  it('closes when the round is given up', async () => {
    const { window, stop } = open(['a'])
    stop.abort()
    assert.equal(await window.closed, 'aborted')
  })
})
