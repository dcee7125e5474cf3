import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { abortedWithin } from '../../node/abort.ts'
import { until } from '../support/until.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Whether it aborts though nobody listens to it, and garbage is collected meanwhile. */
async function aborts(signal: AbortSignal): Promise<void> {
  await until(async () => {
    collectGarbage()
    await delay(20)
    return signal.aborted
  })
}

describe('a signal with a time', () => {
  it('aborts where nobody listens', async () => {
    const { signal } = new AbortController()
    const made = abortedWithin(60_000, abortedWithin(300, signal), new AbortController().signal)
    await Promise.all([aborts(abortedWithin(300)), aborts(abortedWithin(300, signal)), aborts(made)])
    assert.equal(made.reason.name, 'TimeoutError')
  })

  it('aborts with the first of the others, and why', () => {
    const cause = new Error('stopped')
    const controller = new AbortController()
    const signal = abortedWithin(60_000, controller.signal)
    assert.equal(signal.aborted, false)
    controller.abort(cause)
    assert.equal(signal.reason, cause)
    assert.equal(abortedWithin(60_000, AbortSignal.abort(cause)).reason, cause)
  })
})
