/** Tokens where the gateway's clock is set while they live. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KeyRecord } from '../../gateway/auth/key-ring.ts'
import { sessionOf } from '../../gateway/auth/sessions.ts'
import { createTokens, leftOf } from '../../gateway/auth/tokens.ts'
import { createOneTimeCodes } from '../../gateway/records/one-time-codes.ts'
import { createSimClock } from '../support/sim-clock.ts'

const keys = { get: () => ({ digest: 'd' }) as KeyRecord }

describe('what lives for a span', () => {
  for (const hours of [-24, -1, 1, 24]) {
    it(`entry 55: a token and a one-time code end when their time is over, the clock set by ${hours} h`, async () => {
      const clock = createSimClock()
      const tokens = createTokens({ clock, keys }, { secret: 's' })
      const codes = createOneTimeCodes<string>({ clock }, { lifeMs: 60_000, maxOpen: 9 })
      const token = tokens.issue({ kind: 'session', keyId: 'k', expiresAtMs: clock.nowMs() + 60_000 })
      const [first, second] = [codes.issue('first'), codes.issue('second')]
      clock.jump(hours * 3_600_000)
      await clock.advance(59_000)
      const claims = tokens.verify('session', token)
      assert.ok(claims)
      assert.equal(Math.round(leftOf(clock, sessionOf(token, claims))), 1_000)
      assert.equal(codes.redeem(first.code), 'first')
      await clock.advance(2_000)
      assert.equal(tokens.verify('session', token), undefined)
      assert.equal(codes.redeem(second.code), undefined)
    })
  }

  it('entry 55: after a reboot it goes by the wall clock', async () => {
    const clock = createSimClock({ bootId: 'one' })
    const token = createTokens({ clock, keys }, { secret: 's' }).issue({
      ...{ kind: 'session', keyId: 'k', expiresAtMs: clock.nowMs() + 60_000 },
    })
    const rebooted = createSimClock({ bootId: 'two' })
    const tokens = createTokens({ clock: rebooted, keys }, { secret: 's' })
    assert.ok(tokens.verify('session', token))
    rebooted.jump(61_000)
    assert.equal(tokens.verify('session', token), undefined)
  })
})
