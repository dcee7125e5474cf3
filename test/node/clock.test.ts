import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { systemClock } from '../../node/clock.ts'

describe('the system clock', () => {
  it('entry 24: sleeps for longer than Node’s timers can', async () => {
    const warned = mock.method(process, 'emitWarning', () => undefined)
    const stop = new AbortController()
    let isOver = false
    const sleeping = systemClock.sleep(2 ** 31 + 1000, stop.signal).then(
      () => {
        isOver = true
      },
      (error) => error,
    )
    await systemClock.sleep(20)
    assert.equal(isOver, false)
    assert.equal(warned.mock.callCount(), 0)
    stop.abort(new Error('stopped'))
    assert.equal((await sleeping)?.message, 'stopped')
  })
})
