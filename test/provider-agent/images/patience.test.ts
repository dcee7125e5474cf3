import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPatience } from '../../../provider-agent/images/patience.ts'
import { createSimClock } from '../../support/sim-clock.ts'

/** Sends so many bytes every so often; answers after how many seconds it was given up, or null. */
async function givenUp(bytes: number, everyMs: number, seconds: number): Promise<number | null> {
  const clock = createSimClock()
  const patience = createPatience(clock, { leastRate: 1_000, pauseMs: 30_000 })
  const startedMs = clock.monotonicMs()
  let over = false
  const waiting = (async () => {
    while (!over) {
      await patience.wait(
        async () => {
          await clock.sleep(everyMs)
          return Buffer.alloc(bytes)
        },
        () => undefined,
      )
    }
  })().then(
    () => null,
    () => (clock.monotonicMs() - startedMs) / 1_000,
  )
  await clock.advance(seconds * 1_000)
  over = true
  await clock.advance(everyMs)
  return await waiting
}

describe('entry 7: how long a registry is waited for', () => {
  it('for ever while it sends what it must', async () => {
    assert.equal(await givenUp(1_000, 1_000, 600), null)
    assert.equal(await givenUp(29_000, 29_000, 600), null)
  })

  it('not for a byte a second', async () => {
    const seconds = await givenUp(1, 1_000, 600)
    assert.ok(seconds !== null && seconds >= 29 && seconds <= 32, String(seconds))
  })

  it('not for half of what it must send, however much it sent at first', async () => {
    const seconds = await givenUp(500, 1_000, 600)
    assert.ok(seconds !== null && seconds >= 55 && seconds <= 65, String(seconds))
  })
})
