import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../../../node/clock.ts'
import { createBidWindow } from '../../../../node/market/bids/bid-window.ts'
import { createSimClock } from '../../../support/sim-clock.ts'

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

  it('leaves the slower half three times what the faster took only where it hurries, and not before three have', async () => {
    const five = ['a', 'b', 'c', 'd', 'e']
    const patient = open(five)
    for (const one of ['a', 'b', 'c']) patient.window.answered(one)
    patient.clock.expire()
    assert.equal(await patient.window.closed, 'deadline')
    const clock = createSimClock()
    const { signal } = new AbortController()
    const window = createBidWindow({ clock }, { expected: five, deadlineMs: 1000, signal, hurries: true })
    let how = ''
    void window.closed.then((end) => {
      how = end
    })
    await clock.advance(100)
    window.answered('a')
    window.answered('b')
    await clock.advance(100)
    window.answered('c')
    await clock.advance(399)
    assert.equal(how, '')
    await clock.advance(1)
    assert.equal(how, 'enough')
  })

  it('closes when the round is given up', async () => {
    const { window, stop } = open(['a'])
    stop.abort()
    assert.equal(await window.closed, 'aborted')
  })

  it('was held up where others came long after the last of those that lead', async () => {
    const after = async (aMs: number, bMs: number, strangerMs: number): Promise<boolean> => {
      const clock = createSimClock()
      const signal = new AbortController().signal
      const init = { expected: ['a', 'b', 'stranger'], leading: ['a', 'b'], deadlineMs: 1000, signal }
      const window = createBidWindow({ clock }, init)
      const come = async (provider: string, ms: number): Promise<void> => {
        await clock.sleep(ms)
        window.answered(provider)
      }
      void Promise.all([come('a', aMs), come('b', bMs), come('stranger', strangerMs)])
      await clock.advance(1000)
      await window.closed
      return window.heldUp()
    }
    assert.equal(await after(10, 20, 240), false, 'as soon as over a long link')
    assert.equal(await after(10, 20, 250), true)
    assert.equal(await after(10, 20, 5000), true, 'never')
    assert.equal(await after(10, 300, 890), false, 'within three times what the others took')
    assert.equal(await after(10, 5000, 20), false, 'who leads held it up')
  })
})
